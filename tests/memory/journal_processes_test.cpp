// Several processes with one journal, and the records that remain when one is killed.
#include <gmock/gmock.h>
#include <sys/wait.h>

#include <random>
#include <thread>

#include "journal_fixture.h"

namespace baton::memory {
namespace {

// A process of its own that runs `work` with the writing end of a pipe. Forked while no thread of ours runs.
class Child {
 public:
  template <class Work>
  explicit Child(Work work) {
    int ends[2];
    if (pipe(ends) != 0) std::abort();
    pid_ = fork();
    if (pid_ == 0) {
      close(ends[0]);
      work(ends[1]);
      _exit(0);
    }
    close(ends[1]);
    from_ = ends[0];
  }
  ~Child() {
    kill_and_wait();
    close(from_);
  }
  bool read(std::int64_t& number) { return ::read(from_, &number, sizeof number) == sizeof number; }
  void kill_and_wait() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }
  int wait() {
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = 0;
    return status;
  }

 private:
  pid_t pid_ = 0;
  int from_ = -1;
};

void tell(int pipe, std::int64_t number) {
  if (::write(pipe, &number, sizeof number) != sizeof number) _exit(1);
}

// Commits text and sometimes an item until it is killed; reports each number only after the commit was acknowledged.
void stream_until_killed(const std::filesystem::path& file, int pipe) {
  auto journal = Journal::open(file).value();
  const std::string conv = new_id("conv_"), resp = "resp_" + conv;
  ToolInvocation tool;
  tool.id = "call_1";
  tool.response_id = resp;
  tool.tool = "slow";
  tool.status = "intent";
  if (!journal->commit_and_wait(start(conv, resp).put(tool), Durability::power)) _exit(1);
  for (int i = 0;; ++i) {
    const auto told = [pipe](Result<std::vector<Event>> done) {
      if (!done) _exit(1);
      for (const Event& e : *done) tell(pipe, e.sequence_number);
    };
    journal->commit(Batch().add(delta(resp, std::to_string(i) + ' ')), Durability::process, told);
    if (i % 10 == 9)
      journal->commit(Batch().add(message(new_id("item_"), conv, resp, "walrus")).add(event(resp, "response.output_item.done")),
                      Durability::power, told);
    if (i % 5 == 0) std::this_thread::sleep_for(std::chrono::microseconds(300));
  }
}

// Kills a writing process at a random point; checks that everything it had acknowledged exists and that its run was ended once.
void kill_at_a_random_point(const std::filesystem::path& file, std::mt19937& random) {
  std::int64_t last = -1;
  {
    Child child([&](int pipe) { stream_until_killed(file, pipe); });
    std::int64_t number = -1;
    if (random() % 8 == 0) {  // at any point, even while it opens
      std::this_thread::sleep_for(std::chrono::microseconds(random() % 20'000));
    } else {
      for (auto left = random() % 30; child.read(number); --left) {
        last = number;
        if (left == 0) break;
      }
      std::this_thread::sleep_for(std::chrono::microseconds(random() % 3000));
    }
    child.kill_and_wait();
    while (child.read(number)) last = number;
  }
  const auto journal = open_journal(file);
  const auto newest = journal->conversation("last");
  if (!newest) {
    ASSERT_EQ(last, -1) << "acknowledged events without their conversation";
    return;
  }
  const Response run = journal->responses(newest->id).value().at(0);
  EXPECT_EQ(run.status, "incomplete");
  EXPECT_EQ(run.reason, "interrupted");
  const auto events = journal->events(run.id).value();
  EXPECT_GT(static_cast<std::int64_t>(events.size()), last + 1) << "an acknowledged event is lost";
  for (std::size_t i = 0; i < events.size(); ++i) ASSERT_EQ(events[i].sequence_number, static_cast<std::int64_t>(i));
  EXPECT_EQ(events.back().type, "response.incomplete");
  EXPECT_EQ(events.back().data["response"]["incomplete_details"]["reason"], "interrupted");
  std::string text = text_of(events), expected;
  for (int i = 0; expected.size() < text.size(); ++i) expected += std::to_string(i) + ' ';
  EXPECT_EQ(text, expected) << "a piece of text is lost, doubled or out of order";
  EXPECT_EQ(journal->tool_invocations(run.id).value().at(0).status, "unknown");
}

void kill_many_times(int points) {
  TempFolder folder;
  const auto file = folder / "j.db";
  std::mt19937 random(20240601);
  for (int i = 0; i < points && !testing::Test::HasFailure(); ++i) {
    SCOPED_TRACE("point " + std::to_string(i));
    kill_at_a_random_point(file, random);
  }
  EXPECT_EQ(query(file, "PRAGMA integrity_check"), "ok");
  EXPECT_EQ(query(file, "SELECT count(*) FROM responses WHERE status IN ('queued', 'in_progress')"), "0");
  EXPECT_EQ(query(file, "SELECT max(n) FROM (SELECT count(*) AS n FROM events WHERE type = 'response.incomplete' GROUP BY response_id)"),
            "1");
}

TEST(JournalKilled, thirty_random_points_lose_nothing_acknowledged) { kill_many_times(30); }

TEST(FullJournalKilled, a_thousand_random_points_lose_nothing_acknowledged) { kill_many_times(1000); }

TEST(JournalKilled, the_conversation_is_readable_and_goes_on) {
  TempFolder folder;
  const auto file = folder / "j.db";
  Child child([&](int pipe) { stream_until_killed(file, pipe); });
  std::int64_t number = 0;
  while (number < 30 && child.read(number)) continue;
  child.kill_and_wait();
  const auto journal = open_journal(file);
  const Conversation conv = journal->conversation("last").value();
  const auto items = journal->items(conv.id).value();
  ASSERT_FALSE(items.empty());
  Response next = response("resp_next", conv.id);
  next.parent_id = journal->responses(conv.id).value().at(0).id;
  write(*journal,
        Batch().put(next).add(message("item_next", conv.id, "resp_next", "continue")).add(event("resp_next", "response.created")));
  EXPECT_EQ(journal->items(conv.id).value().back().position, items.back().position + 1);
  EXPECT_EQ(journal->events("resp_next").value().at(0).sequence_number, 0);
}

TEST(JournalProcesses, a_second_process_does_not_end_the_runs_of_a_living_first) {
  TempFolder folder;
  const auto file = folder / "j.db";
  Child first([&](int pipe) { stream_until_killed(file, pipe); });
  std::int64_t number = 0;
  ASSERT_TRUE(first.read(number));
  {
    const auto second = open_journal(file);
    const std::string id = second->conversation("last").value().id;
    EXPECT_EQ(second->responses(id).value().at(0).status, "in_progress");
    EXPECT_EQ(second->tool_invocations("resp_" + id).value().at(0).status, "intent");
    write(*second, start("conv_2", "resp_2").add(event("resp_2", "response.completed")));  // both write
    const std::int64_t before = number;
    while (number <= before + 3) ASSERT_TRUE(first.read(number)) << "the first continues";
  }
  first.kill_and_wait();
  const auto third = open_journal(file);
  EXPECT_EQ(third->conversations(10).value().size(), 2u);
  for (const Conversation& c : third->conversations(10).value())
    if (c.id != "conv_2") {
      EXPECT_EQ(third->responses(c.id).value().at(0).status, "incomplete");
    }
}

TEST(JournalProcesses, two_journals_of_one_process_are_two_owners) {
  TempFolder folder;
  auto first = open_journal(folder / "j.db");
  write(*first, start("conv_a", "resp_a"));
  auto second = open_journal(folder / "j.db");
  write(*first, Batch().add(event("resp_a", "x")));
  EXPECT_EQ(second->response("resp_a").value().status, "in_progress");
  first.reset();
  second.reset();
  EXPECT_EQ(open_journal(folder / "j.db")->response("resp_a").value().status, "incomplete") << "left open by a journal that is closed";
}

TEST(JournalProcesses, a_run_that_told_its_end_is_not_ended_twice) {
  TempFolder folder;
  auto journal = open_journal(folder / "j.db");
  write(*journal, start("conv_a", "resp_a").add(event("resp_a", "response.completed")));
  write(*journal, start("conv_b", "resp_b").put(response("resp_b", "conv_b", "completed")));
  journal.reset();
  journal = open_journal(folder / "j.db");
  EXPECT_EQ(journal->response("resp_a").value().status, "completed");
  EXPECT_EQ(journal->events("resp_a").value().size(), 1u);
  EXPECT_TRUE(journal->events("resp_b").value().empty());
}

TEST(JournalProcesses, sixteen_starts_at_once_all_open_and_write) {
  TempFolder folder;
  const auto file = folder / "j.db";
  std::vector<std::unique_ptr<Child>> children;
  for (int i = 0; i < 16; ++i)
    children.push_back(std::make_unique<Child>([&, i](int) {
      auto journal = Journal::open(file, {std::chrono::milliseconds(30'000)});
      if (!journal) _exit(1);
      const std::string resp = "resp_" + std::to_string(i);
      if (!(*journal)->commit_and_wait(start("conv_" + std::to_string(i), resp).add(event(resp, "response.completed")), Durability::power))
        _exit(2);
      journal->reset();
    }));
  for (auto& child : children) EXPECT_EQ(child->wait(), 0);
  EXPECT_EQ(open_journal(file)->conversations(100).value().size(), 16u);
  EXPECT_EQ(query(file, "PRAGMA integrity_check"), "ok");
}

}  // namespace
}  // namespace baton::memory
