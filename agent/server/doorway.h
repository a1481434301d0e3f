#pragma once
// Idle connections by address of the peer: one more connection may replace them. On the I/O thread.
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

namespace baton::agent::server {

class Session;

class Doorway {
 public:
  // Returns the ticket for leave().
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
  // Returns null if there is none.
  Session* oldest(const std::string& address) const {
    const auto at = waiting_.find(address);
    return at == waiting_.end() ? nullptr : at->second.begin()->second;
  }
  struct Crowd {
    std::size_t count = 0;
    Session* oldest = nullptr;
  };
  // The address that has most; nothing if there is none.
  Crowd largest() const {
    Crowd largest;
    for (const auto& [address, sessions] : waiting_) {
      if (sessions.size() > largest.count) largest = {sessions.size(), sessions.begin()->second};
    }
    return largest;
  }

 private:
  std::map<std::string, std::map<std::uint64_t, Session*>> waiting_;  // by address, then by age
  std::uint64_t last_ = 0;
};

}  // namespace baton::agent::server
