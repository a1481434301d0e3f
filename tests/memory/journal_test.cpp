#include "journal_fixture.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <set>

namespace baton::memory {
namespace {

using testing::HasSubstr;

// Both kinds of journal keep the same promises.
class JournalKinds : public testing::TestWithParam<bool> {
 protected:
  std::filesystem::path file() const { return GetParam() ? std::filesystem::path(":memory:") : folder_ / "deep/er/journal.db"; }
  TempFolder folder_;
};
INSTANTIATE_TEST_SUITE_P(Journal, JournalKinds, testing::Bool(), [](const auto& i) { return i.param ? "memory" : "file"; });

TEST_P(JournalKinds, gives_back_every_field_of_every_record) {
  const auto journal = open_journal(file());
  Conversation c{"conv_a", "What is 17.5% of 2340", 1000, 2000, 0};
  Response r{"resp_a", "conv_a", "resp_0", "qwen", "in_progress", "", {{"tools", {"calculate"}}}, {{"total", 3}}, 1001, 0};
  Item item{"item_a", "conv_a", "resp_a", 0, {{"type", "message"}, {"b", 1}, {"a", 2}}, "text", {1, -2, 151643}, "m", "t", 1002};
  ToolInvocation tool{"call_1", "resp_a", "calculate", {{"expression", "2+2"}}, "key", "intent", "", 1003, 0};
  Batch batch;
  batch.put(c).put(r).add(item).put(tool).add(event("resp_a", "response.created"));
  const auto events = journal->commit_and_wait(batch, Durability::power);
  ASSERT_TRUE(events) << events.error().message;
  ASSERT_EQ(events->size(), 1u);
  EXPECT_EQ(events->at(0).sequence_number, 0);

  const Conversation found = journal->conversation("conv_a").value();
  EXPECT_EQ(found.title, c.title);
  EXPECT_EQ(found.created_ms, 1000);
  EXPECT_EQ(found.updated_ms, 2000);
  EXPECT_EQ(found.n_responses, 1);
  const Response run = journal->responses("conv_a").value().at(0);
  EXPECT_EQ(run.parent_id, "resp_0");
  EXPECT_EQ(run.model, "qwen");
  EXPECT_EQ(run.request.dump(), R"({"tools":["calculate"]})");
  EXPECT_EQ(run.usage.dump(), R"({"total":3})");
  EXPECT_EQ(run.created_ms, 1001);
  EXPECT_EQ(journal->response("resp_a").value().model, "qwen");
  EXPECT_EQ(journal->response("resp_b").error().code, errc::not_found);
  const Item it = journal->items("conv_a").value().at(0);
  EXPECT_EQ(it.content.dump(), R"({"type":"message","b":1,"a":2})") << "key order is part of the prompt";
  EXPECT_EQ(it.raw_tokens, (std::vector<std::int32_t>{1, -2, 151643}));
  EXPECT_EQ(it.model_sha256 + it.template_sha256 + it.text, "mttext");
  const ToolInvocation call = journal->tool_invocations("resp_a").value().at(0);
  EXPECT_EQ(call.arguments.dump(), R"({"expression":"2+2"})");
  EXPECT_EQ(call.idempotency_key, "key");
  EXPECT_EQ(call.status, "intent");
}

TEST_P(JournalKinds, put_replaces_and_keeps_the_time_of_creation) {
  const auto journal = open_journal(file());
  Response r{"resp_a", "conv_a", "", "m", "in_progress", "", Json::object(), Json::object(), 5, 0};
  ToolInvocation tool{"call_1", "resp_a", "t", Json::object(), "k", "intent", "", 7, 0};
  write(*journal, Batch().put(Conversation{"conv_a", "old", 3, 3, 0}).put(r).put(tool));
  r.status = "completed";
  r.created_ms = 99;
  tool.status = "done";
  tool.result = "4";
  write(*journal, Batch().put(Conversation{"conv_a", "new", 4, 6, 0}).put(r).put(tool));
  EXPECT_EQ(journal->conversation("conv_a").value().title, "new");
  EXPECT_EQ(journal->conversation("conv_a").value().created_ms, 3);
  const Response run = journal->response("resp_a").value();
  EXPECT_EQ(run.status, "completed");
  EXPECT_EQ(run.created_ms, 5);
  EXPECT_GT(run.finished_ms, 0) << "filled in when the caller leaves it 0";
  ASSERT_EQ(journal->tool_invocations("resp_a").value().size(), 1u);
  EXPECT_EQ(journal->tool_invocations("resp_a").value()[0].result, "4");
  EXPECT_EQ(journal->tool_invocations("resp_a").value()[0].started_ms, 7);
}

TEST_P(JournalKinds, metadata_is_set_without_the_rest_of_its_conversation) {
  const auto journal = open_journal(file());
  const Json metadata = {{"a", "1"}};
  write(*journal, Batch().put(conversation("conv_a", "a title")));
  const Conversation before = journal->conversation("conv_a").value();
  ASSERT_TRUE(journal->set_metadata("conv_a", metadata));
  const Conversation after = journal->conversation("conv_a").value();
  EXPECT_EQ(after.metadata, metadata);
  EXPECT_EQ(after.title, "a title");
  EXPECT_EQ(after.updated_ms, before.updated_ms);
  ASSERT_TRUE(journal->remove_conversation("conv_a"));
  EXPECT_EQ(journal->set_metadata("conv_a", Json::object()).error().code, errc::not_found);
  EXPECT_EQ(journal->conversation("conv_a").error().code, errc::not_found) << "it is not revived";
}

TEST_P(JournalKinds, numbers_rise_by_one_within_each_response_and_resume_after_any) {
  const auto journal = open_journal(file());
  write(*journal, start("conv_a", "resp_a"));
  write(*journal, start("conv_b", "resp_b"));
  for (int i = 0; i < 5; ++i) write(*journal, Batch().add(event("resp_a", "x")).add(event("resp_b", "y")).add(event("resp_a", "z")));
  for (int after = -1; after < 10; ++after) {
    const auto events = journal->events("resp_a", after).value();
    ASSERT_EQ(events.size(), static_cast<std::size_t>(9 - after));
    for (std::size_t i = 0; i < events.size(); ++i) EXPECT_EQ(events[i].sequence_number, after + 1 + static_cast<int>(i));
  }
  EXPECT_EQ(journal->events("resp_b").value().size(), 5u);
}

TEST_P(JournalKinds, a_batch_is_written_whole_or_not_at_all) {
  const auto journal = open_journal(file());
  write(*journal, start("conv_a", "resp_a"));
  const auto failed =
      journal->commit_and_wait(Batch().add(event("resp_a", "x")).add(message("item_1", "conv_missing", "resp_a", "t")), Durability::power);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, errc::not_found);
  EXPECT_THAT(failed.error().message, HasSubstr("may have been deleted"));
  EXPECT_TRUE(journal->events("resp_a").value().empty());
  write(*journal, Batch().add(event("resp_a", "x")));
  EXPECT_EQ(journal->events("resp_a").value().at(0).sequence_number, 0) << "a refused event takes no number";
}

TEST_P(JournalKinds, refuses_a_second_terminal_event) {
  const auto journal = open_journal(file());
  write(*journal, start("conv_a", "resp_a"));
  write(*journal, Batch().add(event("resp_a", "response.completed")));
  const auto again = journal->commit_and_wait(Batch().add(event("resp_a", "response.failed")), Durability::power);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, errc::invalid_argument);
  EXPECT_THAT(again.error().message, HasSubstr("resp_a has ended already"));
}

TEST_P(JournalKinds, finds_a_conversation_by_id_unique_prefix_or_last) {
  const auto journal = open_journal(file());
  EXPECT_EQ(journal->conversation("last").error().code, errc::not_found);
  write(*journal, Batch().put(Conversation{"conv_aa1", "1", 10, 10, 0}).put(Conversation{"conv_aa12", "2", 20, 20, 0}));
  write(*journal, Batch().put(Conversation{"conv_b'%_", "3", 15, 15, 0}));
  EXPECT_EQ(journal->conversation("conv_aa12").value().title, "2");
  EXPECT_EQ(journal->conversation("conv_aa1").value().title, "1") << "a whole id wins over a longer one that begins with it";
  EXPECT_EQ(journal->conversation("conv_b").value().title, "3");
  EXPECT_EQ(journal->conversation("last").value().title, "2");
  EXPECT_EQ(journal->conversation("conv_a").error().code, errc::invalid_argument);
  EXPECT_THAT(journal->conversation("conv_a").error().message, HasSubstr("conv_aa1 and conv_aa12"));
  EXPECT_EQ(journal->conversation("%").error().code, errc::not_found);
  EXPECT_EQ(journal->conversation("").error().code, errc::invalid_argument);
  Item late = message("item_1", "conv_aa1", "", "hello");
  late.created_ms = 500;
  write(*journal, Batch().add(late));
  EXPECT_EQ(journal->conversation("last").value().title, "1") << "a new item makes its conversation the newest";
}

TEST_P(JournalKinds, lists_conversations_newest_first_in_pages) {
  const auto journal = open_journal(file());
  for (int i = 1; i <= 5; ++i) write(*journal, Batch().put(Conversation{"conv_" + std::to_string(i), "", i, i, 0}));
  const auto page = journal->conversations(2, 1).value();
  ASSERT_EQ(page.size(), 2u);
  EXPECT_EQ(page[0].id + page[1].id, "conv_4conv_3");
  EXPECT_TRUE(journal->conversations(0).value().empty());
  EXPECT_TRUE(journal->conversations(-1).value().empty());
  EXPECT_TRUE(journal->conversations(5, 9).value().empty());
}

TEST_P(JournalKinds, removing_a_conversation_removes_all_that_hangs_on_it) {
  const auto journal = open_journal(file());
  for (const char* c : {"a", "b"}) {
    const std::string conv = std::string("conv_") + c, resp = std::string("resp_") + c;
    write(*journal, start(conv, resp));
    ToolInvocation tool;
    tool.id = "call_1";
    tool.response_id = resp;
    tool.status = "intent";
    write(*journal, Batch().add(message("item_" + conv, conv, resp, "walrus")).add(event(resp, "x")).put(tool));
  }
  write(*journal, Batch().put(response("resp_a", "conv_a", "completed")));
  const auto removed = journal->remove_conversation("conv_a");
  ASSERT_TRUE(removed) << removed.error().message;
  EXPECT_EQ(journal->conversation("conv_a").error().code, errc::not_found);
  EXPECT_TRUE(journal->responses("conv_a").value().empty());
  EXPECT_TRUE(journal->items("conv_a").value().empty());
  EXPECT_TRUE(journal->events("resp_a").value().empty());
  EXPECT_TRUE(journal->tool_invocations("resp_a").value().empty());
  ASSERT_EQ(journal->search("walrus", 9).value().size(), 1u);
  EXPECT_EQ(journal->search("walrus", 9).value()[0].conversation_id, "conv_b");
  EXPECT_EQ(journal->events("resp_b").value().size(), 1u);
  EXPECT_EQ(journal->remove_conversation("conv_a").error().code, errc::not_found);
  EXPECT_EQ(journal->remove_conversation("conv_").error().code, errc::not_found) << "a prefix does not delete";
  const auto late = journal->commit_and_wait(Batch().add(event("resp_a", "y")), Durability::process);
  EXPECT_EQ(late.error().code, errc::not_found);
}

// A caller that asks whether it runs and then removes it, may remove one that began in between.
TEST_P(JournalKinds, what_is_under_way_is_not_removed) {
  const auto journal = open_journal(file());
  write(*journal, start("conv_a", "resp_1").put(response("resp_1", "conv_a", "completed")));
  write(*journal, Batch().put(response("resp_2", "conv_a")));
  for (const auto& removed : {journal->remove_conversation("conv_a"), journal->remove_response("resp_2")}) {
    ASSERT_FALSE(removed);
    EXPECT_EQ(removed.error().code, errc::in_use);
    EXPECT_THAT(removed.error().public_message(), testing::HasSubstr("response resp_2 is in progress"));
  }
  EXPECT_EQ(journal->responses("conv_a").value().size(), 2u);
  EXPECT_TRUE(journal->remove_response("resp_1")) << "it has ended";
  write(*journal, Batch().put(response("resp_2", "conv_a", "cancelled")));
  EXPECT_TRUE(journal->remove_conversation("conv_a"));
}

TEST_P(JournalKinds, takes_bytes_that_are_not_utf8_and_deep_json_without_harm) {
  const auto journal = open_journal(file());
  write(*journal, start("conv_a", "resp_a"));
  Item item = message("item_1", "conv_a", "resp_a", "a\xff\xc3(b\xed\xa0\x80");
  item.content = {{"text", "x\x80y"}};
  write(*journal, Batch().add(item).add(delta("resp_a", "\xe2\x82")));
  EXPECT_EQ(journal->items("conv_a").value().at(0).content["text"], "x\xef\xbf\xbdy");
  EXPECT_EQ(journal->items("conv_a").value().at(0).text.substr(0, 5), "a\xef\xbf\xbd\xef");
  Json deep = 1;
  for (int i = 0; i < 20'000; ++i) {
    Json outer = Json::array();
    outer.push_back(std::move(deep));
    deep = std::move(outer);
  }
  Event nested{"resp_a", 0, "x", std::move(deep)};
  const auto refused = journal->commit_and_wait(Batch().add(std::move(nested)), Durability::power);
  EXPECT_EQ(refused.error().code, errc::invalid_argument);
  EXPECT_THAT(refused.error().message, HasSubstr("512 levels"));
}

TEST(Batch, a_copy_is_a_batch_of_its_own) {
  const auto journal = open_journal(":memory:");
  const Batch common = start("conv_a", "resp_a");
  Batch more = common;
  more.add(event("resp_a", "x"));
  write(*journal, common);
  EXPECT_TRUE(journal->events("resp_a").value().empty());
  write(*journal, more);
  write(*journal, common);
  EXPECT_EQ(journal->events("resp_a").value().size(), 1u);
  write(*journal, Batch());
}

TEST(NewId, has_24_characters_never_repeats_and_sorts_by_time) {
  std::vector<std::string> ids;
  for (int i = 0; i < 2000; ++i) ids.push_back(new_id("item_"));
  for (const std::string& id : ids) ASSERT_EQ(id.size(), 5u + 24u);
  EXPECT_TRUE(std::is_sorted(ids.begin(), ids.end()));
  EXPECT_EQ(std::set<std::string>(ids.begin(), ids.end()).size(), ids.size());
  std::set<std::string> tails;
  for (const std::string& id : ids) tails.insert(id.substr(16));
  EXPECT_EQ(tails.size(), ids.size()) << "the random part is random";
}

}  // namespace
}  // namespace baton::memory
