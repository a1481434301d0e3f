// A disk that is full, locked or gone: waiting records are kept and written later, waiting callers are told at once.
#include <gmock/gmock.h>
#include <sys/resource.h>

#include <condition_variable>
#include <csignal>
#include <fstream>
#include <mutex>

#include "faulty_disk.h"

namespace baton::memory {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// The reported states of a journal, and a way to wait for one.
class StateLog {
 public:
  explicit StateLog(Journal& journal) {
    journal.on_state([this](const JournalState& state) {
      const std::lock_guard lock(mutex_);
      states_.push_back(state);
      changed_.notify_all();
    });
  }
  JournalState wait_until(bool writable) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !states_.empty() && states_.back().writable == writable; });
    return states_.back();
  }
  std::size_t size() {
    const std::lock_guard lock(mutex_);
    return states_.size();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<JournalState> states_;
};

class HeldBatches : public FaultyDisk {
 protected:
  HeldBatches() : journal_(open_journal(folder_ / "j.db")), log_(std::make_unique<StateLog>(*journal_)) {
    write(*journal_, start("conv_a", "resp_a").put(response("resp_b", "conv_a")));
  }
  ~HeldBatches() override {
    failing_errno = 0;
    journal_.reset();
  }

  Journal::Committed told_as(const std::string& name) {
    return [this, name](const Result<std::vector<Event>>& result) {
      std::string line = name + ":";
      if (!result) line += " error " + std::to_string(static_cast<int>(result.error().code));
      if (result)
        for (const Event& e : *result) line += ' ' + std::to_string(e.sequence_number) + '=' + e.data.value("delta", e.type);
      told_.push_back(line);
    };
  }
  void hold() {
    failing_errno = ENOSPC;
    journal_->commit(Batch().add(event("resp_a", "first")), Durability::power, told_as("first"));
    EXPECT_EQ(log_->wait_until(false).code, errc::full);
  }
  void release() {
    failing_errno = 0;
    log_->wait_until(true);
    write(*journal_, Batch());
  }

  std::unique_ptr<Journal> journal_;
  std::unique_ptr<StateLog> log_;
  std::vector<std::string> told_;  // by the writer thread; read when it has nothing to do
};

TEST_F(HeldBatches, are_written_in_their_order_when_there_is_space_again) {
  hold();
  const JournalState state = journal_->state();
  EXPECT_FALSE(state.writable);
  EXPECT_THAT(state.why, HasSubstr("no space left"));
  EXPECT_THAT(state.why, testing::Not(HasSubstr(folder_.path().string())));
  journal_->commit(Batch().add(delta("resp_a", "one ")), Durability::process, told_as("1"));
  journal_->commit(Batch().add(delta("resp_a", "two ")), Durability::process, told_as("2"));
  journal_->commit(Batch().add(message("item_1", "conv_a", "resp_a", "x")), Durability::power, told_as("3"));
  journal_->commit(Batch().add(delta("resp_a", "three")), Durability::process, told_as("4"));
  journal_->commit(Batch().add(event("resp_gone", "x")), Durability::process, told_as("5"));
  const auto waiting = journal_->commit_and_wait(Batch().add(event("resp_a", "waiting")), Durability::power);
  ASSERT_FALSE(waiting);
  EXPECT_EQ(waiting.error().code, errc::full);
  EXPECT_EQ(journal_->remove_response("resp_b").error().code, errc::full);
  EXPECT_TRUE(journal_->events("resp_a").value().empty()) << "reading continues, and nothing is there early";
  release();
  EXPECT_THAT(told_, ElementsAre("first: 0=first", "1: 1=one two ", "2:", "3:", "4: 2=three",
                                 "5: error " + std::to_string(static_cast<int>(errc::not_found))));
  EXPECT_EQ(text_of(journal_->events("resp_a").value()), "one two three");
  EXPECT_TRUE(journal_->state().writable);
  EXPECT_EQ(log_->size(), 2u) << "the state is told when it changes";
  EXPECT_EQ(journal_->stats().queued, 0);
  EXPECT_GE(journal_->stats().failed, 1);
  EXPECT_EQ(journal_->stats().batches, 7) << "the first, the last, and five that were held";
}

TEST_F(HeldBatches, fail_when_the_journal_closes_and_do_not_keep_it) {
  hold();
  for (int i = 0; i < 3000; ++i) journal_->commit(Batch().add(event("resp_a", "x")), Durability::process, told_as("later"));
  journal_.reset();
  ASSERT_EQ(told_.size(), 3001u);
  const std::string error = ": error " + std::to_string(static_cast<int>(errc::full));
  EXPECT_EQ(told_.front(), "first" + error);
  EXPECT_EQ(told_.back(), "later" + error);
  failing_errno = 0;
  EXPECT_EQ(open_journal(folder_ / "j.db")->events("resp_a").value().size(), 1u) << "only its end";
}

// Would hang if commit() waited for the disk.
TEST_F(HeldBatches, do_not_block_who_streams_into_them) {
  hold();
  constexpr int kPieces = 9000;
  std::string expected;
  for (int i = 0; i < kPieces; ++i) {
    const std::string piece = std::to_string(i) + ' ';
    expected += piece;
    journal_->commit(Batch().add(delta("resp_a", piece)), Durability::process, told_as("a"));
    journal_->commit(Batch().add(delta("resp_b", piece)), Durability::process, told_as("b"));
    if (i % 3000 == 2999) journal_->commit(Batch().add(event("resp_a", "mark")), Durability::power, told_as("mark"));
  }
  EXPECT_LE(journal_->stats().queued, 4096 + 1024 + 10) << "text becomes longer events, not more of them";
  release();
  EXPECT_EQ(told_.size(), 1u + 2 * kPieces + 3) << "each is told once";
  for (const char* id : {"resp_a", "resp_b"}) {
    std::string text;
    std::int64_t number = 0;
    for (const Event& e : journal_->events(id).value()) {
      ASSERT_EQ(e.sequence_number, number++);
      text += e.data.value("delta", "");
    }
    EXPECT_EQ(text, expected);
  }
}

TEST_F(HeldBatches, may_be_more_than_the_queue_takes_otherwise) {
  hold();
  for (int i = 0; i < 6000; ++i) journal_->commit(Batch().add(event("resp_a", std::to_string(i))), Durability::process, told_as("x"));
  release();
  const auto events = journal_->events("resp_a").value();
  ASSERT_EQ(events.size(), 6001u);
  for (int i = 0; i < 6000; ++i) ASSERT_EQ(events[static_cast<std::size_t>(i) + 1].type, std::to_string(i));
}

TEST_F(HeldBatches, are_not_needed_to_notice_that_there_is_space_again) {
  failing_errno = EIO;
  EXPECT_EQ(journal_->commit_and_wait(Batch().add(event("resp_a", "x")), Durability::power).error().code, errc::io);
  EXPECT_EQ(log_->wait_until(false).code, errc::io);
  EXPECT_EQ(journal_->stats().queued, 0);
  release();
  EXPECT_TRUE(journal_->events("resp_a").value().empty());
}

TEST_F(HeldBatches, outlive_a_lock_of_another_process) {
  journal_ = Journal::open(folder_ / "j.db", {std::chrono::milliseconds(10)}).value();
  log_ = std::make_unique<StateLog>(*journal_);
  write(*journal_, start("conv_c", "resp_c"));
  sqlite3* other = nullptr;
  ASSERT_EQ(sqlite3_open((folder_ / "j.db").c_str(), &other), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(other, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
  journal_->commit(Batch().add(event("resp_c", "x")), Durability::process, told_as("1"));
  EXPECT_EQ(log_->wait_until(false).code, errc::locked);
  ASSERT_EQ(sqlite3_exec(other, "COMMIT", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(other);
  release();
  EXPECT_THAT(told_, ElementsAre("1: 0=x"));
}

TEST_F(HeldBatches, are_none_of_those_that_sqlite_never_takes) {
  query(folder_ / "j.db", "DROP TABLE claims");
  journal_->commit(Batch().claim("key", "resp_a", ""), Durability::process, told_as("1"));
  journal_->commit(Batch().add(event("resp_a", "x")), Durability::process, told_as("2"));
  write(*journal_, Batch());
  EXPECT_THAT(told_, ElementsAre("1: error " + std::to_string(static_cast<int>(errc::invalid_argument)), "2: 0=x"));
  EXPECT_EQ(log_->size(), 0u);
}

TEST_F(HeldBatches, outlive_a_limit_of_the_size_of_files) {
  signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit tight{1, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &tight), 0);
  journal_->commit(Batch().add(event("resp_a", "x")), Durability::power, told_as("1"));
  const JournalState state = log_->wait_until(false);
  const auto waiting = journal_->commit_and_wait(Batch(), Durability::power);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_EQ(state.code, errc::io);
  EXPECT_FALSE(waiting);
  release();
  EXPECT_THAT(told_, ElementsAre("1: 0=x"));
}

TEST_F(HeldBatches, wait_for_a_file_that_was_moved_away_and_is_put_back) {
  const auto file = folder_ / "j.db";
  std::filesystem::rename(file, folder_ / "away.db");
  EXPECT_TRUE(journal_->state().writable);
  EXPECT_FALSE(journal_->state_now().writable) << "before anything is written";
  journal_->commit(Batch().add(event("resp_a", "x")), Durability::power, told_as("1"));
  const JournalState state = log_->wait_until(false);
  EXPECT_EQ(state.code, errc::io);
  EXPECT_EQ(state.why, "journal: the file was deleted or replaced; restart Baton");
  EXPECT_EQ(journal_->commit_and_wait(Batch(), Durability::process).error().code, errc::io);
  std::ofstream(file) << "another";
  EXPECT_FALSE(journal_->commit_and_wait(Batch(), Durability::process));
  EXPECT_FALSE(journal_->vacuum());
  std::filesystem::rename(folder_ / "away.db", file);
  release();
  EXPECT_THAT(told_, ElementsAre("1: 0=x"));
}

TEST_F(HeldBatches, never_go_into_a_file_that_took_the_place) {
  const auto file = folder_ / "j.db";
  std::filesystem::rename(file, folder_ / "away.db");
  std::ofstream(file) << "another";
  journal_->commit(Batch().add(event("resp_a", "x")), Durability::power, told_as("1"));
  log_->wait_until(false);
  journal_.reset();
  EXPECT_THAT(told_, ElementsAre("1: error " + std::to_string(static_cast<int>(errc::io))));
  EXPECT_EQ(std::filesystem::file_size(file), 7u);
}

}  // namespace
}  // namespace baton::memory
