#pragma once
// The blocking threads on which tool functions run. Bounded in every direction: threads, queue, and threads that are stuck.
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <stop_token>

namespace baton::tools {

struct WorkerPoolOptions {
  std::size_t n_threads = 4;    // calls that run at the same time
  std::size_t max_queued = 64;  // calls that wait for a thread; one more is refused
  // A function that goes on after its call has ended (deadline, cancel) keeps its thread; another is started in its place, at most this
  // many. Once they are all stuck, calls wait, and end by their own deadline.
  std::size_t max_stuck = 16;
  // How long the destructor waits for functions that still run. After that their threads are detached: they die with the process.
  std::chrono::milliseconds shutdown_grace{2'000};
};

// Thread-safe. Threads start when there is work for them.
class WorkerPool {
 public:
  explicit WorkerPool(WorkerPoolOptions options);
  // Drops what is queued (destroying the tasks), and waits for running tasks for shutdown_grace; whoever owns the pool asks them to stop
  // before.
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // False: the queue is full, or the pool is closing; the task is untouched and still the caller's. Once `over` is requested the task
  // counts as stuck until it returns. A task must not throw.
  bool try_post(std::function<void()>& task, std::stop_token over);
  // To call after the `over` of a task was requested: starts a thread for what waits behind it.
  void check_stuck();

  const WorkerPoolOptions& options() const;

 private:
  struct Shared;  // outlives the pool while a detached thread runs
  std::shared_ptr<Shared> shared_;
};

}  // namespace baton::tools
