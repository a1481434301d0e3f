#pragma once
// Bounds that apply across connections: the open requests and streams of each client, and the bytes of all bodies together.
#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

namespace baton::agent::server {

// Any thread. Places that were given out may outlive it.
class Clients {
 public:
  // Takes a place of `client` until the pointer is destroyed; null: the client has `most` already.
  std::shared_ptr<void> enter(const std::string& client, int most) {
    const std::scoped_lock lock(counts_->mutex);
    const auto known = counts_->of.find(client);
    if ((known == counts_->of.end() ? 0 : known->second) >= most) return nullptr;
    ++counts_->of[client];
    ++counts_->all;
    return {counts_.get(), [counts = counts_, client](void*) {
              const std::scoped_lock again(counts->mutex);
              --counts->all;
              if (const auto at = counts->of.find(client); --at->second == 0) counts->of.erase(at);
            }};
  }
  int all() const {
    const std::scoped_lock lock(counts_->mutex);
    return counts_->all;
  }

 private:
  struct Counts {
    std::mutex mutex;
    std::map<std::string, int> of;
    int all = 0;
  };
  const std::shared_ptr<Counts> counts_ = std::make_shared<Counts>();
};

// Bytes that may be held at the same time. Any thread. Bytes that were given out may outlive it.
class ByteBudget {
 public:
  explicit ByteBudget(std::size_t most) : most_(most) {}
  // Returns null if there is no room for `n` more now.
  std::shared_ptr<void> take(std::size_t n) {
    if (used_->fetch_add(n) + n > most_) {
      *used_ -= n;
      return nullptr;
    }
    return {used_.get(), [used = used_, n](void*) { *used -= n; }};
  }

 private:
  const std::size_t most_;
  const std::shared_ptr<std::atomic<std::size_t>> used_ = std::make_shared<std::atomic<std::size_t>>(0);
};

}  // namespace baton::agent::server
