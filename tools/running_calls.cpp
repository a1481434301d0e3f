#include "running_calls.h"

#include <cstdio>

#include "text.h"

namespace baton::tools {

bool RunningCall::ended() const {
  const std::lock_guard lock(mutex_);
  return state_ == State::ended;
}

void RunningCall::finish(ToolResult result) {
  std::unique_lock lock(mutex_);
  if (state_ == State::starting) {
    early_ = std::move(result);
  } else if (state_ == State::running) {
    deliver(std::move(lock), std::move(result));
  }
}

void RunningCall::started() {
  std::unique_lock lock(mutex_);
  if (state_ != State::starting) return;
  state_ = State::running;
  if (early_) deliver(std::move(lock), std::move(*early_));
}

void RunningCall::failed_to_start(ToolResult result) {
  std::unique_lock lock(mutex_);
  if (state_ != State::ended) deliver(std::move(lock), std::move(result));
}

void RunningCall::stop_and_end(ToolResult result) {
  {
    const std::lock_guard lock(mutex_);
    if (state_ == State::ended) return;
  }
  stop_.request_stop();
  failed_to_start(std::move(result));
}

void RunningCall::deliver(std::unique_lock<std::mutex> lock, ToolResult result) {
  state_ = State::ended;
  const Invocation::Done done = std::exchange(done_, nullptr);
  lock.unlock();
  if (const auto owner = owner_.lock()) owner->forget(*this);
  result.content = fit_output(std::move(result.content), max_output_bytes_);
  done(std::move(result));
}

RunningCalls::RunningCalls(std::function<void()> after_stop) : after_stop_(std::move(after_stop)) {}

RunningCalls::~RunningCalls() { close(); }

bool RunningCalls::watch(const std::shared_ptr<RunningCall>& call, std::stop_token cancel) {
  {
    const std::lock_guard lock(mutex_);
    if (closing_) return false;
    call->owner_ = weak_from_this();
    const auto at = calls_.emplace(Key{call->deadline(), call.get()}, call).first;
    if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
    if (at == calls_.begin()) changed_.notify_one();
  }
  // The callback runs on the cancelling thread, perhaps within this line, so it only leaves a note for our thread.
  call->on_cancel_.emplace(std::move(cancel), [owner = weak_from_this(), weak = std::weak_ptr(call)] {
    const auto self = owner.lock();
    if (!self) return;
    const std::lock_guard lock(self->mutex_);
    self->cancelled_.push_back(weak);
    self->changed_.notify_one();
  });
  return true;
}

void RunningCalls::forget(const RunningCall& call) {
  std::shared_ptr<RunningCall> last;  // destroyed after the lock: it may be the last reference
  const std::lock_guard lock(mutex_);
  const auto it = calls_.find(Key{call.deadline(), &call});
  if (it == calls_.end()) return;
  last = std::move(it->second);
  calls_.erase(it);
}

std::vector<std::pair<std::shared_ptr<RunningCall>, std::string>> RunningCalls::take_due() {
  std::vector<std::pair<std::shared_ptr<RunningCall>, std::string>> due;
  for (const auto& weak : cancelled_) {
    if (auto call = weak.lock()) due.emplace_back(std::move(call), "cancelled");
  }
  cancelled_.clear();
  const Clock::time_point now = Clock::now();
  for (auto it = calls_.begin(); it != calls_.end() && (closing_ || it->first.first <= now); it = calls_.erase(it)) {
    due.emplace_back(it->second, closing_ ? "cancelled: the program is ending" : "timed out: it did not finish before its deadline");
  }
  return due;
}

void RunningCalls::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    const auto due = take_due();
    if (!due.empty()) {
      lock.unlock();
      for (const auto& [call, why] : due) {
        call->stop_and_end(ToolResult::error("the call of '" + call->tool() + "' was " + why +
                                             "; the tool was told to stop, and what it did until then is not known"));
      }
      after_stop_();
      lock.lock();
      continue;
    }
    if (closing_) return;
    if (calls_.empty()) {
      changed_.wait(lock);
    } else {
      const Clock::time_point next = calls_.begin()->first.first;  // a copy, because the call may end, and its key go, during the wait
      changed_.wait_until(lock, next);
    }
  }
}

void RunningCalls::close() {
  std::unique_lock lock(mutex_);
  closing_ = true;
  changed_.notify_one();
  lock.unlock();
  if (thread_.joinable()) thread_.join();
}

}  // namespace baton::tools
