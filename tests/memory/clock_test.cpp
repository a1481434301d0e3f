// The clock that outlives processes and does not follow the wall clock.
#include <baton/memory/clock.h>

#include "journal_fixture.h"

namespace baton::memory {
namespace {

constexpr std::int64_t kDay = 24 * 3600 * 1000;

class ClockTest : public testing::Test {
 protected:
  std::unique_ptr<Journal> open() {
    JournalOptions options;
    options.clock = {[this] { return boot_ms_.load(); }, [this] { return wall_ms_.load(); }, [this] { return boot_id_; }};
    return Journal::open(folder_ / "j.db", std::move(options)).value();
  }
  void pass(std::int64_t ms) {
    boot_ms_ += ms;
    wall_ms_ += ms;
  }
  void restart_the_system() {
    boot_id_ += "again";
    boot_ms_ = 5000;
  }

  TempFolder folder_;
  std::atomic<std::int64_t> boot_ms_{1'000'000}, wall_ms_{1'700'000'000'000};
  std::string boot_id_ = "boot";  // read by open() alone
};

TEST_F(ClockTest, begins_as_the_wall_clock_and_does_not_follow_it) {
  auto journal = open();
  EXPECT_EQ(journal->clock_ms(), 1'700'000'000'000);
  wall_ms_ += 10 * kDay;
  pass(250);
  EXPECT_EQ(journal->clock_ms(), 1'700'000'000'250);
  wall_ms_ -= 20 * kDay;
  journal.reset();
  pass(1000);
  journal = open();
  EXPECT_EQ(journal->clock_ms(), 1'700'000'001'250) << "within one start of the system the wall clock is never asked";
}

TEST_F(ClockTest, goes_on_over_a_restart_of_the_system_by_the_wall_clock) {
  open();
  restart_the_system();
  wall_ms_ += 60'000;
  auto journal = open();
  EXPECT_EQ(journal->clock_ms(), 1'700'000'060'000);
  pass(10);
  EXPECT_EQ(journal->clock_ms(), 1'700'000'060'010);
  journal.reset();
  restart_the_system();
  wall_ms_ -= 10 * kDay;
  EXPECT_EQ(open()->clock_ms(), 1'700'000'060'000) << "never before what the file has";
}

TEST_F(ClockTest, is_kept_with_other_writes_and_at_the_end) {
  auto journal = open();
  const auto kept = [&] { return query(folder_ / "j.db", "SELECT boot_ms || ' ' || wall_ms || ' ' || ms FROM clock"); };
  write(*journal, start("conv_a", "resp_a"));
  pass(DurableClock::kSaveEveryMs - 1);
  write(*journal, Batch().add(event("resp_a", "x")));
  EXPECT_EQ(kept(), "1000000 1700000000000 1700000000000");
  pass(1);
  write(*journal, Batch().add(event("resp_a", "x")));
  EXPECT_EQ(kept(), "1060000 1700000060000 1700000060000");
  wall_ms_ += 10 * kDay;  // the wall clock is set
  pass(500);
  journal.reset();
  EXPECT_EQ(kept(), "1060500 1700864060500 1700000060500");
  restart_the_system();
  pass(1000);
  EXPECT_EQ(open()->clock_ms(), 1'700'000'061'500);
}

TEST_F(ClockTest, is_one_for_all_who_have_the_file_open) {
  const auto first = open();
  pass(70'000);
  wall_ms_ += kDay;
  const auto second = open();
  EXPECT_EQ(first->clock_ms(), second->clock_ms());
  write(*second, start("conv_a", "resp_a"));
  pass(70'000);
  write(*first, start("conv_b", "resp_b"));
  EXPECT_EQ(first->clock_ms(), second->clock_ms());
  EXPECT_EQ(open()->clock_ms(), second->clock_ms());
}

TEST_F(ClockTest, does_not_run_backwards_where_the_time_since_the_start_does) {
  const auto journal = open();
  pass(1000);
  const std::int64_t before = journal->clock_ms();
  boot_ms_ -= 500;  // a container that was moved
  EXPECT_EQ(journal->clock_ms(), before);
}

TEST(SystemClock, runs) {
  const auto journal = open_journal(":memory:");
  const std::int64_t begun = journal->clock_ms();
  EXPECT_NEAR(static_cast<double>(begun), static_cast<double>(now_ms()), 60'000);
  while (journal->clock_ms() == begun) continue;
}

}  // namespace
}  // namespace baton::memory
