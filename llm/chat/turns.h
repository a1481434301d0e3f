#pragma once
// Chooses which waiting request a free thread takes, so that no client occupies all threads. Internal to llm/chat.
#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>

namespace baton::llm {

// Not thread-safe: its user holds a lock.
template <class T>
class Turns {
 public:
  // A client has at most `most` running items.
  explicit Turns(int most) : most_(most) {}

  void push(std::string client, T item) { waiting_.push_back({std::move(client), std::move(item)}); }
  bool empty() const { return waiting_.empty(); }

  // Takes the first item of the waiting client with the fewest running items, among those that may start one more. done() must follow.
  std::optional<std::pair<std::string, T>> take() {
    auto best = waiting_.end();
    for (auto it = waiting_.begin(); it != waiting_.end(); ++it) {
      const int n = n_at_work(it->first);
      if (n < (best == waiting_.end() ? most_ : n_at_work(best->first))) best = it;
      if (n == 0) break;
    }
    if (best == waiting_.end()) return std::nullopt;
    std::pair<std::string, T> taken = std::move(*best);
    waiting_.erase(best);
    ++at_work_[taken.first];
    return taken;
  }

  void done(const std::string& client) {
    const auto it = at_work_.find(client);
    if (--it->second == 0) at_work_.erase(it);
  }

 private:
  int n_at_work(const std::string& client) const {
    const auto it = at_work_.find(client);
    return it == at_work_.end() ? 0 : it->second;
  }

  const int most_;
  std::deque<std::pair<std::string, T>> waiting_;
  std::map<std::string, int> at_work_;  // only of clients that have some
};

}  // namespace baton::llm
