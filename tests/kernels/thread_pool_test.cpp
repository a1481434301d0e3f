#include <baton/kernels/thread_pool.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <ctime>
#include <numeric>
#include <thread>
#include <vector>

namespace baton::kernels {
namespace {

double process_cpu_seconds() {
  timespec t{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

TEST(ThreadPool, does_every_item_once_and_shows_the_caller_what_was_written) {
  for (const int n_threads : {1, 2, 3, 8}) {
    ThreadPool pool(n_threads);
    ASSERT_EQ(pool.n_threads(), n_threads);
    for (const int n_items : {0, 1, 2, 7, 1000}) {
      std::vector<int> done(n_items);  // not atomic: the pool itself must make this safe
      pool.run(n_items, [&](int item, int) { ++done[item]; });
      EXPECT_EQ(done, std::vector<int>(n_items, 1)) << n_threads << " threads";
    }
  }
}

TEST(ThreadPool, numbers_its_threads_and_each_number_is_one_thread_at_a_time) {
  ThreadPool pool(4);
  std::vector<int> inside(4);  // not atomic: a number shared by two threads would be a race that TSan sees
  std::atomic<bool> bad = false;
  pool.run(2000, [&](int, int thread) {
    if (thread < 0 || thread >= 4 || ++inside[thread] != 1) bad = true;
    --inside[thread];
  });
  EXPECT_FALSE(bad);
}

TEST(ThreadPool, survives_many_small_runs) {
  ThreadPool pool(4);
  long total = 0;
  std::vector<long> part(5);
  for (int i = 0; i < 5000; ++i) {
    const int n = i % 6;
    pool.run(n, [&](int item, int) { part[item] += 1; });
    total += n;
  }
  EXPECT_EQ(std::accumulate(part.begin(), part.end(), 0L), total);
}

TEST(ThreadPool, wakes_helpers_that_have_gone_to_sleep) {
  ThreadPool pool(3);
  for (int i = 0; i < 5; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));  // far past the spinning
    std::vector<int> done(64);
    pool.run(64, [&](int item, int) { done[item] = 1; });
    EXPECT_EQ(std::accumulate(done.begin(), done.end(), 0), 64);
  }
}

TEST(ThreadPool, works_on_all_threads_at_once) {
  ThreadPool pool(3);
  std::atomic<int> arrived = 0;
  pool.run(3, [&](int, int) {  // ends only if three threads are inside
    ++arrived;
    while (arrived < 3) std::this_thread::yield();
  });
  EXPECT_EQ(arrived, 3);
}

TEST(ThreadPool, burns_nothing_while_idle) {
  ThreadPool pool(4);
  pool.run(16, [](int, int) {});
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  const double before = process_cpu_seconds();
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  // One spinning thread would take 0.3 s (or 0.1 s if others keep the machine busy); sleeping ones take none.
  EXPECT_LT(process_cpu_seconds() - before, 0.02);
}

TEST(ThreadPool, can_go_right_after_its_birth_or_its_work) {
  for (int i = 0; i < 200; ++i) {
    ThreadPool unused(3);
    ThreadPool used(3);
    used.run(5, [](int, int) {});
  }
}

TEST(ThreadPool, takes_the_cores_that_the_process_may_run_on_by_default) {
  EXPECT_GE(physical_cores(), 1);
  EXPECT_EQ(ThreadPool(0).n_threads(), physical_cores());
}

}  // namespace
}  // namespace baton::kernels
