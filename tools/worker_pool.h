#pragma once
// The threads that run blocking tool functions. All numbers are bounded: threads, queue, and stuck threads.
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <stop_token>

namespace baton::tools {

struct WorkerPoolOptions {
  std::size_t n_threads = 4;    // calls that run at the same time
  std::size_t max_queued = 64;  // calls that wait for a thread; one more is refused
  // A function that continues after its call has ended (deadline, cancel) keeps its thread; another thread is started in its place, at most
  // this many. Once they are all stuck, calls wait, and end at their own deadline.
  std::size_t max_stuck = 16;
  // How long the destructor waits for functions that still run. After that their threads are detached: they die with the process.
  std::chrono::milliseconds shutdown_grace{2'000};
};

// Thread-safe. Threads start when there is work for them.
class WorkerPool {
 public:
  explicit WorkerPool(WorkerPoolOptions options);
  // Drops what is queued (destroying the tasks), and waits for running tasks for shutdown_grace. The pool's owner must ask them to stop
  // before.
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // False: the queue is full, or the pool is closing; the task is not moved from. Once `over` is requested the task counts as stuck until
  // it returns. A task must not throw.
  bool try_post(std::function<void()>& task, std::stop_token over);
  // Must be called after the `over` of a task was requested. Starts a thread for the tasks that wait for the stuck one.
  void check_stuck();

  const WorkerPoolOptions& options() const;

 private:
  struct Shared;  // outlives the pool while a detached thread runs
  std::shared_ptr<Shared> shared_;
};

}  // namespace baton::tools
