#include <baton/agent/protocol/chat_request.h>
#include <baton/agent/protocol/create_request.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace baton::agent::protocol {
namespace {

using testing::HasSubstr;

class CreateRequestTest : public testing::Test {
 protected:
  CreateRequestTest() {
    reads_.name = "look";
    reads_.parameters = {{"type", "object"}};
    sends_ = reads_;
    sends_.name = "send";
    sends_.traits.effect = tools::Effect::sends;
    profiles_["helper"] = {.instructions = "Help.", .tools = {"look"}, .max_turns = 3};
  }
  Offer offer() const { return {.model = "tiny", .tools = {&reads_, &sends_}, .profiles = &profiles_}; }
  Parsed<CreateRequest> parse(const std::string& text, Channel channel = Channel::http) const {
    return parse_create(parse_json(text).operator*(), offer(), channel);
  }
  ApiError refused(const std::string& text) const {
    const auto parsed = parse(text);
    EXPECT_FALSE(parsed) << text;
    return parsed ? ApiError{} : parsed.error();
  }
  tools::ToolSpec reads_, sends_;
  Profiles profiles_;
};

TEST_F(CreateRequestTest, a_string_is_a_message_of_the_users) {
  const auto request = parse(R"({"input": "hello", "model": "tiny"})");
  ASSERT_TRUE(request);
  ASSERT_EQ(request->run.input.size(), 1u);
  EXPECT_EQ(request->run.input[0]["role"], "user");
  EXPECT_FALSE(request->run.all_tools) << "only what a request names";
  EXPECT_TRUE(request->run.tools.empty());
  EXPECT_TRUE(request->run.durable);
}

// A parser keeps one of the two, without anybody noticing.
TEST_F(CreateRequestTest, refuses_a_key_that_stands_twice) {
  const auto twice = parse_json(R"({"a": {"b": 1}, "c": [{"b": 1}, {"b": 2, "b": 3}]})");
  ASSERT_FALSE(twice);
  EXPECT_THAT(twice.error().message, HasSubstr("the key at /c/1/b occurs twice"));
  EXPECT_TRUE(parse_json(R"({"a": {"b": 1}, "b": [{"b": 1}, {"b": 2}]})"));
}

TEST_F(CreateRequestTest, refuses_by_name_what_it_does_not_know_or_do) {
  struct Case {
    const char* body;
    const char* param;
    const char* code;
  };
  const Case cases[] = {
      {R"({"input": "x", "temperature": "hot"})", "temperature", "invalid_type"},
      {R"({"input": "x", "temperature": 3})", "temperature", "invalid_value"},
      {R"({"input": "x", "max_output_tokens": 0})", "max_output_tokens", "invalid_value"},
      {R"({"input": "x", "max_output_tokens": 1.5})", "max_output_tokens", "invalid_type"},
      {R"({"input": "x", "max_output_tokens": 99999999999999999999})", "max_output_tokens", "invalid_type"},
      {R"({"input": "x", "max_output_tokens": 18446744073709551615})", "max_output_tokens", "invalid_value"},
      {R"({"input": 7})", "input", "invalid_type"},
      {R"({"input": "x", "tools": [{"type": "function", "name": "f"}, {"type": "function", "name": "g", "parameters": {"type": "typo"}}]})",
       "tools[1].parameters", "invalid_json_schema"},
      {R"({"input": "x", "tools": [{"type": "function", "name": "f", "parameters": {"type": "array"}}]})", "tools[0].parameters",
       "invalid_json_schema"},
      {R"({"input": "x", "tools": [{"type": "custom", "name": "f"}]})", "tools[0].type", "unsupported_parameter"},
      {R"({"input": "x", "tools": [{"type": "function", "name": "f"}], "tool_choice": {"type": "function"}})", "tool_choice.name",
       "missing_required_parameter"},
      {R"({})", "input", "missing_required_parameter"},
      {R"({"input": []})", "input", "missing_required_parameter"},
      {R"({"input": [{"type": "message", "role": "king", "content": "x"}]})", "input[0].role", "invalid_value"},
      {R"({"input": [{"role": "user", "content": [{"type": "input_image", "image_url": "x"}]}]})", "input[0].content[0]",
       "unsupported_parameter"},
      {R"({"input": [{"type": "function_call_output", "output": "x"}]})", "input[0].call_id", "invalid_value"},
      {R"({"input": [{"type": "baking_call"}]})", "input[0]", "unsupported_parameter"},
      {R"({"input": [{"type": "compaction", "encrypted_content": "gAAAA"}]})", "input[0].encrypted_content", "unsupported_parameter"},
      {R"({"input": "x", "truncation": "middle"})", "truncation", "invalid_value"},
      {R"({"input": "x", "metadata": {"a": [1]}})", "metadata.a", "invalid_type"},
      {R"({"input": "x", "mirostat": 2})", "mirostat", "unsupported_parameter"},
      {R"({"input": "x", "xtc_probability": 0.5})", "xtc_probability", "unsupported_parameter"},
      {R"({"input": "x", "guided_json": {"type": "object"}})", "guided_json", "unsupported_parameter"},
      {R"({"input": "x", "response_format": {"type": "json_object"}})", "response_format", "unsupported_parameter"},
      {R"({"input": "x", "max_tokens": 0})", "max_tokens", "invalid_value"},
      {R"({"input": "x", "max_tokens": -3})", "max_tokens", "invalid_value"},
      {R"({"input": "x", "grammar": "root ::= a"})", "grammar", "invalid_grammar"},
      {R"({"input": "x", "grammar": "root ::= [a]", "json_schema": {}})", "json_schema", "invalid_value"},
      {R"({"input": "x", "grammar": "root ::= [a]", "text": {"format": {"type": "json_object"}}})", "grammar", "invalid_value"},
      {R"({"input": "x", "chat_template_kwargs": {"messages": []}})", "chat_template_kwargs.messages", "unsupported_parameter"},
      {R"({"input": "x", "tools": [{"type": "namespace", "name": "n", "tools": [{"type": "function", "name": "f"}, {"type": "function", "name": "f"}, {"type": "function", "name": "f"}]}]})",
       "tools[0].tools[2].name", "invalid_value"},
      {R"({"input": [3]})", "input[0]", "invalid_value"},
      {R"({"input": "x", "model": "huge"})", "model", "model_not_found"},
      {R"({"input": "x", "text": {"format": {"type": "xml"}}})", "text.format.type", "unsupported_parameter"},
      {R"({"input": "x", "text": {"format": {"type": "json_schema", "name": "n"}}})", "text.format.schema", "missing_required_parameter"},
      {R"({"input": "x", "text": {"format": {"type": "json_schema", "name": "n", "schema": {"type": "strnig"}}}})", "text.format.schema",
       "invalid_json_schema"},
      {R"({"input": "x", "text": {"format": {"type": "json_schema", "name": "n", "schema": false}}})", "text.format.schema",
       "invalid_json_schema"},
      {R"({"input": "x", "text": {"format": {"type": "baton.regex"}}})", "text.format.pattern", "missing_required_parameter"},
      {R"({"input": "x", "text": {"format": {"type": "baton.regex", "pattern": "a\\b"}}})", "text.format.pattern", "invalid_regex"},
      {R"({"input": "x", "text": {"format": {"type": "baton.grammar", "syntax": "lark", "definition": "a"}}})", "text.format.syntax",
       "unsupported_parameter"},
      {R"({"input": "x", "text": {"format": {"type": "baton.grammar", "definition": "root ::= a"}}})", "text.format.definition",
       "invalid_grammar"},
      {R"({"input": "x", "tools": [{"type": "web_search"}]})", "tools[0].type", "unsupported_parameter"},
      {R"({"input": "x", "tools": [{"type": "function", "name": "two\nlines"}]})", "tools[0].name", "invalid_value"},
      {R"({"input": "x", "tools": [{"type": "mcp", "server_label": "other"}]})", "tools[0].server_label", "unsupported_parameter"},
      {R"({"input": "x", "tools": [{"type": "mcp", "server_label": "baton", "allowed_tools": ["fly"]}]})", "tools[0].allowed_tools[0]",
       "tool_not_found"},
      {R"({"input": "x", "tool_choice": "sometimes"})", "tool_choice", "invalid_value"},
      {R"({"input": "x", "conversation": "resp_1"})", "conversation", "invalid_value"},
      {R"({"input": "x", "conversation": "conv_1", "previous_response_id": "resp_1"})", "previous_response_id", "invalid_value"},
      {R"({"input": "x", "conversation": "conv_1", "store": false})", "store", "invalid_value"},
  };
  for (const Case& c : cases) {
    const ApiError error = refused(c.body);
    EXPECT_EQ(error.param, c.param) << c.body << " -> " << error.message;
    EXPECT_EQ(error.code, c.code) << c.body << " -> " << error.message;
    EXPECT_FALSE(error.message.empty());
  }
}

TEST_F(CreateRequestTest, json_that_is_none_or_too_deep_is_refused) {
  EXPECT_EQ(parse_json("{").error().code, "invalid_json");
  EXPECT_EQ(parse_json("").error().code, "invalid_json");
  EXPECT_EQ(parse_json("1e999").error().code, "invalid_json");
  EXPECT_EQ(parse_json("\"\xff\"").error().code, "invalid_json");
  EXPECT_EQ(parse_json(std::string(100'000, '[')).error().code, "json_too_large");
  EXPECT_EQ(parse_json(std::string(100, '[') + std::string(100, ']')).error().code, "json_too_large");
  EXPECT_TRUE(parse_json("{\"a\":[1,2,{}]}"));
}

TEST_F(CreateRequestTest, a_format_is_kept_as_it_is_shown) {
  const auto format = [&](const std::string& text) {
    const auto request = parse(R"({"input": "x", "text": {"format": )" + text + "}}");
    return request ? request->run.text_format.json : Json(request.error().message);
  };
  EXPECT_EQ(parse(R"({"input": "x"})")->run.text_format.json, Json({{"type", "text"}}));
  EXPECT_EQ(format(R"({"type": "json_object"})"), Json({{"type", "json_object"}}));
  const char* schema = R"({"type":"json_schema","name":"n","description":"d","schema":{"type":"array","uniqueItems":true},"strict":false})";
  EXPECT_EQ(format(schema).dump(), schema);
  EXPECT_EQ(format(R"({"type": "baton.grammar", "definition": "root ::= [a-z]+"})").dump(),
            R"({"type":"baton.grammar","syntax":"gbnf","definition":"root ::= [a-z]+"})");
}

TEST_F(CreateRequestTest, a_chat_completion_has_its_schema_one_level_deeper) {
  const auto chat = [&](const char* format) {
    return parse_chat({{"messages", Json::array({{{"role", "user"}, {"content", "x"}}})}, {"response_format", Json::parse(format)}},
                      offer());
  };
  const auto request = chat(R"({"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}})");
  ASSERT_TRUE(request) << request.error().message;
  EXPECT_EQ(request->run.text_format.json.dump(), R"({"type":"json_schema","name":"n","schema":{"type":"object"},"strict":true})");
  EXPECT_EQ(chat(R"({"type": "baton.regex", "pattern": "a+"})")->run.text_format.json["pattern"], "a+");
  const auto wrong = chat(R"({"type": "json_schema", "json_schema": {"name": "n", "schema": {"minimum": "x"}}})");
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().param, "response_format.json_schema.schema");
  EXPECT_THAT(wrong.error().message, HasSubstr("minimum"));
  EXPECT_EQ(chat(R"({"type": "json_schema"})").error().param, "response_format.json_schema");
  EXPECT_EQ(chat(R"({"type": "json_schema", "name": "n"})").error().param, "response_format.json_schema");
  EXPECT_EQ(chat(R"({"type": "json_object", "schema": {"type": "object"}})")->run.text_format.json["type"], "json_schema")
      << "as llama.cpp has it";
}

TEST_F(CreateRequestTest, a_chat_completion_is_refused_in_its_own_words) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "typo"}}}]})", "tools[0].function.parameters"},
      {R"({"tool_choice": {"type": "function", "function": {}}})", "tool_choice.function.name"},
      {R"({"tool_choice": {"type": "allowed_tools", "allowed_tools": {"tools": {}}}})", "tool_choice.allowed_tools.tools"},
      {R"({"tool_choice": {"type": "allowed_tools", "allowed_tools": {"tools": [{"type": "function", "name": "f"}]}}})",
       "tool_choice.allowed_tools.tools[0]"},
      {R"({"messages": [{"role": "king", "content": "q"}]})", "messages[0].role"},
      {R"({"tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "never", "tools": [{"type": "function", "function": {"name": "f"}}]}}})",
       "tool_choice.allowed_tools.mode"},
      {R"({"max_completion_tokens": 0})", "max_completion_tokens"},
      {R"({"tools": [{"type": "web_search"}]})", "tools[0].type"},
      {R"({"messages": [{"role": "tool", "content": "x"}]})", "messages[0].tool_call_id"},
      {R"({"response_format": {"type": "json_object"}, "grammar": "root ::= [a]"})", "response_format"},
      {R"({"max_tokens": 0})", "max_tokens"},
      {R"({"messages": [{"role": "assistant", "tool_calls": [{"id": "c", "type": "custom", "function": {"name": "f", "arguments": "{}"}}]}]})",
       "messages[0].tool_calls[0]"},
  };
  for (const auto& [text, param] : cases) {
    Json body = Json::parse(text);
    if (!body.contains("messages")) body["messages"] = Json::array({{{"role", "user"}, {"content", "x"}}});
    const auto parsed = parse_chat(body, offer());
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().param, param) << parsed.error().message;
    EXPECT_THAT(parsed.error().message, HasSubstr(std::string("'") + param)) << text;
  }
  const auto sent_back = parse_chat(Json::parse(R"({"messages": [{"role": "user", "content": "x"},
    {"role": "assistant", "content": "y", "refusal": null, "audio": null, "annotations": null, "baton.tool_calls": [{"name": "look"}]}, {"role": "user", "content": "z"}]})"),
                                    offer());
  EXPECT_TRUE(sent_back) << sent_back.error().message;
  const auto allowed = parse_chat(Json::parse(R"({"messages": [{"role": "user", "content": "x"}],
    "tools": [{"type": "function", "function": {"name": "f", "description": "does", "parameters": {"type": "object"}}}],
    "tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [{"type": "function", "function": {"name": "f"}}]}}})"),
                                  offer());
  ASSERT_TRUE(allowed) << allowed.error().message;
  EXPECT_EQ(allowed->run.allowed_tools, std::set<std::string>{"f"});
}

TEST_F(CreateRequestTest, null_is_the_same_as_nothing) {
  EXPECT_TRUE(
      parse(R"({"input": "x", "temperature": null, "tools": null, "truncation": null, "text": null, "reasoning": null, "prompt": null})"));
}

TEST_F(CreateRequestTest, the_daemons_tools_come_by_the_mcp_entry) {
  EXPECT_TRUE(parse(R"({"input": "x", "tools": [{"type": "mcp", "server_label": "baton"}]})")->run.all_tools);
  const auto some = parse(R"({"input": "x", "tools": [{"type": "mcp", "server_label": "baton", "allowed_tools": {"read_only": true}}]})");
  EXPECT_EQ(some->run.tools, std::vector<std::string>{"look"});
  const auto ask = parse(R"({"input": "x", "tools": [{"type": "mcp", "server_label": "baton", "require_approval": "always"}]})");
  EXPECT_EQ(ask->run.permissions.at("look"), Permission::ask);
  const auto filter = parse(
      R"({"input": "x", "tools": [{"type": "mcp", "server_label": "baton", "require_approval": {"always": {"tool_names": ["send"]}}}]})");
  EXPECT_EQ(filter->run.permissions.size(), 1u);
}

TEST_F(CreateRequestTest, a_profile_is_chosen_as_model_and_the_request_may_instruct_otherwise) {
  const auto request = parse(R"({"input": "x", "model": "helper"})");
  EXPECT_EQ(request->run.instructions, "Help.");
  EXPECT_EQ(request->run.tools, std::vector<std::string>{"look"});
  EXPECT_EQ(request->run.budgets.max_turns, 3);
  EXPECT_EQ(parse(R"({"input": "x", "model": "helper", "instructions": "Don't."})")->run.instructions, "Don't.");
}

TEST_F(CreateRequestTest, functions_may_have_names_that_are_no_identifiers) {
  const auto request =
      parse(R"({"input": "x", "tools": [{"type": "function", "name": "math.hypot"}, {"type": "function", "name": "天气 now"}],
                                 "tool_choice": {"type": "function", "name": "math.hypot"}})");
  ASSERT_TRUE(request) << request.error().message;
  ASSERT_EQ(request->run.client_tools.size(), 2u);
  EXPECT_EQ(request->run.client_tools[1].name, "天气 now");
  EXPECT_EQ(request->run.turn.tool_choice.name, "math.hypot");
}

TEST_F(CreateRequestTest, tool_choice_in_all_its_forms) {
  using Mode = llm::ToolChoice::Mode;
  const std::string tools = R"("tools": [{"type": "function", "name": "f"}, {"type": "mcp", "server_label": "baton"}])";
  const auto choice = [&](const std::string& value) { return parse(R"({"input": "x", )" + tools + R"(, "tool_choice": )" + value + "}"); };
  EXPECT_EQ(choice("\"auto\"")->run.turn.tool_choice.mode, Mode::automatic);
  EXPECT_EQ(choice("\"none\"")->run.turn.tool_choice.mode, Mode::none);
  EXPECT_EQ(choice("\"required\"")->run.turn.tool_choice.mode, Mode::required);
  EXPECT_EQ(choice(R"({"type": "function", "name": "f"})")->run.turn.tool_choice.name, "f");
  EXPECT_EQ(choice(R"({"type": "mcp", "server_label": "baton", "name": "look"})")->run.turn.tool_choice.name, "look");
  const auto allowed = choice(
      R"({"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "f"}, {"type": "mcp", "server_label": "baton"}]})");
  EXPECT_EQ(allowed->run.allowed_tools, (std::set<std::string>{"f", "look", "send"}));
  EXPECT_EQ(allowed->run.turn.tool_choice.mode, Mode::required);
}

TEST_F(CreateRequestTest, a_socket_has_lanes_and_always_streams) {
  const auto request = parse(R"({"type": "response.create", "stream_id": "a", "input": "x"})", Channel::websocket);
  ASSERT_TRUE(request);
  EXPECT_EQ(request->stream_id, "a");
  EXPECT_TRUE(request->stream);
  EXPECT_EQ(parse(R"({"type": "response.create", "background": true, "stream": true, "input": "x"})", Channel::websocket)->run.ignored,
            std::vector<std::string>{"background"})
      << "every response outlives its socket";
}

TEST_F(CreateRequestTest, an_openai_client_can_send_back_what_it_got) {
  const auto request = parse(R"({"input": [
    {"type": "message", "role": "user", "content": "q"},
    {"id": "item_1", "type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "hm"}], "status": "completed", "baton.turn": 1},
    {"id": "item_2", "type": "message", "role": "assistant", "status": "completed", "content": [{"type": "output_text", "text": "a", "annotations": [], "logprobs": []}]},
    {"id": "item_3", "type": "function_call", "call_id": "c", "name": "f", "arguments": "{}", "status": "completed"},
    {"type": "function_call_output", "call_id": "c", "output": "r"},
    {"id": "item_4", "type": "mcp_call", "server_label": "baton", "name": "look", "arguments": "{}", "output": "o", "error": null, "status": "completed"}]})");
  ASSERT_TRUE(request) << request.error().message;
  EXPECT_EQ(request->run.input.size(), 6u);
}

}  // namespace
}  // namespace baton::agent::protocol
