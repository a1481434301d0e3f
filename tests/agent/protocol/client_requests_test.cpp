// Requests of unmodified clients are accepted, and fields without effect are reported.
#include <baton/agent/protocol/chat_request.h>
#include <baton/agent/protocol/create_request.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <baton/agent/core/items.h>

namespace baton::agent::protocol {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class ClientRequestsTest : public testing::Test {
 protected:
  Offer offer() const {
    return {.model = "tiny", .tools = {}, .template_uses = [](const std::string& variable) { return variable == "enable_thinking"; }};
  }
  CreateRequest create(const std::string& text) const {
    auto parsed = parse_create(parse_json(text).operator*(), offer(), Channel::http);
    EXPECT_TRUE(parsed) << text << ": " << parsed.error().message;
    return parsed ? std::move(*parsed) : CreateRequest{};
  }
  ChatRequestBody chat(const std::string& text) const {
    auto parsed = parse_chat(parse_json(text).operator*(), offer());
    EXPECT_TRUE(parsed) << text << ": " << parsed.error().message;
    return parsed ? std::move(*parsed) : ChatRequestBody{};
  }
  ChatRequestBody chat_with(const std::string& fields) const {
    return chat(R"({"messages": [{"role": "user", "content": "x"}], )" + fields + "}");
  }
  CreateRequest with(const std::string& fields) const { return create(R"({"input": "x", )" + fields + "}"); }
  // The messages as a model reads them.
  static std::vector<llm::Message> messages(const RunRequest& run) {
    std::vector<StoredItem> items;
    for (const Json& item : run.input) items.push_back({"resp_1", item, {}});
    return messages_from_items(items);
  }
  std::vector<llm::Message> history(const std::string& list) const { return messages(chat(R"({"messages": )" + list + "}").run); }
};

// ---- history

TEST_F(ClientRequestsTest, an_empty_message_of_anybody_is_a_message) {
  for (const char* content : {R"("content": "")", R"("content": null)", R"("content": [])", R"("name": "n")"}) {
    for (const char* role : {"system", "developer", "user", "assistant"}) {
      const auto read = history(R"([{"role": "user", "content": "hi"}, {"role": ")" + std::string(role) + "\", " + content +
                                R"(}, {"role": "user", "content": "hello?"}])");
      ASSERT_EQ(read.size(), 3u) << role << " " << content;
      EXPECT_EQ(read[1].content, "");
      const auto items = create(R"({"input": [{"role": ")" + std::string(role) + "\", " + content + "}]}").run.input;
      EXPECT_EQ(text_of_message(items.at(0)), "");
    }
  }
}

TEST_F(ClientRequestsTest, texts_that_stand_side_by_side_become_one_part) {
  const Json item =
      create(R"({"input": [{"role": "user", "content": ["a", "b", {"type": "input_text", "text": "c"}, "d", "e"]}]})").run.input.at(0);
  EXPECT_EQ(item["content"].size(), 3u) << "each part of its own would be ten times as large as it came";
  EXPECT_EQ(text_of_message(item), "abcde");
}

TEST_F(ClientRequestsTest, arguments_of_nothing_are_an_empty_object) {
  for (const char* arguments : {R"("arguments": "")", R"("arguments": null)", R"("arguments": " ")", R"("arguments": "null")",
                                R"("arguments": {})", R"("x": null)"}) {
    const auto read = history(R"([{"role": "user", "content": "Which day is it?"},
      {"role": "assistant", "content": null, "tool_calls": [{"id": "call_1", "type": "function", "function": {"name": "get_day", )" +
                              std::string(arguments) + R"(}}]}, {"role": "tool", "tool_call_id": "call_1", "content": "Tuesday"}])");
    ASSERT_EQ(read.size(), 3u) << arguments;
    EXPECT_EQ(read[1].tool_calls.at(0).arguments, Json::object());
    EXPECT_EQ(read[2].content, "Tuesday");
  }
  EXPECT_EQ(history(R"([{"role": "assistant", "tool_calls": [{"id": "c", "function": {"name": "f", "arguments": {"a": 1}}}]}])")[0]
                .tool_calls[0]
                .arguments,
            Json({{"a", 1}}))
      << "as Ollama gives them";
}

TEST_F(ClientRequestsTest, a_call_that_was_cut_off_is_dropped_and_told_as_not_run) {
  for (const char* arguments : {R"({\"to\": \"a)", "[1]", "x"}) {
    const auto request = chat(R"({"messages": [{"role": "user", "content": "send"},
      {"role": "assistant", "content": "I will.", "tool_calls": [{"id": "c", "type": "function", "function": {"name": "send", "arguments": ")" +
                              std::string(arguments) + R"("}}]},
      {"role": "tool", "tool_call_id": "c", "content": "the arguments are no JSON"}, {"role": "user", "content": "again"}]})");
    const auto read = messages(request.run);
    ASSERT_EQ(read.size(), 3u);
    EXPECT_TRUE(read[1].tool_calls.empty());
    EXPECT_EQ(read[1].content, "I will.\n" + told_as_not_run("send"));
    EXPECT_THAT(request.run.ignored, ElementsAre("messages[1].tool_calls[0]"));
  }
  const auto request = create(
      R"({"input": [{"type": "function_call", "id": "item_1", "call_id": "c", "name": "f", "arguments": "{}", "status": "incomplete"},
                    {"type": "mcp_call", "id": "m", "server_label": "baton", "name": "g", "arguments": "{\"a", "status": "incomplete"}]})");
  EXPECT_EQ(messages(request.run).at(0).content, told_as_not_run("f") + "\n" + told_as_not_run("g"));
  EXPECT_THAT(request.run.ignored, ElementsAre("input[0]", "input[1]"));
}

TEST_F(ClientRequestsTest, what_servers_say_beside_a_message_can_be_sent_back) {
  const auto request = chat(R"({"messages": [{"role": "user", "content": "Say hi", "annotations": []},
    {"role": "assistant", "content": "hi", "reasoning_content": "greet", "annotations": [], "id": "m1", "refusal": null, "audio": null,
     "function_call": null, "tool_calls": null, "reasoning_details": [{}], "provider_specific_fields": {}},
    {"role": "assistant", "content": [{"type": "thinking", "thinking": "t"}, {"type": "text", "text": "there", "cache_control": {}}], "reasoning": "r"},
    {"role": "assistant", "content": ["plain", {"text": " parts"}], "tool_calls": [], "thinking": "o"},
    {"role": "user", "content": "again"}]})");
  const auto read = messages(request.run);
  ASSERT_EQ(read.size(), 3u);
  EXPECT_EQ(read[1].content, "hithereplain parts");
  EXPECT_EQ(read[1].reasoning, "greetro");
  EXPECT_THAT(request.run.ignored, ElementsAre("messages[2].content[0]"));
}

TEST_F(ClientRequestsTest, results_without_an_id_belong_to_the_calls_before_them) {
  const auto read = history(R"([{"role": "user", "content": "q"},
    {"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "a", "arguments": {}}}, {"function": {"name": "b", "arguments": {}}}]},
    {"role": "tool", "name": "b", "content": "of b"}, {"role": "tool", "content": "of a"}])");
  ASSERT_EQ(read.size(), 4u);
  EXPECT_EQ(read[1].tool_calls.size(), 2u);
  EXPECT_EQ(read[2].content, "of a") << "results come in the order of the calls";
  EXPECT_EQ(read[3].content, "of b");
  const auto old = history(R"([{"role": "assistant", "content": null, "function_call": {"name": "f", "arguments": "{\"a\": 1}"}},
    {"role": "function", "name": "f", "content": "done"}])");
  ASSERT_EQ(old.size(), 2u);
  EXPECT_EQ(old[0].tool_calls.at(0).arguments["a"], 1);
  EXPECT_EQ(old[1].content, "done");
}

TEST_F(ClientRequestsTest, items_of_other_servers_tools_can_be_sent_back) {
  const auto request = create(R"({"input": [
    {"type": "custom_tool_call", "id": "ctc_1", "call_id": "a", "name": "patch", "input": "*** Begin", "status": "completed"},
    {"type": "custom_tool_call_output", "call_id": "a", "output": "ok"},
    {"type": "local_shell_call", "id": "lsh_1", "call_id": "b", "action": {"type": "exec", "command": ["ls"]}, "status": "completed"},
    {"type": "local_shell_call_output", "id": "b", "output": "files"},
    {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "query": "q"}},
    {"type": "mcp_list_tools", "id": "l", "server_label": "x", "tools": []},
    {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "s"}], "encrypted_content": "gAAA", "content": null},
    {"type": "message", "id": "msg_1", "role": "assistant", "phase": "final_answer", "status": "completed",
     "content": [{"type": "output_text", "text": "done", "annotations": [{"type": "url_citation"}], "logprobs": []}]}]})");
  const auto read = messages(request.run);
  ASSERT_EQ(read.size(), 5u);
  EXPECT_EQ(read[0].tool_calls.at(0).name, "patch");
  EXPECT_EQ(read[0].tool_calls.at(0).arguments, Json({{"input", "*** Begin"}}));
  EXPECT_EQ(read[1].content, "ok");
  EXPECT_EQ(read[2].tool_calls.at(0).name, "local_shell");
  EXPECT_EQ(read[3].content, "files");
  EXPECT_EQ(read[4].content, "done");
  EXPECT_THAT(request.run.ignored, ElementsAre("input[4]"));
}

TEST_F(ClientRequestsTest, what_cannot_be_read_is_still_refused) {
  for (const char* message :
       {R"({"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]})",
        R"({"role": "user", "content": [{"type": "input_audio"}]})", R"({"role": "user", "content": 3})",
        R"({"role": "user", "content": [{"type": "poem", "lines": []}]})", R"({"role": "king", "content": ""})",
        R"({"role": "assistant", "content": "x", "prefix": true})", R"({"role": "user", "content": "", "images": ["x"]})"})
    EXPECT_FALSE(parse_chat({{"messages", Json::array({Json::parse(message)})}}, offer())) << message;
}

// ---- parameters

TEST_F(ClientRequestsTest, what_clients_send_by_default_is_accepted_and_what_had_no_effect_is_said) {
  const auto request = create(R"({"input": "Say hi", "max_output_tokens": 8, "store": false, "stream": false, "truncation": "auto",
    "service_tier": "flex", "reasoning": {"effort": "low", "summary": "auto"}, "text": {"verbosity": "low"},
    "include": ["reasoning.encrypted_content"], "client_metadata": {"session": "a"}, "prompt_cache_key": "k", "safety_identifier": "s",
    "stream_options": {"include_obfuscation": true}, "tools": [{"type": "web_search"},
      {"type": "namespace", "name": "helpers", "description": "Helpers", "tools": [
        {"type": "function", "name": "ping", "description": "Pings", "parameters": {"type": "object", "properties": {}}}]},
      {"type": "function", "name": "run", "strict": false, "parameters": {"type": "object", "properties": {"cmd": {"type": "string"}}}}]})");
  EXPECT_TRUE(request.run.truncate);
  EXPECT_THAT(request.run.ignored, testing::UnorderedElementsAre("reasoning.effort", "reasoning.summary", "text.verbosity",
                                                                 "client_metadata", "prompt_cache_key", "safety_identifier",
                                                                 "stream_options.include_obfuscation", "tools[0]", "service_tier"));
  ASSERT_EQ(request.run.client_tools.size(), 2u);
  EXPECT_EQ(request.run.client_tools[1].name, "ping");
  EXPECT_EQ(request.run.namespaced.at("ping").name_space, "helpers");
}

TEST_F(ClientRequestsTest, defaults_of_clients_are_nothing_to_speak_of) {
  const auto request = with(
      R"("temperature": 0.5, "truncation": "disabled", "service_tier": "auto", "text": {"verbosity": "medium", "format": {"type": "text"}},
         "include": [], "background": false, "store": true, "metadata": {}, "generate": true, "stream_options": {"include_obfuscation": false},
         "mirostat": 0, "tfs_z": 1.0, "ignore_eos": false, "grammar": "", "top_k": -1)");
  EXPECT_THAT(request.run.ignored, IsEmpty());
  EXPECT_THAT(chat_with(R"("n": 1, "stop": null, "logprobs": false, "modalities": ["text"], "store": false, "stream": false)").run.ignored,
              IsEmpty());
}

TEST_F(ClientRequestsTest, an_unknown_field_is_noted_and_a_misspelt_one_gets_a_hint) {
  const auto request = create(R"({"input": [{"role": "user", "content": "x", "mood": 1}, {"role": "user", "content": "y", "mood": 1}],
    "temprature": 1, "maxOutputTokens": 3, "colour": 1, "reasoning": {"efort": "low"}, "tools": [{"type": "function", "name": "f", "desciption": "d"}]})");
  EXPECT_THAT(request.run.ignored, testing::UnorderedElementsAre("input[0].mood", "temprature", "maxOutputTokens", "colour",
                                                                 "reasoning.efort", "tools[0].desciption"));
  EXPECT_THAT(request.notes.hints(),
              testing::UnorderedElementsAre("temprature: did you mean 'temperature'?", "maxOutputTokens: did you mean 'max_output_tokens'?",
                                            "reasoning.efort: did you mean 'effort'?", "tools[0].desciption: did you mean 'description'?"));
  const auto asked = chat_with(R"("tools": [{"type": "function", "foo": 1, "function": {"name": "f", "bar": 1}}], "instructions": "x")");
  EXPECT_THAT(asked.run.ignored, testing::UnorderedElementsAre("tools[0].foo", "tools[0].function.bar", "instructions"));
}

TEST_F(ClientRequestsTest, whoever_sends_very_much_of_it_gets_a_count) {
  std::string fields;
  for (int i = 0; i < 4000; ++i) fields += (i == 0 ? "\"" : ",\"") + std::string(200, 'a') + std::to_string(i) + "\": 1";
  const auto ignored = with(fields).run.ignored;
  ASSERT_EQ(ignored.size(), kMostIgnored + 1);
  EXPECT_EQ(ignored.back(), "and 3968 more");
  for (const std::string& one : ignored) EXPECT_LE(one.size(), kMostIgnoredBytes + 3);
}

TEST_F(ClientRequestsTest, tools_that_are_not_here_are_passed_over_where_others_are_given) {
  const std::string function = R"({"type": "function", "name": "f"})";
  for (const char* other : {R"({"type": "web_search_preview", "search_context_size": "low"})", R"({"type": "custom", "name": "patch"})",
                            R"({"type": "local_shell"})", R"({"type": "mcp", "server_label": "docs", "server_url": "https://example.com"})",
                            R"({"type": "namespace", "name": "n", "tools": [{"type": "web_search"}]})"}) {
    const auto request = with(R"("tools": [)" + std::string(other) + "," + function + "]");
    EXPECT_EQ(request.run.client_tools.size(), 1u);
    EXPECT_EQ(request.run.ignored.size(), 1u) << other;
    EXPECT_FALSE(parse_create(*parse_json(R"({"input": "x", "tools": [)" + std::string(other) + "]}"), offer(), Channel::http)) << other;
  }
  const auto asked = chat_with(
      R"("tools": [{"type": "web_search"}, {"type": "mcp", "server_label": "baton"}, {"type": "function", "function": {"name": "f"}}])");
  EXPECT_EQ(asked.run.client_tools.size(), 1u);
  EXPECT_FALSE(asked.run.all_tools);
  EXPECT_THAT(asked.run.ignored, ElementsAre("tools[0]", "tools[1]"));
}

TEST_F(ClientRequestsTest, functions_of_one_name_in_two_namespaces_are_told_apart) {
  const auto request = with(
      R"("tools": [{"type": "namespace", "name": "a", "tools": [{"type": "function", "name": "find"}]},
                   {"type": "namespace", "name": "b", "tools": [{"type": "function", "name": "find"}]}, {"type": "function", "name": "find"}])");
  ASSERT_EQ(request.run.client_tools.size(), 3u);
  EXPECT_EQ(request.run.client_tools[0].name, "find");
  EXPECT_EQ(request.run.client_tools[1].name, "a.find");
  EXPECT_EQ(request.run.namespaced.at("b.find").name, "find");
  EXPECT_EQ(request.run.namespaced.size(), 2u);
}

TEST_F(ClientRequestsTest, metadata_holds_any_scalar) {
  EXPECT_EQ(with(R"("metadata": {"a": 1, "b": true, "c": "s", "d": null, "baton_key": 7})").run.metadata,
            Json({{"a", 1}, {"b", true}, {"c", "s"}, {"baton_key", 7}}));
}

TEST_F(ClientRequestsTest, minus_one_is_as_many_tokens_as_fit) {
  EXPECT_EQ(chat_with(R"("max_tokens": -1)").run.turn.max_output_tokens, 1 << 24);
  EXPECT_EQ(chat_with(R"("max_tokens": -1, "n_predict": 8)").run.turn.max_output_tokens, 8);
  EXPECT_EQ(with(R"("max_tokens": 7)").run.turn.max_output_tokens, 7);
  EXPECT_EQ(with(R"("max_output_tokens": 9, "max_completion_tokens": -1)").run.budgets.max_output_tokens, 9);
}

TEST_F(ClientRequestsTest, a_warm_up_needs_no_input) {
  EXPECT_FALSE(create(R"({"generate": false, "instructions": "Be brief."})").run.generate);
  EXPECT_FALSE(create(R"({"generate": false, "input": []})").run.generate);
}

// ---- fields of local servers' clients

TEST_F(ClientRequestsTest, sampling_as_local_servers_name_it_takes_effect) {
  const char* fields = R"("temperature": 0.7, "top_k": 20, "min_p": 0.05, "typical_p": 0.9, "repeat_penalty": 1.5, "repeat_last_n": -1,
    "presence_penalty": 0.25, "frequency_penalty": -0.25, "stop": "\n\n", "seed": 5, "logit_bias": [[17, -1.5], [18, false]])";
  for (const RunRequest& run : {chat_with(fields).run, with(fields).run}) {
    EXPECT_THAT(run.ignored, IsEmpty());
    EXPECT_EQ(run.turn.sampling.top_k, 20);
    EXPECT_FLOAT_EQ(run.turn.sampling.min_p, 0.05f);
    EXPECT_FLOAT_EQ(run.turn.sampling.typical_p, 0.9f);
    EXPECT_FLOAT_EQ(run.turn.sampling.repeat_penalty, 1.5f);
    EXPECT_EQ(run.turn.sampling.repeat_last_n, -1);
    EXPECT_FLOAT_EQ(run.turn.sampling.presence_penalty, 0.25f);
    EXPECT_FLOAT_EQ(run.turn.sampling.frequency_penalty, -0.25f);
    EXPECT_EQ(run.turn.sampling.seed, 5u);
    EXPECT_THAT(run.turn.stop, ElementsAre("\n\n"));
    EXPECT_EQ(run.turn.sampling.logit_bias, (std::map<std::int32_t, float>{{17, -1.5f}, {18, -100.0f}}));
  }
  EXPECT_FLOAT_EQ(chat_with(R"("repetition_penalty": 1.25)").run.turn.sampling.repeat_penalty, 1.25f);
  EXPECT_THAT(chat_with(R"("id_slot": 1, "cache_prompt": true)").run.ignored, ElementsAre("id_slot", "cache_prompt"));
}

TEST_F(ClientRequestsTest, a_seed_of_minus_one_asks_for_any) {
  EXPECT_FALSE(with(R"("seed": -1)").run.turn.sampling.seed) << "the run draws one";
  const auto drawn = chat_with(R"("seed": -1)").run.turn.sampling.seed;
  ASSERT_TRUE(drawn) << "a chat draws the first choice's";
  EXPECT_NE(drawn, chat_with(R"("seed": -1)").run.turn.sampling.seed);
}

TEST_F(ClientRequestsTest, what_is_shown_of_a_negative_seed_can_be_sent_and_means_the_same) {
  for (const char* seed : {"-2", "-5", "-9007199254740993", "-9223372036854775808"}) {
    const auto used = with("\"seed\": " + std::string(seed)).run.turn.sampling.seed;
    ASSERT_TRUE(used) << seed;
    EXPECT_LT(*used, std::uint64_t{1} << 53) << seed << ": a JSON reader may have doubles only";
    for (const char* field : {"seed", "baton.seed"})
      EXPECT_EQ(with("\"" + std::string(field) + "\": " + std::to_string(*used)).run.turn.sampling.seed, used) << field;
  }
  EXPECT_NE(with(R"("seed": -2)").run.turn.sampling.seed, with(R"("seed": -3)").run.turn.sampling.seed);
  EXPECT_EQ(with(R"("seed": 9223372036854775807)").run.turn.sampling.seed, 9223372036854775807u);
}

TEST_F(ClientRequestsTest, local_client_extras) {
  const auto request = chat(R"({"messages": [{"role": "user", "content": "Say hi", "annotations": []},
      {"role": "assistant", "content": "hi", "reasoning_content": "greet", "annotations": [], "id": "m1"}, {"role": "user", "content": "again"}],
    "max_tokens": -1, "temperature": 0.7, "top_k": 20, "min_p": 0.05, "repeat_penalty": 1.1, "reasoning_effort": "none",
    "chat_template_kwargs": {"enable_thinking": false}, "stop": ["\n\n"], "n_predict": 8})");
  EXPECT_THAT(request.run.ignored, IsEmpty());
  EXPECT_EQ(request.run.turn.template_variables, Json({{"enable_thinking", false}}));
  EXPECT_EQ(request.run.turn.max_output_tokens, 8);
}

TEST_F(ClientRequestsTest, thinking_is_switched_through_the_template_where_it_can) {
  EXPECT_EQ(with(R"("reasoning": {"effort": "none"})").run.turn.template_variables, Json({{"enable_thinking", false}}));
  EXPECT_EQ(chat_with(R"("enable_thinking": false)").run.turn.template_variables, Json({{"enable_thinking", false}}));
  EXPECT_EQ(chat_with(R"("think": true)").run.turn.template_variables, Json({{"enable_thinking", true}}));
  EXPECT_THAT(chat_with(R"("chat_template_kwargs": {"custom": 1})").run.ignored, ElementsAre("chat_template_kwargs.custom"));
  const auto without =
      parse_chat(Json::parse(R"({"messages": [{"role": "user", "content": "x"}], "reasoning_effort": "none"})"), {.model = "m"});
  EXPECT_THAT(without->run.ignored, ElementsAre("reasoning_effort"));
}

TEST_F(ClientRequestsTest, formats_as_llama_cpp_names_them) {
  EXPECT_EQ(chat_with(R"("grammar": "root ::= \"yes\" | \"no\"")").run.text_format.json["type"], "baton.grammar");
  EXPECT_EQ(chat_with(R"("json_schema": {"type": "object"})").run.text_format.json["schema"], Json({{"type", "object"}}));
  EXPECT_EQ(with(R"("json_schema": {"type": "object"})").run.text_format.json["type"], "json_schema");
  EXPECT_EQ(chat_with(R"("response_format": {"type": "json_schema", "schema": {"type": "object"}})").run.text_format.json["schema"],
            Json({{"type", "object"}}));
}

// ---- notes

TEST(Notes, a_hint_is_given_for_what_is_written_alike) {
  const std::set<std::string> known = {"temperature", "top_p", "max_output_tokens", "tools", "input", "n"};
  EXPECT_EQ(likely_meant("temperture", known), "temperature");
  EXPECT_EQ(likely_meant("topP", known), "top_p");
  EXPECT_EQ(likely_meant("max-output-tokens", known), "max_output_tokens");
  EXPECT_EQ(likely_meant("tool", known), "tools");
  EXPECT_EQ(likely_meant("m", known), "");
  EXPECT_EQ(likely_meant("colour", known), "");
  EXPECT_EQ(likely_meant(std::string(100'000, 'x'), known), "");
}

}  // namespace
}  // namespace baton::agent::protocol
