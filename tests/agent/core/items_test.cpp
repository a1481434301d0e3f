#include <baton/agent/core/items.h>
#include <gtest/gtest.h>

namespace baton::agent {
namespace {

using llm::Role;

StoredItem call_without_result(const std::string& id, const std::string& status) {
  return {"resp_1", call_item({.id = "item_" + id, .call_id = id, .name = "send", .arguments = "{\"to\":\"a\"}", .status = status}), {}};
}

TEST(Items, a_call_without_a_result_gets_one_that_says_so) {
  const auto messages = messages_from_items({{"resp_1", user_message_item("u", "send it"), {}}, call_without_result("c", "in_progress")});
  ASSERT_EQ(messages.size(), 3u);
  EXPECT_EQ(messages[1].tool_calls[0].arguments["to"], "a");
  EXPECT_EQ(messages[2].role, Role::tool);
  EXPECT_EQ(messages[2].tool_call_id, "c");
  EXPECT_EQ(messages[2].content, kUnknownOutcome);
}

TEST(Items, a_call_that_never_was_one_is_told_as_not_run_and_its_result_left_out) {
  const StoredItem cut{
      "resp_1", {{"type", "function_call"}, {"call_id", "c"}, {"name", "send"}, {"arguments", "{}"}, {"status", "incomplete"}}, {}};
  const StoredItem output{"resp_1", {{"type", "function_call_output"}, {"call_id", "c"}, {"output", "not run"}}, {}};
  for (const StoredItem& item : {cut, call_without_result("c", "incomplete")}) {
    const auto messages = messages_from_items({item, output});
    ASSERT_EQ(messages.size(), 1u);
    EXPECT_TRUE(messages[0].tool_calls.empty());
    EXPECT_EQ(messages[0].content, told_as_not_run("send"));
  }
}

// Some servers number the calls of each answer anew, or give no ids.
TEST(Items, calls_that_share_an_id_get_their_results_in_order) {
  const auto call = [](const char* name) {
    return StoredItem{"resp_1", {{"type", "function_call"}, {"call_id", "0"}, {"name", name}, {"arguments", "{}"}}, {}};
  };
  const auto output = [](const char* text) {
    return StoredItem{"resp_1", {{"type", "function_call_output"}, {"call_id", "0"}, {"output", text}}, {}};
  };
  const auto messages = messages_from_items({call("a"), call("b"), output("1"), output("2"), call("c"), output("3")});
  ASSERT_EQ(messages.size(), 5u);
  EXPECT_EQ(messages[1].content, "1");
  EXPECT_EQ(messages[2].content, "2");
  EXPECT_EQ(messages[4].content, "3");
  EXPECT_EQ(messages[4].name, "c");
}

TEST(Items, a_result_belongs_to_the_newest_turn_that_has_a_call_of_its_id) {
  const auto call = [](const char* city, const char* status) {
    return StoredItem{"resp_1", {{"type", "function_call"}, {"call_id", "0"}, {"name", "f"}, {"arguments", city}, {"status", status}}, {}};
  };
  const StoredItem again{"resp_1", user_message_item("u", "again"), {}};
  const StoredItem output{"resp_1", {{"type", "function_call_output"}, {"call_id", "0"}, {"output", "18"}}, {}};
  for (const char* status : {"incomplete", "completed"}) {
    const auto messages = messages_from_items({call("{}", status), again, call("{\"city\":\"Paris\"}", "completed"), output});
    EXPECT_EQ(messages.back().content, "18") << status;
  }
}

TEST(Items, results_and_errors_come_back_as_they_went_in) {
  CallItem call{.id = "i", .call_id = "c", .name = "f", .arguments = "{}", .status = "completed", .result = "42"};
  EXPECT_EQ(result_of_call_item(call_item(call)), "42");
  EXPECT_FALSE(call_item_failed(call_item(call)));
  call.status = "failed";
  call.result = "no such file";
  EXPECT_EQ(result_of_call_item(call_item(call)), "no such file");
  EXPECT_TRUE(call_item_failed(call_item(call)));
  EXPECT_TRUE(call_item(call)["output"].is_null());
}

TEST(Items, a_turn_is_one_message_and_turns_of_two_runs_are_two) {
  const auto messages = messages_from_items({{"resp_1", user_message_item("u", "q"), {}},
                                             {"resp_1", assistant_message_item("a", "one", 1, "completed"), {}},
                                             {"resp_1", assistant_message_item("b", " more", 1, "completed"), {{1, 2}, "m", "t"}},
                                             {"resp_2", assistant_message_item("c", "two", 1, "completed"), {}}});
  ASSERT_EQ(messages.size(), 3u);
  EXPECT_EQ(messages[1].content, "one more");
  EXPECT_EQ(messages[1].raw->model_identity, "m");
  EXPECT_EQ(messages[2].content, "two");
}

TEST(Items, foreign_items_do_no_harm) {
  const std::vector<Json> strange = {nullptr,
                                     5,
                                     "text",
                                     Json::array({1}),
                                     Json::object(),
                                     {{"type", "image"}},
                                     {{"type", 7}},
                                     {{"type", "message"}, {"role", "user"}},
                                     {{"type", "message"}, {"role", "user"}, {"content", {1, 2, {{"text", 3}}}}},
                                     {{"type", "message"}, {"role", "assistant"}, {"content", "plain"}, {"baton.turn", "x"}},
                                     {{"type", "mcp_call"}, {"arguments", "[1"}, {"error", 5}},
                                     {{"type", "mcp_call"}, {"arguments", 5}, {"error", {{"message", "m"}}}}};
  std::vector<StoredItem> stored;
  for (const Json& content : strange) stored.push_back({"resp_1", content, {}});
  const auto messages = messages_from_items(stored);
  ASSERT_EQ(messages.size(), 5u);
  EXPECT_EQ(messages[2].content, "plain");
  EXPECT_EQ(messages[4].content, "m");
}

}  // namespace
}  // namespace baton::agent
