// Requests that are larger than any client needs: each list has a bound, and everything within the bounds is read in linear time.
#include <baton/agent/protocol/chat_request.h>
#include <baton/agent/protocol/create_request.h>
#include <baton/tools/read_json.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ctime>

#include "sanitized.h"

namespace baton::agent::protocol {
namespace {

using testing::HasSubstr;

class RequestLimitsTest : public testing::Test {
 protected:
  RequestLimitsTest() {
    look_.name = "look";
    look_.parameters = {{"type", "object"}};
  }
  Offer offer() const { return {.model = "tiny", .tools = {&look_}}; }
  ApiError create(const char* field, Json value) const {
    Json body = {{"input", "x"}};
    body[field] = std::move(value);
    const auto parsed = parse_create(body, offer(), Channel::http);
    return parsed ? ApiError{} : parsed.error();
  }
  ApiError chat(const char* field, Json value) const {
    Json body = {{"messages", Json::array({{{"role", "user"}, {"content", "x"}}})}};
    body[field] = std::move(value);
    const auto parsed = parse_chat(body, offer());
    return parsed ? ApiError{} : parsed.error();
  }
  tools::ToolSpec look_;
};

Json list_of(std::size_t n, const Json& entry) { return Json(Json::array_t(n, entry)); }

// Built in the reader's way: inserting would compare each key with all others.
Json object_of(int n) {
  std::string text = "{";
  for (int i = 0; i < n; ++i) text += (i == 0 ? "\"" : ",\"") + std::to_string(i) + "\":1";
  return std::move(tools::read_json(text + "}", tools::kLimitsOfFile)->value);
}

Json function_call(const std::string& id, const std::string& arguments) {
  return {{"type", "function_call"}, {"call_id", id}, {"name", "f"}, {"arguments", arguments}};
}

TEST_F(RequestLimitsTest, each_list_has_a_bound_that_its_error_names) {
  const Json function = {{"type", "function"}, {"name", "f"}};
  const Json mcp = {{"type", "mcp"}, {"server_label", "baton"}, {"allowed_tools", list_of(1025, "look")}};
  const Json text = {{"type", "input_text"}, {"text", ""}};
  struct Case {
    ApiError error;
    const char* param;
    const char* message;
  };
  const Case cases[] = {
      {create("include", list_of(33, "reasoning.encrypted_content")), "include", "holds 33 entries; at most 32 are allowed"},
      {create("baton.stop", list_of(65, "s")), "baton.stop", "holds 65 strings; at most 64 are allowed"},
      {create("baton.stop", Json::array({std::string(1025, 's')})), "baton.stop", "has 1025 bytes; at most 1024 are allowed"},
      {create("tools", list_of(257, function)), "tools", "holds 257 tools; at most 256 are allowed"},
      {create("tools", Json::array({mcp})), "tools[0].allowed_tools", "holds 1025 names; at most 1024 are allowed"},
      {create("tool_choice", {{"type", "allowed_tools"}, {"tools", list_of(257, function)}}), "tool_choice.tools", "holds 257 tools"},
      {create("chat_template_kwargs", object_of(33)), "chat_template_kwargs", "holds 33 variables; at most 32 are allowed"},
      {create("chat_template_kwargs", {{"x", std::string(1 << 16, 'x')}}), "chat_template_kwargs", "bytes; at most 65536 are allowed"},
      {create("metadata", object_of(17)), "metadata", "has 17 pairs; at most 16 are allowed"},
      {create("input", list_of(10'001, {{"role", "user"}, {"content", "x"}})), "input", "holds 10001 items; at most 10000 are allowed"},
      {create("input", Json::array({{{"role", "user"}, {"content", list_of(4097, text)}}})), "input[0].content", "holds 4097 parts"},
      {create("input", Json::array({{{"type", "function_call_output"}, {"call_id", "c"}, {"output", list_of(4097, text)}}})),
       "input[0].output", "holds 4097 parts"},
      {create("input", Json::array({{{"type", "reasoning"}, {"content", list_of(4097, text)}}})), "input[0].content", "holds 4097 parts"},
      {chat("stop", list_of(400'000, "s")), "stop", "holds 400000 strings; at most 64 are allowed"},
      {chat("stop", std::string(2000, 's')), "stop", "has 2000 bytes; at most 1024 are allowed"},
      {chat("logit_bias", object_of(400'000)), "logit_bias", "holds 400000 tokens; at most 1024 are allowed"},
      {chat("n", 17), "n", "must be from 1 to 16"},
      {chat("tools", list_of(257, {{"type", "function"}, {"function", {{"name", "f"}}}})), "tools", "holds 257 tools"},
      {chat("messages", list_of(20'000, {{"role", "user"}, {"content", "x"}})), "messages", "at most 10000 are allowed"},
      {chat("messages", list_of(2, {{"role", "assistant"}, {"tool_calls", list_of(10'001, Json::object())}})), "messages[0].tool_calls",
       "holds 10001 calls"},
      {chat("messages", list_of(10'001, {{"role", "user"}, {"content", "x"}})), "messages", "holds 10001 items"},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(c.error.param, c.param) << c.error.message;
    EXPECT_THAT(c.error.message, HasSubstr(c.message));
  }
  EXPECT_TRUE(create("baton.stop", list_of(64, "s")).message.empty());
  EXPECT_TRUE(chat("logit_bias", object_of(1024)).message.empty());
}

TEST_F(RequestLimitsTest, all_functions_together_have_a_bound) {
  Json tools = Json::array();
  for (int i = 0; i < 12; ++i)
    tools.push_back({{"type", "function"}, {"name", "f" + std::to_string(i)}, {"description", std::string(100'000, 'd')}});
  const ApiError error = create("tools", tools);
  EXPECT_EQ(error.param, "tools[10]");
  EXPECT_THAT(error.message, HasSubstr("bytes of names, descriptions and schemas; at most 1048576 are allowed"));
}

TEST_F(RequestLimitsTest, the_arguments_of_calls_are_read_within_limits) {
  const auto with = [&](const std::string& arguments) { return create("input", Json::array({function_call("c", arguments)})); };
  EXPECT_TRUE(with(object_of(1024).dump()).message.empty());
  EXPECT_THAT(with(object_of(1025).dump()).message, HasSubstr("an object has more than 1024 keys"));
  EXPECT_THAT(with("{\"a\":" + std::string(100, '[') + std::string(100, ']') + "}").message, HasSubstr("nested deeper than 64 levels"));
  EXPECT_THAT(with("{\"a\":\"" + std::string(1 << 20, 'x') + "\"}").message, HasSubstr("has 1048584 bytes; at most 1048576 are allowed"));
  EXPECT_TRUE(with("{\"a\":1").message.empty()) << "cut off: it is dropped";
  EXPECT_TRUE(with(R"({"a":1,"a":2})").message.empty()) << "a model may have written it";

  const ApiError many = create("input", list_of(200, function_call("c", object_of(1000).dump())));
  EXPECT_EQ(many.param, "input[100].arguments");
  EXPECT_THAT(many.message, HasSubstr("101000 keys; at most 100000 are allowed"));
}

TEST_F(RequestLimitsTest, an_error_that_is_sent_back_keeps_what_a_model_reads_of_it) {
  Json call = {{"type", "mcp_call"}, {"id", "item_1"}, {"server_label", "baton"}, {"name", "look"}, {"arguments", "{}"}};
  const auto kept = [&](Json error) {
    call["error"] = std::move(error);
    return parse_create({{"input", Json::array({call})}}, offer(), Channel::http)->run.input[0]["error"];
  };
  EXPECT_TRUE(kept(nullptr).is_null());
  EXPECT_EQ(kept("broken"), "broken");
  const Json ours = {{"type", "mcp_tool_execution_error"}, {"content", Json::array({{{"type", "text"}, {"text", "broken"}}})}};
  EXPECT_EQ(kept(ours), ours);
  EXPECT_EQ(kept({{"message", "broken"}, {"code", 7}}), ours);
  EXPECT_LT(kept(object_of(3000)).size(), 3u);
}

// In quadratic time each of these takes minutes; processor time does not depend on other programs.
TEST_F(RequestLimitsTest, what_is_within_the_bounds_takes_linear_time) {
  if (kSanitized) GTEST_SKIP() << "it measures time, and a sanitizer changes that";
  const std::clock_t begin = std::clock();
  Json input = Json::array(), messages = Json::array();
  for (int i = 0; i < 5000; ++i) {
    const std::string id = "call_" + std::to_string(i);
    input.push_back(function_call(id, "{}"));
    messages.push_back(
        {{"role", "assistant"},
         {"tool_calls", Json::array({{{"id", id}, {"type", "function"}, {"function", {{"name", "f"}, {"arguments", "{}"}}}}})}});
  }
  for (int i = 5000; i-- > 0;) {
    const std::string id = "call_" + std::to_string(i);
    input.push_back({{"type", "function_call_output"}, {"call_id", id}, {"output", "o"}});
    messages.push_back({{"role", "tool"}, {"tool_call_id", id}, {"content", "o"}});
  }
  EXPECT_EQ(create("input", input).message, "");
  EXPECT_EQ(chat("messages", messages).message, "");

  std::string wide;  // objects that are as wide as the reader allows
  for (int i = 0; i < 4000; ++i) wide += ",\"baton." + std::to_string(i) + "\":1";
  std::string items, functions;
  for (int i = 0; i < 120; ++i) {
    items += (i == 0 ? "" : ",") + std::string(R"({"role":"user","content":"x")") + wide + "}";
    functions += (i == 0 ? "" : ",") + std::string(R"({"type":"function","function":{"name":"f")") + wide + "}}";
  }
  EXPECT_TRUE(parse_create(*parse_json("{\"input\":[" + items + "]}"), offer(), Channel::http));
  EXPECT_EQ(chat("tools", *parse_json("[" + functions + "]")).message, "");
  EXPECT_LT(static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC, 40);
}

// In quadratic time this takes more than five seconds.
TEST_F(RequestLimitsTest, a_wide_item_of_another_servers_tool_is_passed_over_in_linear_time) {
  if (kSanitized) GTEST_SKIP() << "it measures time, and a sanitizer changes that";
  std::string text = R"([{"type":"web_search_call")";
  for (int i = 0; i < 50'000; ++i) text += ",\"member_" + std::to_string(i) + "\":1";
  const Json input = tools::read_json(text + "}]", tools::kLimitsOfFile)->value;
  Notes notes;
  const std::clock_t begin = std::clock();
  const auto items = parse_input(input, "input", notes);
  EXPECT_LT(static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC, 2);
  ASSERT_TRUE(items);
  EXPECT_EQ(items->at(0), Json({{"type", "mcp_list_tools"}}));
  EXPECT_EQ(notes.ignored(), std::vector<std::string>{"input[0]"}) << "the item, and none of its members";
}

TEST_F(RequestLimitsTest, a_body_that_is_wide_is_refused_at_once) {
  for (const auto& [text, code] : {std::pair<std::string, const char*>{object_of(600'000).dump(), "json_too_large"},
                                   {list_of(1'100'000, Json::object()).dump(), "json_too_large"},
                                   {std::string(4 << 20, '['), "json_too_large"},
                                   {list_of(700'000, "abcdefg").dump(), "invalid_value"}}) {
    const Parsed<Json> body = parse_json(text);
    const ApiError error = body ? parse_create(*body, {}, Channel::http).error() : body.error();
    EXPECT_EQ(error.code, code) << error.message;
  }
}

}  // namespace
}  // namespace baton::agent::protocol
