// Export, import, backup, vacuum: the journal outside of its file, and files that are damaged.
#include <gmock/gmock.h>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <thread>

#include "journal_fixture.h"

namespace baton::memory {
namespace {

using testing::HasSubstr;

void fill(Journal& journal) {
  Conversation c = conversation("conv_a", "What is 17.5% of 2340");
  c.metadata = {{"who", "me"}};
  c.created_ms = 10;
  c.updated_ms = 20;
  Response first = response("resp_1", "conv_a", "completed");
  first.model = "qwen";
  first.request = {{"tools", {"calculate"}}, {"temperature", 0.25}};
  first.usage = {{"total", 3}};
  first.metadata = {{"k", "v"}};
  first.created_ms = 11;
  first.finished_ms = 12;
  Response second = response("resp_2", "conv_a", "failed");
  second.parent_id = "resp_1";
  second.reason = "model_error";
  second.durable = true;
  second.attempts = 3;
  second.created_ms = 13;
  Item item = message("item_1", "conv_a", "resp_1", "walrus \xe6\x9d\xb1");
  item.raw_tokens = {1, -2, 151643};
  item.model_sha256 = "m";
  item.template_sha256 = "t";
  item.created_ms = 14;
  Item own = message("item_2", "conv_a", "", "added");
  own.created_ms = 15;
  ToolInvocation tool{"call_1", "resp_1", "calculate", {{"expression", "2+2"}}, "key", "done", "4", 16, 17};
  Batch batch;
  batch.put(c).put(first).put(second).add(item).add(own).put(tool).add(event("resp_1", "response.created")).add(delta("resp_1", "hello"));
  batch.add(event("resp_1", "response.completed")).add(event("resp_2", "response.failed"));
  write(journal, std::move(batch));
  ASSERT_TRUE(journal.rate("resp_1", "good", "right"));
}

TEST(Transfer, what_is_exported_and_imported_is_exported_the_same) {
  TempFolder folder;
  const auto from = open_journal(folder / "from.db");
  fill(*from);
  const Json exported = from->export_conversation("conv_a").value();
  const auto to = open_journal(folder / "to.db");
  const auto imported = to->import_conversation(Json::parse(exported.dump()));
  ASSERT_TRUE(imported) << imported.error().message;
  EXPECT_EQ(imported->id, "conv_a");
  EXPECT_EQ(imported->n_responses, 2);
  EXPECT_EQ(to->export_conversation("conv_a").value().dump(), exported.dump());
  EXPECT_EQ(to->items("conv_a").value().at(0).raw_tokens, (std::vector<std::int32_t>{1, -2, 151643}));
  EXPECT_EQ(to->response("resp_1").value().rating_note, "right");
  EXPECT_EQ(to->events("resp_1", 0).value().at(0).data["delta"], "hello");
  EXPECT_EQ(to->search("walrus", 3).value().size(), 1u);
}

TEST(Transfer, nothing_that_is_here_is_written_over) {
  const auto journal = open_journal(":memory:");
  fill(*journal);
  Json exported = journal->export_conversation("last").value();
  EXPECT_EQ(journal->import_conversation(exported).error().code, errc::exists);
  exported["conversation"]["id"] = "conv_b";  // its responses are still those of conv_a
  const auto refused = journal->import_conversation(exported);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::exists);
  EXPECT_THAT(refused.error().message, HasSubstr("resp_1"));
  EXPECT_EQ(journal->conversation("conv_b").error().code, errc::not_found);
  EXPECT_EQ(journal->responses("conv_a").value().size(), 2u);
}

TEST(Transfer, a_run_that_was_open_when_it_was_exported_has_ended_where_it_is_imported) {
  const auto from = open_journal(":memory:");
  ToolInvocation tool;
  tool.id = "call_1";
  tool.response_id = "resp_a";
  tool.status = "intent";
  write(*from, start("conv_a", "resp_a").put(tool).add(delta("resp_a", "half")));
  const auto to = open_journal(":memory:");
  ASSERT_TRUE(to->import_conversation(from->export_conversation("conv_a").value()));
  EXPECT_EQ(to->response("resp_a").value().reason, "interrupted");
  EXPECT_EQ(to->events("resp_a").value().back().type, "response.incomplete");
  EXPECT_EQ(to->tool_invocations("resp_a").value().at(0).status, "unknown");
  EXPECT_TRUE(to->unfinished().value().empty());
}

TEST(Transfer, anything_else_is_refused_with_a_sentence_and_leaves_nothing) {
  const auto from = open_journal(":memory:");
  fill(*from);
  const Json good = from->export_conversation("conv_a").value();
  const auto to = open_journal(":memory:");
  const auto refused = [&](const Json& json) {
    const auto done = to->import_conversation(json);
    EXPECT_TRUE(to->conversations(9).value().empty()) << json.dump();
    return done ? Error{errc::io, "it was taken"} : done.error();
  };
  for (const char* other : {"null", "[]", "{}", "3", R"({"format": "zip"})", R"({"format": "baton.conversation"})"})
    EXPECT_EQ(refused(Json::parse(other)).code, errc::invalid_argument) << other;
  Json newer = good;
  newer["version"] = 2;
  EXPECT_EQ(refused(newer).code, errc::newer_version);
  // Any one member missing or of another type, at any depth.
  for (const char* pointer : {"/conversation/id", "/conversation/metadata", "/responses/0/status", "/responses/1/attempts",
                              "/responses/0/events/1/data", "/responses/0/tool_invocations/0/arguments", "/items/0/raw_tokens"}) {
    Json cut = good;
    const Json::json_pointer at(pointer);
    cut[at.parent_pointer()].erase(at.back());
    EXPECT_EQ(refused(cut).code, errc::invalid_argument) << pointer;
    EXPECT_THAT(refused(cut).message, HasSubstr('"' + at.back() + '"')) << pointer;
  }
  Json typed = good;
  typed["items"][0]["raw_tokens"][1] = "two";
  EXPECT_EQ(refused(typed).code, errc::invalid_argument);
  Json hole = good;
  hole["responses"][0]["events"].erase(1);
  EXPECT_THAT(refused(hole).message, HasSubstr("events of resp_1"));
  EXPECT_TRUE(to->import_conversation(good));
}

TEST(Backup, of_a_journal_in_use_is_whole_and_private_and_replaces_nothing) {
  TempFolder folder;
  const auto journal = open_journal(folder / "j.db");
  write(*journal, start("conv_a", "resp_a"));
  std::atomic<bool> stop{false};
  std::thread writing([&] {
    for (int i = 0; !stop; ++i) write(*journal, Batch().add(delta("resp_a", std::to_string(i) + ' ')), Durability::process);
  });
  for (int i = 0; i < 5; ++i) {
    const auto copy = folder / ("copy" + std::to_string(i)).c_str();
    const std::size_t before = journal->events("resp_a").value().size();
    const auto done = journal->backup(copy);
    ASSERT_TRUE(done) << done.error().message;
    EXPECT_EQ(std::filesystem::status(copy).permissions() & std::filesystem::perms::mask,
              std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    EXPECT_EQ(query(copy, "PRAGMA integrity_check"), "ok");
    const auto restored = open_journal(copy);
    const auto events = restored->events("resp_a").value();
    EXPECT_GT(events.size(), before) << "all that was committed before, and the end that opening gave it";
    std::string expected;
    for (int n = 0; expected.size() < text_of(events).size(); ++n) expected += std::to_string(n) + ' ';
    EXPECT_EQ(text_of(events), expected);
  }
  stop = true;
  writing.join();
  const auto again = journal->backup(folder / "copy0");
  EXPECT_EQ(again.error().code, errc::exists);
  EXPECT_EQ(journal->backup(folder / "nowhere/copy").error().code, errc::io);
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path()))
    files += entry.path().filename().string().find("copy") == 0 && entry.path().extension().empty() &&
             entry.path().filename().string().find('-') == std::string::npos;
  EXPECT_EQ(files, 5) << "no half of one lies about";
}

TEST(Vacuum, gives_back_the_space_of_what_was_removed_and_keeps_the_rest) {
  TempFolder folder;
  const auto file = folder / "j.db";
  const auto journal = open_journal(file);
  for (const char* c : {"conv_a", "conv_b"}) {
    Batch batch = start(c, std::string("resp_") + c);
    for (int i = 0; i < 200; ++i) batch.add(message(new_id("item_"), c, std::string("resp_") + c, std::string(4000, 'x') + " walrus"));
    write(*journal, std::move(batch));
  }
  write(*journal, Batch().put(response("resp_conv_a", "conv_a", "completed")));
  ASSERT_TRUE(journal->remove_conversation("conv_a"));
  const Vacuumed done = journal->vacuum().value();
  EXPECT_LT(done.after_bytes, done.before_bytes * 0.7);
  EXPECT_EQ(static_cast<std::int64_t>(std::filesystem::file_size(file)), done.after_bytes);
  EXPECT_EQ(journal->items("conv_b").value().size(), 200u);
  EXPECT_EQ(journal->search("walrus", 1000).value().size(), 200u);
  write(*journal, Batch().add(event("resp_conv_b", "x")));
  EXPECT_EQ(query(file, "PRAGMA integrity_check"), "ok");
}

TEST(Damage, of_one_page_is_noticed_when_the_journal_is_opened) {
  TempFolder folder;
  const auto file = folder / "j.db";
  {
    const auto journal = open_journal(file);
    Batch batch;  // of a run that has ended, so that only the check reads its events
    batch.put(conversation("conv_a")).put(response("resp_a", "conv_a", "completed"));
    for (int i = 0; i < 100; ++i) batch.add(event("resp_a", std::string(500, 'x')));
    write(*journal, std::move(batch));
  }
  const std::string page = query(file, "SELECT rootpage FROM sqlite_schema WHERE name = 'events'");
  {
    std::fstream disk(file, std::ios::in | std::ios::out | std::ios::binary);
    disk.seekp((std::stol(page) - 1) * 4096 + 8);
    disk.write("\xff\xff\xff\xff\xff\xff\xff\xff", 8);
  }
  const auto opened = Journal::open(file);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, errc::corrupt);
  EXPECT_THAT(opened.error().message, HasSubstr("baton history backup"));
  EXPECT_THAT(opened.error().message, HasSubstr(".recover"));
}

TEST(Damage, what_the_recipe_of_the_docs_rescues_is_a_journal) {
  if (std::system("command -v sqlite3 >/dev/null") != 0) GTEST_SKIP() << "there is no sqlite3 program";
  TempFolder folder;
  write(*open_journal(folder / "journal.db"), start("conv_a", "resp_a").add(message("item_a", "conv_a", "resp_a", "walrus")));
  std::ifstream docs(BATON_SOURCE_DIR "/docs/durability.md");
  const std::string text{std::istreambuf_iterator<char>(docs), {}}, end = "| sqlite3 rescued.db";
  const std::size_t begin = text.find("    (sqlite3 journal.db .dump");
  ASSERT_NE(begin, std::string::npos);
  const std::string recipe = text.substr(begin, text.find(end, begin) + end.size() - begin);
  ASSERT_EQ(std::system(("cd '" + folder.path().string() + "' && " + recipe).c_str()), 0) << recipe;
  EXPECT_EQ(open_journal(folder / "rescued.db")->search("walrus", 10).value().size(), 1u);
}

}  // namespace
}  // namespace baton::memory
