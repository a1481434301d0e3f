#pragma once
// Connections on which nothing is under way, by address of the peer: those that one more may take the place of. On the I/O thread.
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

namespace baton::agent::server {

class Session;

class Doorway {
 public:
  // Gives the ticket for leave().
  std::uint64_t enter(const std::string& address, Session* session) {
    waiting_[address].emplace(++last_, session);
    return last_;
  }
  void leave(const std::string& address, std::uint64_t ticket) {
    const auto at = waiting_.find(address);
    if (at == waiting_.end()) return;
    at->second.erase(ticket);
    if (at->second.empty()) waiting_.erase(at);
  }
  std::size_t count(const std::string& address) const {
    const auto at = waiting_.find(address);
    return at == waiting_.end() ? 0 : at->second.size();
  }
  // Null: none.
  Session* oldest(const std::string& address) const {
    const auto at = waiting_.find(address);
    return at == waiting_.end() ? nullptr : at->second.begin()->second;
  }
  // Of the address that has most.
  Session* oldest_of_most() const {
    const std::map<std::uint64_t, Session*>* most = nullptr;
    for (const auto& [address, sessions] : waiting_) {
      if (!most || sessions.size() > most->size()) most = &sessions;
    }
    return most ? most->begin()->second : nullptr;
  }

 private:
  std::map<std::string, std::map<std::uint64_t, Session*>> waiting_;  // by address, then by age
  std::uint64_t last_ = 0;
};

}  // namespace baton::agent::server
