#include "worker_pool.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <list>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

namespace baton::tools {

// All state that the threads use. The threads are detached from the start, and each holds a reference. The destructor waits for `workers`
// to become empty instead of joining, because it can abandon that wait if a thread is stuck.
struct WorkerPool::Shared {
  struct Task {
    std::function<void()> run;
    std::stop_token over;
  };
  struct Worker {
    bool running = false;
    std::stop_token over;  // of the task that runs
  };

  explicit Shared(WorkerPoolOptions o) : options(o) {}

  const WorkerPoolOptions options;
  mutable std::mutex mutex;         // guards all below
  std::condition_variable work;     // a task was queued, or closing
  std::condition_variable retired;  // a worker has left
  std::deque<Task> queue;
  std::list<Worker> workers;  // one per live thread
  std::size_t n_idle = 0;
  bool closing = false;

  std::size_t n_stuck() const {
    return std::count_if(workers.begin(), workers.end(), [](const Worker& w) { return w.running && w.over.stop_requested(); });
  }
  std::size_t n_running() const {
    return std::count_if(workers.begin(), workers.end(), [](const Worker& w) { return w.running; });
  }
  // How many threads may live: stuck ones do not count, up to a bound.
  std::size_t max_threads() const { return options.n_threads + std::min(n_stuck(), options.max_stuck); }

  static void start_threads(const std::shared_ptr<Shared>& shared);
  static void thread_main(std::shared_ptr<Shared> shared, std::list<Worker>::iterator self);
};

// Must be called with the mutex held. Starts one thread for each task that no idle thread will take, up to the bound.
void WorkerPool::Shared::start_threads(const std::shared_ptr<Shared>& shared) {
  for (std::size_t n = shared->n_idle; n < shared->queue.size() && shared->workers.size() < shared->max_threads(); ++n) {
    const auto self = shared->workers.emplace(shared->workers.end());
    try {
      std::thread(thread_main, shared, self).detach();
    } catch (const std::system_error&) {  // the system has no more threads: the tasks wait for the existing ones
      shared->workers.erase(self);
      return;
    }
  }
}

void WorkerPool::Shared::thread_main(std::shared_ptr<Shared> shared, std::list<Worker>::iterator self) {
  std::unique_lock lock(shared->mutex);
  while (true) {
    ++shared->n_idle;
    shared->work.wait(lock, [&] { return shared->closing || !shared->queue.empty(); });
    --shared->n_idle;
    if (shared->closing) break;
    Task task = std::move(shared->queue.front());
    shared->queue.pop_front();
    self->running = true;
    self->over = task.over;
    lock.unlock();
    task.run();
    task = {};  // its captures are destroyed while no lock is held
    lock.lock();
    self->running = false;
    self->over = {};
    if (shared->workers.size() > shared->max_threads()) break;  // it was stuck, and another thread has replaced it
  }
  shared->workers.erase(self);
  shared->retired.notify_all();
}

WorkerPool::WorkerPool(WorkerPoolOptions options) : shared_(std::make_shared<Shared>(options)) {}

WorkerPool::~WorkerPool() {
  std::deque<Shared::Task> dropped;
  std::unique_lock lock(shared_->mutex);
  shared_->closing = true;
  dropped.swap(shared_->queue);
  shared_->work.notify_all();
  lock.unlock();
  dropped.clear();
  lock.lock();
  shared_->retired.wait_for(lock, shared_->options.shutdown_grace, [&] { return shared_->workers.empty(); });
}

bool WorkerPool::try_post(std::function<void()>& task, std::stop_token over) {
  const std::lock_guard lock(shared_->mutex);
  // Tasks that a free thread is about to take do not count as waiting.
  const std::size_t allowed = shared_->max_threads(), running = shared_->n_running();
  const std::size_t n_free = allowed > running ? allowed - running : 0;
  if (shared_->closing || shared_->queue.size() >= shared_->options.max_queued + n_free) return false;
  shared_->queue.push_back({std::move(task), std::move(over)});
  Shared::start_threads(shared_);
  if (shared_->workers.empty()) {  // no thread could be started at all, so the task would never run
    task = std::move(shared_->queue.back().run);
    shared_->queue.pop_back();
    return false;
  }
  shared_->work.notify_one();
  return true;
}

void WorkerPool::check_stuck() {
  const std::lock_guard lock(shared_->mutex);
  if (!shared_->closing) Shared::start_threads(shared_);
}

const WorkerPoolOptions& WorkerPool::options() const { return shared_->options; }

}  // namespace baton::tools
