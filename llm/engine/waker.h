#pragma once
// Lets the engine's thread sleep while it has nothing to do. Internal to llm/engine.
#include <condition_variable>
#include <mutex>

namespace baton::llm {

class Waker {
 public:
  // Any thread, after the change that the engine's thread shall see.
  void wake() {
    {
      std::scoped_lock lock(mutex_);
      woken_ = true;
    }
    changed_.notify_one();
  }
  // Returns at once if wake() was called since the last return.
  void wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return woken_; });
    woken_ = false;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool woken_ = false;
};

}  // namespace baton::llm
