#include <baton/llm/constraint/compiled_format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tiny_chat.h"

namespace baton::llm {
namespace {

using testing::AnyOf;
using testing::HasSubstr;
using Kind = OutputFormat::Kind;

OutputFormat schema(const char* json) { return {.kind = Kind::json_schema, .schema = Json::parse(json)}; }
OutputFormat regex(std::string pattern) { return {.kind = Kind::regex, .schema = Json(), .text = std::move(pattern)}; }
OutputFormat grammar(std::string rules) { return {.kind = Kind::grammar, .schema = Json(), .text = std::move(rules)}; }

std::string wrong_with(const OutputFormat& format) {
  const auto compiled = CompiledFormat::compile(format);
  return compiled ? "nothing" : compiled.error().message;
}

std::optional<std::string> misfit(const OutputFormat& format, const std::string& answer) {
  return CompiledFormat::compile(format).value()->misfit(answer);
}

TEST(CompiledFormat, says_what_is_wrong_with_it) {
  EXPECT_THAT(wrong_with(schema(R"({"type": "object", "properties": {"a": {"type": "strnig"}}})")), HasSubstr("/properties/a"));
  EXPECT_THAT(wrong_with(schema(R"({"type": "string", "minLength": 3, "maxLength": 2})")), HasSubstr("no text fits"));
  EXPECT_THAT(wrong_with(schema(R"({"$ref": "#/$defs/a", "$defs": {"a": {"type": "object", "properties": {"a": {"$ref": "#/$defs/a"}},
      "required": ["a"]}}})")),
              HasSubstr("no text fits"));
  EXPECT_THAT(wrong_with(regex("(?=a)b")), HasSubstr("not supported: look-ahead"));
  EXPECT_THAT(wrong_with(regex("a(b")), HasSubstr("'('"));
  EXPECT_THAT(wrong_with(regex("a$b")), HasSubstr("no text fits"));
  EXPECT_THAT(wrong_with(regex("((a{1000}){1000}){1000}")), HasSubstr("too large"));
  EXPECT_THAT(wrong_with(regex(std::string(100'000, 'a'))), HasSubstr("100000 bytes"));
  EXPECT_THAT(wrong_with(grammar("root ::= \"a\" b")), HasSubstr("line 1, column 14"));
  EXPECT_THAT(wrong_with(grammar("root ::= ((\"a\"{1000}){1000}){1000}")), HasSubstr("too large"));
  EXPECT_EQ(wrong_with({.kind = Kind::json_object}), "nothing");
}

TEST(CompiledFormat, names_the_keywords_that_are_only_checked_afterwards) {
  const auto compiled = CompiledFormat::compile(schema(R"({"type": "array", "items": {"type": "integer"}, "uniqueItems": true})")).value();
  ASSERT_EQ(compiled->grammar().unmasked.size(), 1u);
  EXPECT_EQ(compiled->grammar().unmasked[0].keyword, "uniqueItems");
}

TEST(CompiledFormat, an_answer_that_does_not_fit_is_told_why) {
  const OutputFormat unique = schema(R"({"type": "object", "properties": {"n": {"type": "array", "uniqueItems": true}}})");
  EXPECT_FALSE(misfit(unique, R"({"n": [1, 2]})"));
  EXPECT_THAT(*misfit(unique, R"({"n": [1, 1]})"), AllOf(HasSubstr("/n"), HasSubstr("uniqueItems")));
  EXPECT_THAT(*misfit(unique, R"({"n": [1)"), HasSubstr("not JSON"));
  EXPECT_THAT(*misfit(unique, ""), HasSubstr("empty"));
  EXPECT_TRUE(misfit({.kind = Kind::json_object}, "[]"));
  EXPECT_FALSE(misfit({.kind = Kind::json_object}, R"( {"a": {"b": []}} )"));
  EXPECT_FALSE(misfit(regex("^\\d+$"), "12"));
  EXPECT_THAT(*misfit(regex("\\d+"), "12a"), HasSubstr("byte 2"));
  EXPECT_THAT(*misfit(regex("\\d+-"), "12"), HasSubstr("before it is whole"));
  EXPECT_FALSE(misfit(grammar("root ::= \"é\"*"), "éé"));
}

class FormatTest : public ChatTest {
 protected:
  struct Said {
    std::string text;
    Finished end;
  };
  Said say(Chat& chat, const ChatRequest& request) {
    Listener listener;
    const auto stream = chat.start(request, listener.sink());
    Said said{"", listener.wait()};
    said.text = listener.text();
    return said;
  }
  static ChatRequest wanting(OutputFormat format) {
    ChatRequest request = hello();
    request.format = CompiledFormat::compile(std::move(format)).value();
    request.turn.max_output_tokens = 400;
    request.turn.sampling.temperature = 2;
    return request;
  }
  // Random answers, all of which fit, are ended by the model itself, and are not all the same.
  void expect_all_fit(Chat& chat, const OutputFormat& format, int n) {
    ChatRequest request = wanting(format);
    std::set<std::string> texts;
    for (int seed = 0; seed < n; ++seed) {
      request.turn.sampling.seed = static_cast<std::uint64_t>(seed);
      const Said said = say(chat, request);
      ASSERT_EQ(said.end.reason, FinishReason::stop) << said.text;
      EXPECT_EQ(misfit(format, said.text), std::nullopt) << said.text;
      EXPECT_TRUE(chat.tokenizer().ends_generation(said.end.raw.ids.back()));
      texts.insert(said.text);
    }
    EXPECT_GT(texts.size(), 1u);
  }
};

TEST_F(FormatTest, sixty_answers_of_noise_are_valid_under_their_schema) {
  const auto chat = create(kHermes).value();
  const OutputFormat lamp = schema(R"({"type": "object", "properties": {"colour": {"enum": ["red", "grün"]}, "level": {"type": "integer",
      "minimum": 1, "maximum": 20}, "rooms": {"type": "array", "items": {"type": "string", "maxLength": 3}, "maxItems": 2}},
      "required": ["level"], "additionalProperties": false})");
  const Schema parsed = Schema::parse(lamp.schema).value();
  ChatRequest request = wanting(lamp);
  for (int seed = 0; seed < 60; ++seed) {
    request.turn.sampling.seed = static_cast<std::uint64_t>(seed);
    const Said said = say(*chat, request);
    ASSERT_EQ(said.end.reason, FinishReason::stop) << said.text;
    const Json value = Json::parse(said.text, nullptr, false);
    ASSERT_FALSE(value.is_discarded()) << said.text;
    EXPECT_TRUE(parsed.validate(value).empty()) << said.text;
    EXPECT_EQ(said.text.front(), '{');
    EXPECT_EQ(said.text.back(), '}');
  }
}

TEST_F(FormatTest, answers_of_noise_fit_a_pattern_and_a_grammar) {
  const auto chat = create(kHermes).value();
  expect_all_fit(*chat, regex("(yes|no|vielleicht é), \\d{1,3}(\\.\\d)?"), 20);
  expect_all_fit(*chat, regex("[a-d]{2,5}"), 10);
  expect_all_fit(*chat, grammar("root ::= \"- \" word (\"\\n- \" word){0,4}\nword ::= [a-z]{1,5} | \"(\" word \")\""), 20);
}

// With tools beside the format: each answer is a valid call or fits, and both happen.
TEST_F(FormatTest, an_answer_fits_or_is_a_call) {
  const auto chat = create(kHermes, {}, 0).value();
  ChatRequest request = wanting(schema(R"({"type": "object", "properties": {"level": {"type": "integer", "minimum": 1, "maximum": 20}},
      "required": ["level"], "additionalProperties": false})"));
  request.tools = {{"stop", "", Json::parse(R"({"type": "object", "properties": {"hard": {"type": "boolean"}}, "required": ["hard"],
      "additionalProperties": false})")}};
  request.turn.parallel_tool_calls = false;
  const Schema arguments = Schema::parse(request.tools[0].parameters).value();
  int n_calls = 0, n_answers = 0;
  for (int seed = 0; seed < 60; ++seed) {
    request.turn.sampling.seed = static_cast<std::uint64_t>(seed);
    request.turn.sampling.logit_bias = {{seed % 2 == 0 ? std::int32_t{'{'} : std::int32_t{kCallOpen}, 50.0f}};
    Listener listener;
    std::vector<ToolCall> calls;
    const auto stream = chat->start(request, [&, sink = listener.sink()](Delta delta) {
      if (const auto* finished = std::get_if<CallFinished>(&delta)) calls.push_back(finished->call);
      sink(std::move(delta));
    });
    const Finished end = listener.wait();
    if (calls.empty()) {
      ++n_answers;
      EXPECT_EQ(request.format->misfit(listener.text()), std::nullopt) << listener.text();
    } else {
      ++n_calls;
      ASSERT_EQ(calls.size(), 1u);
      EXPECT_EQ(calls[0].name, "stop");
      EXPECT_TRUE(arguments.validate(calls[0].arguments).empty()) << calls[0].arguments;
      EXPECT_EQ(listener.text().find('{'), std::string::npos) << listener.text();
    }
    EXPECT_NE(end.reason, FinishReason::length) << chat->tokenizer().decode(end.raw.ids);
  }
  EXPECT_GT(n_calls, 5);
  EXPECT_GT(n_answers, 5);
}

// The model did not mean to call: the call is withdrawn, and the answer fits.
TEST_F(FormatTest, an_unsure_call_is_taken_back_and_the_answer_fits) {
  const auto chat = create(kHermes, {}, 0.9f).value();
  ChatRequest request = wanting(schema(R"({"enum": ["a", "b"]})"));
  request.tools = {{"stop", "", Json::object()}};
  request.turn.sampling.logit_bias = {{kCallOpen, 50.0f}};
  for (int seed = 0; seed < 10; ++seed) {
    request.turn.sampling.seed = static_cast<std::uint64_t>(seed);
    const Said said = say(*chat, request);
    EXPECT_EQ(request.format->misfit(said.text), std::nullopt) << said.text;
    EXPECT_EQ(said.end.reason, FinishReason::stop);
  }
}

// Only the end may follow, and the model gives the end almost no probability.
TEST_F(FormatTest, the_answer_ends_where_it_is_whole) {
  const auto chat = create(kHermes).value();
  ChatRequest request = wanting(regex("abc"));
  request.turn.sampling.logit_bias = {{kImEnd, -50.0f}, {kEndOfText, -50.0f}};
  const Said said = say(*chat, request);
  EXPECT_EQ(said.text, "abc");
  EXPECT_EQ(said.end.reason, FinishReason::stop);
  EXPECT_EQ(said.end.usage.output_tokens, 4);
}

TEST_F(FormatTest, the_answer_does_not_end_before_it_is_whole) {
  const auto chat = create(kHermes).value();
  ChatRequest request = wanting(regex("[a-z]{50}"));
  request.turn.sampling.logit_bias = {{kImEnd, 50.0f}, {kEndOfText, 50.0f}};
  EXPECT_EQ(say(*chat, request).text.size(), 50u);
}

TEST_F(FormatTest, white_space_at_the_edges_is_kept_where_the_format_has_it) {
  const auto chat = create(kHermes).value();
  EXPECT_EQ(say(*chat, wanting(regex(" \\n a \\n"))).text, " \n a \n");
}

TEST_F(FormatTest, an_answer_that_is_cut_says_so) {
  const auto chat = create(kHermes).value();
  ChatRequest request = wanting(regex("[a-z]{50}"));
  request.turn.max_output_tokens = 10;
  const Said said = say(*chat, request);
  EXPECT_EQ(said.end.reason, FinishReason::length);
  EXPECT_EQ(said.text.size(), 10u);
}

// The format applies after the reasoning block. The model must end the block, and may not end the turn in it.
TEST_F(FormatTest, reasoning_comes_first_where_the_prompt_opened_it) {
  const std::string thinking = std::string(kPlain) + "{{ '<think>\\n' }}";
  const auto chat = create(thinking.c_str()).value();
  ChatRequest request = wanting(regex("yes|no"));
  request.turn.sampling.logit_bias = {{kThinkClose, 6.0f}, {kImEnd, 6.0f}};
  for (int seed = 0; seed < 10; ++seed) {
    request.turn.sampling.seed = static_cast<std::uint64_t>(seed);
    const Said said = say(*chat, request);
    ASSERT_EQ(said.end.reason, FinishReason::stop);
    EXPECT_THAT(said.text, AnyOf("yes", "no"));
  }
}

TEST_F(FormatTest, a_format_holds_beside_tools_that_are_not_offered) {
  EXPECT_EQ(CompiledFormat::compile(regex("a\\b")).error().code, errc::unsupported);
  const auto chat = create(kHermes).value();
  ChatRequest request = wanting(regex("a"));
  request.tools = {weather_tool()};
  request.turn.tool_choice.mode = ToolChoice::Mode::none;
  EXPECT_EQ(say(*chat, request).text, "a");
}

// The first answer uses up the grammar's states; the next one gets new ones, and both end.
TEST_F(FormatTest, a_grammar_that_explodes_ends_the_answer_and_says_so) {
  const auto chat = create(kHermes).value();
  const OutputFormat doubling = grammar("root ::= s\ns ::= \"a\" s \"b\" s | \"a\" s \"c\" s | \"\"");
  ChatRequest request = wanting(doubling);
  request.turn.sampling.logit_bias = {{'a', 60.0f}};
  for (int i = 0; i < 2; ++i) {
    const Said said = say(*chat, request);
    EXPECT_EQ(said.end.reason, FinishReason::stop);
    EXPECT_GT(said.text.size(), 8u);
    EXPECT_THAT(misfit(doubling, said.text).value_or(""), HasSubstr("too ambiguous"));
  }
}

}  // namespace
}  // namespace baton::llm
