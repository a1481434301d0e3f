// Group commit: order, numbers and merged text, from one and from many threads.
#include "journal_fixture.h"

#include <gmock/gmock.h>

#include <atomic>
#include <future>
#include <mutex>
#include <thread>

namespace baton::memory {
namespace {

// Holds the writer in a callback until release(), so that all commits meanwhile wait for the same group.
class HeldWriter {
 public:
  explicit HeldWriter(Journal& journal) {
    auto entered = std::make_shared<std::promise<void>>();
    journal.commit(Batch(), Durability::power, [entered, gate = gate_.get_future().share()](const auto&) {
      entered->set_value();
      gate.wait();
    });
    entered->get_future().wait();
  }
  void release() { gate_.set_value(); }

 private:
  std::promise<void> gate_;
};

struct Answers {
  std::mutex mutex;
  std::vector<std::string> lines;
  Journal::Committed as(const std::string& name) {
    return [this, name](Result<std::vector<Event>> result) {
      std::string line = name + ":";
      if (!result)
        line += " error";
      else
        for (const Event& e : *result) line += ' ' + std::to_string(e.sequence_number) + '=' + e.data.value("delta", e.type);
      const std::lock_guard lock(mutex);
      lines.push_back(line);
    };
  }
};

TEST(JournalOrder, text_that_waits_together_becomes_one_event_told_to_its_first_caller) {
  const auto journal = open_journal(":memory:");
  write(*journal, start("conv_a", "resp_a"));
  write(*journal, start("conv_b", "resp_b"));
  Answers told;
  HeldWriter held(*journal);
  journal->commit(Batch().add(delta("resp_a", "one ")), Durability::process, told.as("1"));
  journal->commit(Batch().add(delta("resp_b", "uno ")), Durability::process, told.as("2"));
  journal->commit(Batch().add(delta("resp_a", "two ")), Durability::process, told.as("3"));
  journal->commit(Batch().add(delta("resp_a", "three")).add(delta("resp_a", "other", "item_2")), Durability::process, told.as("4"));
  journal->commit(Batch().add(delta("resp_a", " item", "item_2")), Durability::process, told.as("5"));
  journal->commit(Batch().add(delta("resp_b", "due")), Durability::process, told.as("6"));
  journal->commit(Batch().add(event("resp_a", "response.output_text.done")), Durability::process, told.as("7"));
  journal->commit(Batch().add(delta("resp_a", "after")), Durability::process, told.as("8"));
  held.release();
  write(*journal, Batch());
  EXPECT_THAT(told.lines, testing::ElementsAre("1: 0=one two three", "2: 0=uno due", "3:", "4: 1=other item",
                                               "5:", "6:", "7: 2=response.output_text.done", "8: 3=after"));
  EXPECT_EQ(text_of(journal->events("resp_a").value()), "one two threeother itemafter");
}

TEST(JournalOrder, text_is_not_merged_over_other_writes_or_other_fields) {
  const auto journal = open_journal(":memory:");
  write(*journal, start("conv_a", "resp_a"));
  Answers told;
  HeldWriter held(*journal);
  journal->commit(Batch().add(delta("resp_a", "a")), Durability::process, told.as("1"));
  journal->commit(Batch().add(message("item_1", "conv_a", "resp_a", "t")), Durability::power, told.as("2"));
  journal->commit(Batch().add(delta("resp_a", "b")), Durability::process, told.as("3"));
  Event other = delta("resp_a", "c");
  other.data["logprobs"] = {-0.5};
  journal->commit(Batch().add(other), Durability::process, told.as("4"));
  journal->commit(Batch().add(delta("resp_a", "d")).add(event("resp_a", "x")), Durability::process, told.as("5"));
  held.release();
  write(*journal, Batch());
  EXPECT_THAT(told.lines, testing::ElementsAre("1: 0=a", "2:", "3: 1=b", "4: 2=c", "5: 3=d 4=x"));
}

TEST(JournalOrder, a_batch_that_is_refused_takes_nobody_with_it) {
  const auto journal = open_journal(":memory:");
  write(*journal, start("conv_a", "resp_a"));
  Answers told;
  HeldWriter held(*journal);
  journal->commit(Batch().add(event("resp_a", "x")), Durability::process, told.as("1"));
  journal->commit(Batch().add(event("resp_a", "y")).add(event("resp_gone", "y")), Durability::process, told.as("2"));
  journal->commit(Batch().add(delta("resp_gone", "lost")), Durability::process, told.as("3"));
  journal->commit(Batch().add(delta("resp_gone", "too")), Durability::process, told.as("4"));
  journal->commit(Batch().add(event("resp_a", "z")), Durability::power, told.as("5"));
  held.release();
  write(*journal, Batch());
  EXPECT_THAT(told.lines, testing::ElementsAre("1: 0=x", "2: error", "3: error", "4: error", "5: 1=z"));
}

TEST(JournalOrder, both_classes_are_committed_in_the_order_of_submission) {
  TempFolder folder;
  const auto journal = open_journal(folder / "j.db");
  write(*journal, start("conv_a", "resp_a"));
  std::vector<int> order;
  for (int i = 0; i < 300; ++i)
    journal->commit(Batch().add(event("resp_a", std::to_string(i))), i % 7 == 3 ? Durability::power : Durability::process,
                    [&order, i](const auto& done) { order.push_back(done ? i : -1); });
  write(*journal, Batch());
  ASSERT_EQ(order.size(), 300u);
  const auto events = journal->events("resp_a").value();
  ASSERT_EQ(events.size(), 300u);
  for (int i = 0; i < 300; ++i) {
    EXPECT_EQ(order[i], i);
    EXPECT_EQ(events[i].type, std::to_string(i));
  }
}

TEST(JournalOrder, reads_see_what_a_callback_said_is_committed) {
  TempFolder folder;
  const auto journal = open_journal(folder / "j.db");
  write(*journal, start("conv_a", "resp_a"));
  std::atomic<int> seen{0};
  for (int i = 0; i < 40; ++i)
    journal->commit(Batch().add(event("resp_a", "x")), i % 2 ? Durability::power : Durability::process, [&](const auto& done) {
      const auto last = done.value().at(0).sequence_number;
      if (journal->events("resp_a", last - 1).value().size() >= 1) ++seen;
    });
  write(*journal, Batch());
  EXPECT_EQ(seen, 40);
}

TEST(JournalOrder, many_threads_commit_and_read_and_every_run_is_whole) {
  TempFolder folder;
  const auto journal = open_journal(folder / "j.db");
  constexpr int kThreads = 6, kPieces = 200;
  std::vector<std::thread> threads;
  std::atomic<int> told{0};
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      const std::string conv = "conv_" + std::to_string(t), resp = "resp_" + std::to_string(t);
      write(*journal, start(conv, resp));
      for (int i = 0; i < kPieces; ++i) {
        journal->commit(Batch().add(delta(resp, std::to_string(i) + ' ')), Durability::process,
                        [&](const auto& done) { told += done.has_value(); });
        if (i % 50 == 0) {
          EXPECT_TRUE(journal->conversations(10));
          EXPECT_TRUE(journal->search("x", 3));
        }
      }
      write(*journal, Batch().add(event(resp, "response.completed")));
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(told, kThreads * kPieces);
  std::string whole;
  for (int i = 0; i < kPieces; ++i) whole += std::to_string(i) + ' ';
  for (int t = 0; t < kThreads; ++t) {
    const auto events = journal->events("resp_" + std::to_string(t)).value();
    EXPECT_EQ(text_of(events), whole);
    for (std::size_t i = 0; i < events.size(); ++i) EXPECT_EQ(events[i].sequence_number, static_cast<std::int64_t>(i));
    EXPECT_EQ(events.back().type, "response.completed");
  }
}

TEST(JournalOrder, a_full_queue_makes_the_caller_wait_and_loses_nothing) {
  const auto journal = open_journal(":memory:");
  write(*journal, start("conv_a", "resp_a"));
  std::atomic<int> submitted{0}, told{0};
  HeldWriter held(*journal);
  std::thread caller([&] {
    for (int i = 0; i < 6000; ++i) {
      journal->commit(Batch().add(delta("resp_a", "x")), Durability::process, [&](const auto& done) { told += done.has_value(); });
      ++submitted;
    }
  });
  while (submitted < 4096) std::this_thread::yield();
  EXPECT_LE(submitted, 4096);
  held.release();
  caller.join();
  write(*journal, Batch());
  EXPECT_EQ(told, 6000);
  EXPECT_EQ(text_of(journal->events("resp_a").value()).size(), 6000u);
}

TEST(JournalOrder, a_callback_may_commit_but_not_wait) {
  const auto journal = open_journal(":memory:");
  write(*journal, start("conv_a", "resp_a"));
  std::promise<errc> waited;
  std::promise<bool> committed;
  journal->commit(Batch().add(event("resp_a", "x")), Durability::power, [&](const auto&) {
    waited.set_value(journal->commit_and_wait(Batch(), Durability::power).error().code);
    journal->commit(Batch().add(event("resp_a", "y")), Durability::power, [&](const auto& done) { committed.set_value(done.has_value()); });
  });
  EXPECT_EQ(waited.get_future().get(), errc::invalid_argument);
  EXPECT_TRUE(committed.get_future().get());
}

TEST(JournalOrder, a_callback_that_throws_takes_nobody_with_it) {
  const auto journal = open_journal(":memory:");
  write(*journal, start("conv_a", "resp_a"));
  HeldWriter held(*journal);
  std::promise<bool> committed;
  journal->commit(Batch().add(event("resp_a", "x")), Durability::power, [](const auto&) { throw std::runtime_error("no luck"); });
  journal->commit(Batch().add(event("resp_a", "y")), Durability::power, [&](const auto& done) { committed.set_value(done.has_value()); });
  held.release();
  EXPECT_TRUE(committed.get_future().get());
  write(*journal, Batch().add(event("resp_a", "z")));
  EXPECT_EQ(journal->events("resp_a").value().size(), 3u);
}

TEST(JournalOrder, what_is_queued_is_committed_before_the_journal_goes) {
  TempFolder folder;
  auto journal = open_journal(folder / "j.db");
  write(*journal, start("conv_a", "resp_a"));
  for (int i = 0; i < 100; ++i) journal->commit(Batch().add(delta("resp_a", "x")), Durability::process);
  journal.reset();
  EXPECT_EQ(text_of(open_journal(folder / "j.db")->events("resp_a").value()).size(), 100u);
}

}  // namespace
}  // namespace baton::memory
