// Every statement of the journal, with SQLite's plan: no look-up by an id reads a whole table.
#include <gmock/gmock.h>

#include <set>

#include "journal_fixture.h"

namespace baton::memory {
namespace {

std::set<sqlite3*> connections;  // of the test that is running

int note_connection(sqlite3* database, char**, const void*) {
  connections.insert(database);
  return 0;
}

// While one exists, every connection that is opened is recorded.
class ConnectionsNoted {
 public:
  ConnectionsNoted() { sqlite3_auto_extension(entry()); }
  ~ConnectionsNoted() {
    sqlite3_cancel_auto_extension(entry());
    connections.clear();
  }

 private:
  static void (*entry())() { return reinterpret_cast<void (*)()>(&note_connection); }
};

std::set<std::string> prepared_statements() {
  std::set<std::string> all;
  for (sqlite3* database : connections)
    for (sqlite3_stmt* s = sqlite3_next_stmt(database, nullptr); s; s = sqlite3_next_stmt(database, s))
      if (const std::string sql = sqlite3_sql(s); sql.find("items_search_") == std::string::npos) all.insert(sql);  // FTS5's own
  return all;
}

std::vector<std::string> plan(sqlite3* database, const std::string& sql) {
  std::vector<std::string> steps;
  sqlite3_stmt* statement = nullptr;
  EXPECT_EQ(sqlite3_prepare_v2(database, ("EXPLAIN QUERY PLAN " + sql).c_str(), -1, &statement, nullptr), SQLITE_OK)
      << sql << ": " << sqlite3_errmsg(database);
  while (sqlite3_step(statement) == SQLITE_ROW) steps.emplace_back(reinterpret_cast<const char*>(sqlite3_column_text(statement, 3)));
  sqlite3_finalize(statement);
  return steps;
}

// True for intended scans: of a partial index over open or temporary records, of a list in its order, of the results of a search.
bool meant(const std::string& step) {
  for (const char* index : {"responses_open", "tool_invocations_open", "conversations_temporary", "conversations_by_time"})
    if (step.find(std::string("INDEX ") + index) != std::string::npos) return true;
  return step.find("VIRTUAL TABLE INDEX") != std::string::npos || step.find("sqlite_master") != std::string::npos ||
         step.find("CONSTANT ROW") != std::string::npos;
}

std::int64_t planned_boot_ms = 1000;

std::unique_ptr<Journal> open_adopting(const std::filesystem::path& file) {
  JournalOptions options;
  options.adopt_durable = true;
  options.clock.boot_ms = [] { return planned_boot_ms; };
  return Journal::open(file, std::move(options)).value();
}

// So that the next open() finds something of every kind.
void leave_everything_behind(const std::filesystem::path& file) {
  const auto journal = open_adopting(file);
  Conversation temporary = conversation("conv_t");
  temporary.temporary = true;
  Batch batch = start("conv_a", "resp_open");
  batch.put(temporary);
  for (const int attempts : {1, 9}) {
    Response run = response("resp_" + std::to_string(attempts), "conv_a");
    run.durable = true;
    run.attempts = attempts;
    ToolInvocation call;
    call.id = "call";
    call.response_id = run.id;
    call.status = "intent";
    batch.put(run).put(call);
  }
  batch.put(response("resp_t", "conv_t", "completed")).answer_approval("appr", "resp_open");
  write(*journal, std::move(batch));
  planned_boot_ms += std::int64_t{100} * 24 * 3600 * 1000;
}

void use_everything(Journal& journal) {
  write(journal, start("conv_b", "resp_b")
                     .add(message("item_b", "conv_b", "resp_b", "walrus"))
                     .add(event("resp_b", "x"))
                     .claim("key", "resp_b", "")
                     .allow_tool("conv_b", "send")
                     .spent("resp_b", 1)
                     .answer_approval("appr_b", "resp_b")
                     .put(response("resp_b", "conv_b", "completed"))
                     .put(response("resp_c", "conv_b", "completed")));
  EXPECT_TRUE(journal.conversations(10, 1));
  for (const char* id : {"conv_b", "conv_", "last"}) (void)journal.conversation(id);
  EXPECT_TRUE(journal.responses("conv_b"));
  EXPECT_TRUE(journal.unfinished());
  EXPECT_TRUE(journal.items_of_response("resp_b"));
  EXPECT_TRUE(journal.claim("key"));
  EXPECT_TRUE(journal.approval_answer("appr_b"));
  EXPECT_TRUE(journal.search("walrus", 3));
  EXPECT_TRUE(journal.thread_of("resp_b"));
  EXPECT_TRUE(journal.run_record("resp_b"));
  EXPECT_TRUE(journal.items_by_id({"item_b"}, 1000));
  EXPECT_TRUE(journal.rate("resp_b", "good", ""));
  const Conversation fork = journal.fork("conv_b", "").value();
  const Json exported = journal.export_conversation(fork.id).value();
  EXPECT_TRUE(journal.remove_conversation(fork.id));
  EXPECT_TRUE(journal.import_conversation(exported));
  EXPECT_TRUE(journal.remove_item("item_b"));
  EXPECT_TRUE(journal.remove_response("resp_b"));
}

TEST(QueryPlans, read_no_whole_table_to_find_a_record) {
  TempFolder folder;
  const auto file = folder / "j.db";
  auto other = open_journal(file);
  write(*other, start("conv_o", "resp_o"));
  leave_everything_behind(file);
  const ConnectionsNoted noted;
  const auto journal = open_adopting(file);
  EXPECT_THAT(journal->adopted(), testing::ElementsAre("resp_1"));
  other.reset();
  EXPECT_TRUE(journal->end_if_abandoned("resp_o").value());
  use_everything(*journal);
  const std::set<std::string> statements = prepared_statements();
  EXPECT_GT(statements.size(), 55u) << "all of memory/";
  sqlite3* database = nullptr;
  ASSERT_EQ(sqlite3_open(file.c_str(), &database), SQLITE_OK);
  for (const std::string& sql : statements)
    for (const std::string& step : plan(database, sql))
      if (step.find("SCAN") != std::string::npos) {
        EXPECT_TRUE(meant(step)) << step << "\n  of " << sql;
      }
  sqlite3_close(database);
}

}  // namespace
}  // namespace baton::memory
