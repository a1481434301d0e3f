// The matching of a chat's results with its calls, whatever names the client gives them.
#include <baton/agent/core/items.h>
#include <baton/agent/protocol/chat_request.h>
#include <baton/agent/runtime/request.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace baton::agent::protocol {
namespace {

using testing::ElementsAre;

Json call(const std::string& id, const std::string& name) {
  Json json = {{"type", "function"}, {"function", {{"name", name}, {"arguments", "{}"}}}};
  if (!id.empty()) json["id"] = id;
  return json;
}
Json calls(const Json::array_t& list) { return {{"role", "assistant"}, {"content", nullptr}, {"tool_calls", list}}; }
Json result(const std::string& id, const std::string& content, const std::string& name = "") {
  Json json = {{"role", "tool"}, {"content", content}};
  if (!id.empty()) json["tool_call_id"] = id;
  if (!name.empty()) json["name"] = name;
  return json;
}
Json user(const std::string& text) { return {{"role", "user"}, {"content", text}}; }

// "name: result" of each call, in the order of the calls.
std::vector<std::string> results_of(const Json::array_t& messages) {
  const auto parsed = parse_chat({{"messages", messages}}, {.model = "tiny"});
  if (!parsed) return {parsed.error().message};
  if (const auto fits = check_answers({}, parsed->run.input, {}); !fits) return {fits.error().message};
  std::vector<StoredItem> items;
  std::set<std::string> ids;
  for (const Json& item : parsed->run.input) {
    items.push_back({"resp_1", item, {}});
    if (item["type"] != "function_call") continue;
    EXPECT_TRUE(ids.insert(item["call_id"].get<std::string>()).second) << "two calls have one id: " << item;
    EXPECT_NE(item["call_id"], "");
  }
  std::vector<std::string> results;
  for (const llm::Message& message : messages_from_items(items)) {
    if (message.role == llm::Role::tool) results.push_back(message.name + ": " + message.content);
  }
  return results;
}

TEST(ChatCalls, results_with_ids_come_in_any_order) {
  EXPECT_THAT(results_of({calls({call("1", "a"), call("2", "b"), call("3", "a")}), result("3", "z"), result("1", "x"), result("2", "y")}),
              ElementsAre("a: x", "b: y", "a: z"));
}

TEST(ChatCalls, calls_without_ids_get_their_results_by_name_and_otherwise_in_order) {
  const Json three = calls({call("", "a"), call("", "b"), call("", "a")});
  EXPECT_THAT(results_of({three, result("", "y", "b"), result("", "x"), result("", "z", "a")}), ElementsAre("a: x", "b: y", "a: z"));
}

TEST(ChatCalls, ids_that_repeat_in_one_answer_are_told_apart_by_name_and_otherwise_in_order) {
  EXPECT_THAT(results_of({calls({call("1", "a"), call("1", "b")}), result("1", "y", "b"), result("1", "x", "a")}),
              ElementsAre("a: x", "b: y"));
  EXPECT_THAT(results_of({calls({call("1", "a"), call("1", "b")}), result("1", "x"), result("1", "y")}), ElementsAre("a: x", "b: y"));
}

TEST(ChatCalls, ids_that_begin_anew_with_each_answer_belong_to_the_latest) {
  EXPECT_THAT(
      results_of({calls({call("call_0", "a")}), result("call_0", "x"), user("again"), calls({call("call_0", "a")}), result("call_0", "y")}),
      ElementsAre("a: x", "a: y"));
  const auto unanswered = results_of({calls({call("call_0", "a")}), user("continue"), calls({call("call_0", "a")}), result("call_0", "y")});
  ASSERT_EQ(unanswered.size(), 2u);
  EXPECT_EQ(unanswered[1], "a: y");
}

TEST(ChatCalls, a_result_without_an_id_belongs_to_the_latest_turn) {
  const auto results = results_of({calls({call("1", "a")}), user("continue"), calls({call("2", "a")}), result("", "y")});
  ASSERT_EQ(results.size(), 2u);
  EXPECT_EQ(results[1], "a: y");
  EXPECT_THAT(results_of({calls({call("1", "a")}), calls({call("2", "b")}), result("", "x"), result("", "y")}), ElementsAre("a: x", "b: y"))
      << "one turn, in two messages";
}

TEST(ChatCalls, a_client_may_make_up_the_ids_that_its_calls_came_without) {
  EXPECT_THAT(results_of({calls({call("", "a"), call("", "b")}), result("made up", "y", "b"), result("another", "x")}),
              ElementsAre("a: x", "b: y"));
}

TEST(ChatCalls, an_id_that_is_made_is_not_one_of_the_clients) {
  EXPECT_THAT(results_of({calls({call("", "a"), call("call_1", "b"), call("call_2", "c"), call("", "d")}), result("call_1", "of b"),
                          result("call_2", "of c"), result("", "of a"), result("", "of d")}),
              ElementsAre("a: of a", "b: of b", "c: of c", "d: of d"));
}

TEST(ChatCalls, a_result_of_no_call_is_refused) {
  for (const Json::array_t& messages :
       {Json::array_t{result("1", "x")}, Json::array_t{result("", "x")}, Json::array_t{calls({call("1", "a")}), result("2", "x")},
        Json::array_t{calls({call("1", "a")}), result("1", "x"), result("1", "y")},
        Json::array_t{calls({call("1", "a"), call("", "b")}), result("1", "x"), result("1", "y")}}) {
    const auto refused = results_of(messages);
    ASSERT_EQ(refused.size(), 1u);
    EXPECT_THAT(refused[0], testing::AnyOf(testing::HasSubstr("waits for an output"), testing::HasSubstr("is missing")));
  }
}

}  // namespace
}  // namespace baton::agent::protocol
