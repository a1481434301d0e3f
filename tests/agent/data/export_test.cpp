#include <baton/agent/core/items.h>
#include <baton/agent/data/export.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

namespace baton::agent {
namespace {

// A journal with finished runs, item by item as the runtime writes them.
class ExportTest : public testing::Test {
 protected:
  void run(const std::string& conversation, const std::string& status, const std::vector<Json>& items, const std::string& instructions = "",
           const std::vector<std::string>& tools = {"add"}) {
    const std::string id = "resp_" + std::to_string(++n_);
    memory::Response response;
    response.id = id;
    response.conversation_id = conversation;
    response.status = status;
    response.reason = status == "completed" ? "" : "max_turns";
    response.created_ms = n_;
    response.request = {{"instructions", instructions}, {"tools", Json::array()}};
    for (const std::string& tool : tools) {
      response.request["tools"].push_back(
          {{"type", "function"}, {"name", tool}, {"description", "d"}, {"parameters", {{"type", "object"}}}});
    }
    memory::Batch batch;
    memory::Conversation record;
    record.id = conversation;
    record.created_ms = created_.try_emplace(conversation, n_).first->second;
    batch.put(record);
    batch.put(response);
    for (const Json& content : items) {
      memory::Item item;
      item.id = content["id"].get<std::string>();
      item.conversation_id = conversation;
      item.response_id = id;
      item.content = content;
      batch.add(item);
    }
    journal_->commit_and_wait(std::move(batch), memory::Durability::power).value();
  }
  Json user(const std::string& text) { return user_message_item(item_id(), text); }
  Json says(const std::string& text, int turn) { return assistant_message_item(item_id(), text, turn, "completed"); }
  Json call(const std::string& id, const Json& arguments, int turn, bool failed = false) {
    return call_item({.id = item_id(),
                      .call_id = id,
                      .name = "add",
                      .arguments = arguments.dump(),
                      .status = failed ? "failed" : "completed",
                      .result = failed ? "no" : "5",
                      .turn = turn});
  }
  std::string item_id() { return "item_" + std::to_string(++n_items_); }

  std::vector<Json> exported(ExportOptions options = {}) {
    std::ostringstream out;
    report_ = export_runs(*journal_, options, out).value();
    std::vector<Json> records;
    std::istringstream in(out.str());
    for (std::string line; std::getline(in, line);) records.push_back(Json::parse(line));
    return records;
  }

  std::unique_ptr<memory::Journal> journal_ = memory::Journal::open(":memory:").value();
  std::map<std::string, int> created_;
  int n_ = 0, n_items_ = 0;
  ExportReport report_;
};

TEST_F(ExportTest, writes_arguments_as_a_string_for_openai) {
  run("conv_1", "completed", {user("q"), says("Let me add.", 1), call("c1", {{"b", 2}, {"a", 3}}, 1), says("5", 2)}, "be brief");
  const auto records = exported();
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records[0]["messages"], Json::parse(R"([
    {"role":"system","content":"be brief"},
    {"role":"user","content":"q"},
    {"role":"assistant","content":"Let me add.","tool_calls":[{"id":"c1","type":"function","function":{"name":"add","arguments":"{\"b\":2,\"a\":3}"}}]},
    {"role":"tool","content":"5","tool_call_id":"c1"},
    {"role":"assistant","content":"5"}])"));
  EXPECT_EQ(records[0]["tools"],
            Json::parse(R"([{"type":"function","function":{"name":"add","description":"d","parameters":{"type":"object"}}}])"));
}

TEST_F(ExportTest, writes_arguments_as_an_object_and_tools_as_a_string_for_trl) {
  run("conv_1", "completed", {user("q"), call("c1", {{"b", 2}}, 1), says("5", 2)});
  const auto records = exported({.format = ExportFormat::trl});
  ASSERT_EQ(records.size(), 1u);
  const Json& messages = records[0]["messages"];
  EXPECT_EQ(messages[1]["content"], "");
  EXPECT_EQ(messages[1]["tool_calls"][0]["function"]["arguments"], Json::parse(R"({"b":2})"));
  EXPECT_EQ(messages[2]["name"], "add");
  EXPECT_EQ(Json::parse(records[0]["tools"].get<std::string>())[0]["function"]["name"], "add");
}

TEST_F(ExportTest, leaves_the_tools_out_for_openai_when_there_are_none) {
  run("conv_1", "completed", {user("q"), says("5", 1)}, "", {});
  EXPECT_FALSE(exported()[0].contains("tools"));
  EXPECT_EQ(exported({.format = ExportFormat::trl})[0]["tools"], "[]");
}

TEST_F(ExportTest, goes_up_to_the_first_run_that_has_not_completed) {
  run("conv_1", "completed", {user("one"), says("1", 1)});
  run("conv_1", "cancelled", {user("two"), says("2", 1)});
  run("conv_1", "completed", {user("three"), says("3", 1)});
  const auto records = exported();
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records[0]["messages"].size(), 2u);
  EXPECT_EQ(report_.shortened, 1);
}

TEST_F(ExportTest, says_why_a_conversation_is_skipped) {
  run("conv_1", "incomplete", {user("q"), says("5", 1)});
  run("conv_2", "completed", {user("q"), says("5", 1)});
  run("conv_3", "completed", {user("q"), call("c1", {{"b", 2}}, 1), says("5", 2)});
  EXPECT_EQ(exported({.only_with_calls = true}).size(), 1u);
  EXPECT_EQ(report_.exported, 1);
  EXPECT_EQ(report_.skipped, (std::map<std::string, int>{{"its first run is incomplete, max_turns", 1}, {"no tool call", 1}}));
}

TEST_F(ExportTest, offers_every_tool_that_a_run_of_the_conversation_had) {
  run("conv_1", "completed", {user("q"), says("1", 1)}, "old", {"add", "time"});
  run("conv_1", "completed", {user("q"), says("2", 1)}, "new", {"files", "add"});
  const Json record = exported()[0];
  std::vector<std::string> names;
  for (const Json& tool : record["tools"]) names.push_back(tool["function"]["name"].get<std::string>());
  EXPECT_EQ(names, (std::vector<std::string>{"add", "time", "files"}));
  EXPECT_EQ(record["messages"][0]["content"], "new");
  EXPECT_EQ(record["messages"].size(), 5u);
}

TEST_F(ExportTest, leaves_out_calls_that_could_not_be_read) {
  Json hint = user("the call cannot be read");
  hint["baton.from"] = "runtime";
  run("conv_1", "completed", {user("q"), says("{\"name\":", 1), hint, call("c1", {{"b", 2}}, 2), says("5", 3)});
  const Json messages = exported()[0]["messages"];
  ASSERT_EQ(messages.size(), 4u);
  EXPECT_EQ(messages[1]["tool_calls"].size(), 1u);
}

TEST_F(ExportTest, keeps_errors_of_tools) {
  run("conv_1", "completed", {user("q"), call("c1", {{"b", "x"}}, 1, true), says("no", 2)});
  EXPECT_EQ(exported()[0]["messages"][2]["content"], "no");
}

TEST_F(ExportTest, keeps_reasoning_where_the_format_has_a_place) {
  run("conv_1", "completed", {user("q"), reasoning_item(item_id(), "hm", 1, "completed"), says("5", 1)});
  EXPECT_FALSE(exported()[0]["messages"][1].contains("reasoning_content"));
  EXPECT_EQ(exported({.format = ExportFormat::trl})[0]["messages"][1]["reasoning_content"], "hm");
}

TEST_F(ExportTest, exports_what_is_asked_for_once_and_in_order) {
  run("conv_a", "completed", {user("first"), says("1", 1)});
  run("conv_b", "completed", {user("second"), says("2", 1)});
  EXPECT_EQ(exported()[0]["messages"][0]["content"], "first");
  const auto chosen = exported({.conversations = {"conv_b", "conv_b"}});
  ASSERT_EQ(chosen.size(), 1u);
  EXPECT_EQ(chosen[0]["messages"][0]["content"], "second");
  std::ostringstream out;
  const auto missing = export_runs(*journal_, {.conversations = {"conv_x"}}, out);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, errc::not_found);
}

TEST_F(ExportTest, says_that_the_records_could_not_be_written) {
  run("conv_a", "completed", {user("first"), says("1", 1)});
  std::ostringstream out;
  out.setstate(std::ios::badbit);
  const auto report = export_runs(*journal_, {}, out);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, errc::io);
}

}  // namespace
}  // namespace baton::agent
