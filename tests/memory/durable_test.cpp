// Durable runs and claims between threads and processes, and files of an earlier version.
#include <gmock/gmock.h>
#include <sys/wait.h>

#include <atomic>
#include <csignal>
#include <thread>

#include <baton/memory/sqlite/schema.h>

#include "journal_fixture.h"

namespace baton::memory {
namespace {

using testing::HasSubstr;

Response durable(const std::string& id, const std::string& conversation_id, const std::string& status = "in_progress") {
  Response r = response(id, conversation_id, status);
  r.durable = true;
  return r;
}

// Runs `work` in a process of its own, which kills itself.
template <class Work>
void in_a_process_that_is_killed(const std::filesystem::path& file, JournalOptions options, Work work) {
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const auto journal = Journal::open(file, options);
    if (!journal) _exit(1);
    work(**journal);
    kill(getpid(), SIGKILL);
  }
  int status = 0;
  waitpid(child, &status, 0);
  ASSERT_TRUE(WIFSIGNALED(status)) << "it ended before it was killed";
}

const JournalOptions kAdopting{.adopt_durable = true, .max_attempts = 3};

TEST(Durable, a_run_is_counted_once_more_by_each_process_that_takes_it_over) {
  TempFolder folder;
  const auto file = folder / "j.db";
  in_a_process_that_is_killed(file, {}, [](Journal& journal) {
    Batch batch;
    batch.put(conversation("conv_a")).put(durable("resp_1", "conv_a")).put(durable("resp_2", "conv_a", "queued"));
    batch.put(response("resp_3", "conv_a")).add(delta("resp_1", "shown "));
    if (!journal.commit_and_wait(std::move(batch), Durability::power)) _exit(1);
  });
  in_a_process_that_is_killed(file, kAdopting, [](Journal& journal) {
    if (journal.adopted().size() != 2 || journal.response("resp_1").value().attempts != 2) _exit(1);
    if (!journal.commit_and_wait(Batch().add(delta("resp_1", "more")), Durability::process)) _exit(1);
  });
  const auto heir = Journal::open(file, kAdopting).value();
  EXPECT_THAT(heir->adopted(), testing::ElementsAre("resp_1", "resp_2"));
  EXPECT_EQ(heir->response("resp_1").value().attempts, 3);
  EXPECT_EQ(heir->response("resp_2").value().status, "queued");
  EXPECT_EQ(heir->response("resp_3").value().reason, "interrupted");
  write(*heir, Batch().add(event("resp_1", "response.completed")).put(durable("resp_1", "conv_a", "completed")));
  const auto events = heir->events("resp_1").value();
  EXPECT_EQ(text_of(events), "shown more");
  EXPECT_EQ(events.back().sequence_number, 2) << "numbers continue where they were";
  EXPECT_EQ(heir->unfinished().value().size(), 1u);
}

TEST(Durable, a_run_that_told_its_end_is_not_taken_over) {
  TempFolder folder;
  const auto file = folder / "j.db";
  in_a_process_that_is_killed(file, {}, [](Journal& journal) {
    Batch batch;
    batch.put(conversation("conv_a")).put(durable("resp_1", "conv_a")).add(event("resp_1", "response.completed"));
    if (!journal.commit_and_wait(std::move(batch), Durability::power)) _exit(1);
  });
  const auto heir = Journal::open(file, kAdopting).value();
  EXPECT_TRUE(heir->adopted().empty());
  EXPECT_EQ(heir->response("resp_1").value().status, "completed");
  EXPECT_EQ(heir->events("resp_1").value().size(), 1u);
}

// If many claim one key at once, one wins; the others learn the winner.
int claim_as(Journal& journal, const std::string& name) {
  Batch batch;
  batch.put(response("resp_" + name, "conv_a", "queued")).claim("key", "resp_" + name, "print");
  const auto done = journal.commit_and_wait(std::move(batch), Durability::power);
  if (done) return 1;
  return done.error().code == errc::exists ? 0 : -1;
}

TEST(Claims, one_of_eight_threads_gets_the_key) {
  for (int round = 0; round < 5; ++round) {
    TempFolder folder;
    const auto journal = open_journal(folder / "j.db");
    write(*journal, Batch().put(conversation("conv_a")));
    std::atomic<int> won{0}, failed{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 8; ++t)
      threads.emplace_back([&, t] {
        const int got = claim_as(*journal, std::to_string(t));
        won += got == 1;
        failed += got < 0;
      });
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(won, 1);
    EXPECT_EQ(failed, 0);
    const auto responses = journal->responses("conv_a").value();
    ASSERT_EQ(responses.size(), 1u) << "of a batch that is refused nothing stays";
    EXPECT_EQ(journal->claim("key").value().response_id, responses[0].id);
    EXPECT_EQ(journal->claim("key").value().fingerprint, "print");
    write(*journal, Batch().put(response(responses[0].id, "conv_a", "completed")));
    ASSERT_TRUE(journal->remove_conversation("conv_a"));
    EXPECT_EQ(journal->claim("key").value().response_id, responses[0].id) << "the key outlives its response";
  }
}

TEST(Claims, one_of_four_processes_gets_the_key) {
  TempFolder folder;
  const auto file = folder / "j.db";
  write(*open_journal(file), Batch().put(conversation("conv_a")));
  std::vector<pid_t> children;
  for (int i = 0; i < 4; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      const auto journal = Journal::open(file, {.busy_timeout = std::chrono::milliseconds(30'000)});
      _exit(journal ? claim_as(**journal, std::to_string(i)) : 2);
    }
    children.push_back(child);
  }
  int won = 0;
  for (const pid_t child : children) {
    int status = 0;
    waitpid(child, &status, 0);
    ASSERT_TRUE(WIFEXITED(status));
    ASSERT_THAT(WEXITSTATUS(status), testing::AnyOf(0, 1));
    won += WEXITSTATUS(status);
  }
  EXPECT_EQ(won, 1);
  EXPECT_EQ(query(file, "SELECT count(*) FROM claims"), "1");
  EXPECT_EQ(query(file, "SELECT count(*) FROM responses"), "1");
}

TEST(Claims, the_same_response_may_claim_its_key_again) {
  const auto journal = open_journal(":memory:");
  write(*journal, start("conv_a", "resp_a").claim("key", "resp_a", "one"));
  write(*journal, Batch().claim("key", "resp_a", "two"));
  EXPECT_EQ(journal->claim("key").value().fingerprint, "two");
  const auto nobody = journal->commit_and_wait(Batch().claim("other", "resp_gone", ""), Durability::power);
  EXPECT_EQ(nobody.error().code, errc::not_found) << "a key stands for a response that is there";
}

TEST(Removal, a_response_takes_everything_of_its_own_and_leaves_the_rest) {
  TempFolder folder;
  const auto file = folder / "j.db";
  auto journal = open_journal(file);
  write(*journal, start("conv_a", "resp_1").add(message("item_1", "conv_a", "resp_1", "walrus")));
  for (const char* id : {"resp_2", "resp_3"}) {
    Response r = response(id, "conv_a");
    r.parent_id = id == std::string("resp_2") ? "resp_1" : "resp_2";
    ToolInvocation tool;
    tool.id = "call_1";
    tool.response_id = id;
    tool.status = "intent";
    write(*journal, Batch()
                        .put(r)
                        .put(tool)
                        .claim(std::string("key_") + id, id, "")
                        .add(event(id, "x"))
                        .add(message(std::string("item_") + id, "conv_a", id, std::string("penguin ") + id)));
  }
  Response over = response("resp_2", "conv_a", "completed");
  over.parent_id = "resp_1";
  write(*journal, Batch().put(over));
  ASSERT_TRUE(journal->remove_response("resp_2"));
  EXPECT_EQ(journal->search("penguin", 9).value().size(), 1u);
  EXPECT_EQ(journal->search("walrus", 9).value().size(), 1u);
  EXPECT_EQ(journal->response("resp_3").value().parent_id, "resp_1") << "the line closes over the gap";
  EXPECT_EQ(journal->items("conv_a").value().size(), 2u);
  write(*journal, Batch().add(message("item_new", "conv_a", "resp_3", "later")));
  EXPECT_EQ(journal->items("conv_a").value().back().id, "item_new");
  EXPECT_EQ(journal->remove_response("resp_2").error().code, errc::not_found);
  journal.reset();
  for (const char* table : {"events", "tool_invocations"})
    EXPECT_EQ(query(file, (std::string("SELECT count(*) FROM ") + table + " WHERE response_id NOT IN (SELECT id FROM responses)").c_str()),
              "0")
        << table;
  EXPECT_EQ(query(file, "SELECT count(*) FROM items WHERE response_id = 'resp_2'"), "0");
  EXPECT_EQ(query(file, "SELECT count(*) FROM claims"), "2") << "a key is never used for a second run";
}

TEST(Rating, stays_when_the_response_is_put_again) {
  const auto journal = open_journal(":memory:");
  write(*journal, start("conv_a", "resp_a"));
  ASSERT_TRUE(journal->rate("resp_a", "bad", "wrong city"));
  write(*journal, Batch().put(response("resp_a", "conv_a", "completed")));
  EXPECT_EQ(journal->response("resp_a").value().rating, "bad");
  EXPECT_EQ(journal->response("resp_a").value().rating_note, "wrong city");
  ASSERT_TRUE(journal->rate("resp_a", "", "left over"));
  EXPECT_EQ(journal->response("resp_a").value().rating + journal->response("resp_a").value().rating_note, "");
  EXPECT_EQ(journal->rate("resp_a", "splendid", "").error().code, errc::invalid_argument);
  EXPECT_EQ(journal->rate("resp_b", "good", "").error().code, errc::not_found);
}

TEST(Migration, a_file_of_version_1_keeps_all_it_holds) {
  TempFolder folder;
  const auto file = folder / "j.db";
  {
    auto database = Database::open(file, std::chrono::milliseconds(100)).value();
    ASSERT_TRUE(migrate(*database, schema_steps().first(1)));
    ASSERT_TRUE(database->exec(
        "INSERT INTO conversations VALUES ('conv_a', 'old', 1, 2);"
        "INSERT INTO responses VALUES ('resp_a', 'conv_a', '', 'qwen', 'completed', '', '{\"a\":1}', '{\"b\":2}', 3, 4, 99);"
        "INSERT INTO responses VALUES ('resp_b', 'conv_a', 'resp_a', 'qwen', 'in_progress', '', '{}', '{}', 5, 0, 99);"
        "INSERT INTO items VALUES (1, 'item_a', 'conv_a', 'resp_a', 0, '{\"type\":\"message\"}', 'walrus', x'01000000', 'm', 't', 6);"
        "INSERT INTO events VALUES ('resp_a', 0, 'response.completed', '{}');"
        "INSERT INTO tool_invocations VALUES ('call_1', 'resp_a', 'calculate', '{}', 'key', 'done', '4', 7, 8)"));
  }
  ASSERT_EQ(query(file, "PRAGMA user_version"), "1");
  const auto journal = open_journal(file);
  const Conversation c = journal->conversation("conv_a").value();
  EXPECT_EQ(c.title, "old");
  EXPECT_EQ(c.metadata, Json::object());
  EXPECT_EQ(c.n_responses, 2);
  const Response a = journal->response("resp_a").value();
  EXPECT_EQ(a.request.dump() + a.usage.dump(), R"({"a":1}{"b":2})");
  EXPECT_FALSE(a.durable);
  EXPECT_EQ(a.attempts, 1);
  EXPECT_EQ(a.metadata, Json::object());
  EXPECT_EQ(a.rating, "");
  EXPECT_EQ(journal->response("resp_b").value().reason, "interrupted") << "runs of version 1 are ended as ever";
  EXPECT_EQ(journal->items("conv_a").value().at(0).raw_tokens, std::vector<std::int32_t>{1});
  EXPECT_EQ(journal->search("walrus", 5).value().size(), 1u);
  EXPECT_EQ(journal->tool_invocations("resp_a").value().at(0).result, "4");
  EXPECT_EQ(query(file, "PRAGMA user_version"), std::to_string(schema_steps().size()));
  EXPECT_EQ(query(file, "PRAGMA integrity_check"), "ok");
}

}  // namespace
}  // namespace baton::memory
