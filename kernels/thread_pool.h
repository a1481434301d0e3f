#pragma once
// The compute threads. After each piece of work they spin for a moment, because the next one usually follows within microseconds, and then
// sleep, so an idle pool uses no CPU time.
#include <functional>
#include <memory>

namespace baton::kernels {

class ThreadPool {
 public:
  // n_threads includes the caller's own thread; 0: one for each physical core that this process may run on.
  explicit ThreadPool(int n_threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int n_threads() const;

  // Calls task(item, thread) for each item in [0, n_items), thread in [0, n_threads). Items are handed out one after the other, so uneven
  // ones balance. Returns when all are done; their writes are visible to the caller. One call at a time; task must not throw.
  void run(int n_items, const std::function<void(int item, int thread)>& task);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

int physical_cores();  // that this process may run on

}  // namespace baton::kernels
