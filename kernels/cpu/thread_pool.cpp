#include <baton/kernels/thread_pool.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <fstream>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace baton::kernels {
namespace {

// About 50 us at 3 GHz: longer than the gaps between the kernels of a step, and too short to matter on an idle machine.
constexpr int kSpins = 2000;

void pause_briefly() {
#if defined(__x86_64__)
  _mm_pause();
#endif
}

}  // namespace

struct ThreadPool::State {
  std::vector<std::thread> threads;
  std::atomic<unsigned> generation{0};  // incremented with each piece of work
  std::atomic<int> next_item{0};
  std::atomic<int> busy{0};  // helper threads that have not finished this generation
  int n_items = 0;           // this and `task` are written before `generation` is incremented
  const std::function<void(int, int)>* task = nullptr;
  std::atomic<bool> stopping{false};
  std::mutex mutex;
  std::condition_variable wake, done;

  void work(int thread) {
    for (int item; (item = next_item.fetch_add(1, std::memory_order_relaxed)) < n_items;) (*task)(item, thread);
  }

  void wait_for_work(unsigned seen) {
    for (int i = 0; i < kSpins; ++i) {
      if (generation.load(std::memory_order_acquire) != seen || stopping) return;
      pause_briefly();
    }
    std::unique_lock lock(mutex);
    wake.wait(lock, [&] { return generation.load(std::memory_order_acquire) != seen || stopping; });
  }

  void helper(int thread) {
    for (unsigned seen = 0;;) {
      wait_for_work(seen);
      if (stopping) return;
      seen = generation.load(std::memory_order_acquire);
      work(thread);
      if (busy.fetch_sub(1, std::memory_order_acq_rel) == 1) {
        std::scoped_lock lock(mutex);
        done.notify_one();
      }
    }
  }
};

ThreadPool::ThreadPool(int n_threads) : state_(std::make_unique<State>()) {
  if (n_threads <= 0) n_threads = physical_cores();
  for (int i = 1; i < n_threads; ++i) state_->threads.emplace_back([this, i] { state_->helper(i); });
}

ThreadPool::~ThreadPool() {
  {
    std::scoped_lock lock(state_->mutex);
    state_->stopping = true;
  }
  state_->wake.notify_all();
  for (auto& thread : state_->threads) thread.join();
}

int ThreadPool::n_threads() const { return static_cast<int>(state_->threads.size()) + 1; }

void ThreadPool::run(int n_items, const std::function<void(int, int)>& task) {
  State& s = *state_;
  if (s.threads.empty() || n_items <= 1) {
    for (int i = 0; i < n_items; ++i) task(i, 0);
    return;
  }
  s.n_items = n_items;
  s.task = &task;
  s.next_item.store(0, std::memory_order_relaxed);
  s.busy.store(static_cast<int>(s.threads.size()), std::memory_order_relaxed);
  {
    std::scoped_lock lock(s.mutex);  // a helper between its last check and its sleep must not miss this
    s.generation.fetch_add(1, std::memory_order_release);
  }
  s.wake.notify_all();
  s.work(0);
  for (int i = 0; i < kSpins && s.busy.load(std::memory_order_acquire) > 0; ++i) pause_briefly();
  if (s.busy.load(std::memory_order_acquire) > 0) {
    std::unique_lock lock(s.mutex);
    s.done.wait(lock, [&] { return s.busy.load(std::memory_order_acquire) == 0; });
  }
}

int physical_cores() {
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return std::max(1u, std::thread::hardware_concurrency());
  std::set<std::string> cores;  // hyper-threads of one core share the same list of siblings
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &allowed)) continue;
    std::ifstream in("/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/thread_siblings_list");
    std::string siblings;
    cores.insert(std::getline(in, siblings) ? siblings : std::to_string(cpu));
  }
  return std::max<int>(1, static_cast<int>(cores.size()));
}

}  // namespace baton::kernels
