// Threads for requests: turns, sizes, bounds, the end.
#include <baton/agent/server/clients.h>
#include <baton/agent/server/work.h>
#include <gtest/gtest.h>

#include <future>
#include <latch>

namespace baton::agent::server {
namespace {

using Size = Work::Size;

TEST(Work, clients_take_turns) {
  std::latch begun(1), go(1), done(6);
  std::string order;
  Work work(1, 1, 100);  // last: its end waits for the jobs
  work.post([&] {
    begun.count_down();
    go.wait();
  });
  begun.wait();
  const auto add = [&](const std::string& client, const char* mark) {
    ASSERT_TRUE(work.add(client, Size::small, [&, mark] {
      order += mark;
      done.count_down();
    }));
  };
  for (int i = 0; i < 4; ++i) add("a", "a");
  add("b", "b");
  add("c", "c");
  go.count_down();
  done.wait();
  EXPECT_EQ(order, "abcaaa");
}

TEST(Work, large_jobs_leave_threads_for_small_ones) {
  std::latch go(1);
  std::promise<void> small;
  Work work(2, 1, 100);  // last: its end waits for the jobs
  for (int i = 0; i < 10; ++i) work.add("a", Size::large, [&] { go.wait(); });
  work.add("b", Size::small, [&] { small.set_value(); });
  small.get_future().wait();
  go.count_down();
}

TEST(Work, refuses_what_is_too_much_and_after_its_end) {
  std::latch begun(1), go(1);
  Work work(1, 1, 2);
  work.post([&] {
    begun.count_down();
    go.wait();
  });
  begun.wait();
  int ran = 0;
  EXPECT_TRUE(work.add("a", Size::small, [&] { ++ran; }));
  EXPECT_TRUE(work.add("b", Size::small, [&] { ++ran; }));
  EXPECT_FALSE(work.add("c", Size::small, [&] { ++ran; }));
  EXPECT_EQ(work.waiting(), 2u);
  work.stop();
  EXPECT_FALSE(work.add("c", Size::small, [&] { ++ran; }));
  go.count_down();
  work.join();
  EXPECT_EQ(ran, 0) << "what waited was dropped";
}

TEST(Work, a_job_that_throws_takes_no_thread_with_it) {
  std::promise<void> next;
  Work work(1, 1, 10);
  work.post([] { throw std::runtime_error("broken"); });
  work.post([&] { next.set_value(); });
  next.get_future().wait();
}

TEST(Clients, have_so_many_places_each) {
  Clients clients;
  auto one = clients.enter("a", 2), two = clients.enter("a", 2);
  EXPECT_TRUE(one && two);
  EXPECT_FALSE(clients.enter("a", 2));
  EXPECT_TRUE(clients.enter("b", 2));
  EXPECT_EQ(clients.all(), 2);
  one.reset();
  EXPECT_TRUE(clients.enter("a", 2));
}

TEST(ByteBudget, gives_what_there_is) {
  ByteBudget budget(100);
  auto some = budget.take(60);
  EXPECT_TRUE(some);
  EXPECT_FALSE(budget.take(41));
  EXPECT_TRUE(budget.take(40));
  some.reset();
  EXPECT_TRUE(budget.take(100));
}

}  // namespace
}  // namespace baton::agent::server
