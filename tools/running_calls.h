#pragma once
// The running calls. Each ends exactly once: by its tool, its deadline, a cancel or the end of the set, whichever comes first.
#include <baton/tools/tool.h>

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace baton::tools {

class RunningCalls;

// One call. Shared by the invocation that the tool holds and by RunningCalls.
class RunningCall {
 public:
  RunningCall(std::string tool, Clock::time_point deadline, std::size_t max_output_bytes, Invocation::Done done)
      : tool_(std::move(tool)), deadline_(deadline), max_output_bytes_(max_output_bytes), done_(std::move(done)) {}

  const std::string& tool() const { return tool_; }
  Clock::time_point deadline() const { return deadline_; }
  std::stop_token stop_token() const { return stop_.get_token(); }
  bool ended() const;

  // Called by the tool. While the tool's start() is still running, the result is held back, because an exception from it says more than the
  // error of the invocation that it destroyed.
  void finish(ToolResult result);
  void started();                    // start() has returned
  void failed_to_start(ToolResult);  // start() has thrown
  void stop_and_end(ToolResult);     // from outside: requests stop; a later result of the tool is dropped

 private:
  friend class RunningCalls;
  enum class State { starting, running, ended };
  void deliver(std::unique_lock<std::mutex> lock, ToolResult result);

  const std::string tool_;
  const Clock::time_point deadline_;
  const std::size_t max_output_bytes_;
  std::stop_source stop_;

  mutable std::mutex mutex_;  // guards the three below; never held while foreign code runs
  State state_ = State::starting;
  std::optional<ToolResult> early_;
  Invocation::Done done_;

  std::weak_ptr<RunningCalls> owner_;
  std::optional<std::stop_callback<std::function<void()>>> on_cancel_;
};

// Watches deadlines and cancels on a thread of its own, so that neither waits for a tool or runs on a caller's thread.
class RunningCalls : public std::enable_shared_from_this<RunningCalls> {
 public:
  // `after_stop` runs on the watching thread after it has ended calls whose tools may still run.
  explicit RunningCalls(std::function<void()> after_stop);
  ~RunningCalls();

  // False: the object is closed.
  bool watch(const std::shared_ptr<RunningCall>& call, std::stop_token cancel);
  void forget(const RunningCall& call);
  // Ends all calls with an error and stops the thread.
  void close();

 private:
  using Key = std::pair<Clock::time_point, const RunningCall*>;
  void run();
  std::vector<std::pair<std::shared_ptr<RunningCall>, std::string>> take_due();  // with the reason; call with the mutex held

  const std::function<void()> after_stop_;
  std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  std::map<Key, std::shared_ptr<RunningCall>> calls_;
  std::vector<std::weak_ptr<RunningCall>> cancelled_;
  bool closing_ = false;
  std::thread thread_;
};

}  // namespace baton::tools
