#include <baton/llm/grammar/forced_text.h>

#include <numeric>

#include "grammar_fixture.h"

namespace baton::llm {
namespace {

std::shared_ptr<const TokenTrie> all_bytes() {
  std::vector<std::string> tokens;
  for (int byte = 0; byte < 256; ++byte) tokens.push_back(std::string(1, static_cast<char>(byte)));
  return std::make_shared<const TokenTrie>(tokens);
}

class ForcedText : public testing::Test {
 protected:
  // The text that is forced after `written`.
  static std::string behind(const char* schema, std::string_view written, bool free_space = true, std::size_t limit = 100) {
    Automaton automaton;
    SchemaCompiler compiler(automaton, WritingStyle{.free_space = free_space});
    const NodeId start = compiler.rule(Schema::parse(Json::parse(schema)).value());
    EXPECT_TRUE(automaton.prune(start));
    Grammar grammar(std::move(automaton), start, all_bytes());
    JsonLayout layout;
    layout.observe(written);
    const StateId state = grammar.step(grammar.start(), written);
    EXPECT_NE(state, kDeadState) << written;
    const std::string text = forced_text(grammar, state, layout, limit);
    EXPECT_NE(grammar.step(state, text), kDeadState) << text;
    return text;
  }
};

constexpr const char* kTrip = R"({"type": "object", "properties": {"from_city": {"type": "string"}, "days": {"enum": [10, 12]},
    "class": {"enum": ["first", "second"]}}, "required": ["from_city", "days", "class"], "additionalProperties": false})";

TEST_F(ForcedText, goes_as_far_as_there_is_one_way) {
  EXPECT_EQ(behind(kTrip, "{", false), "\"from_city\": \"");
  EXPECT_EQ(behind(kTrip, "{\"from_city\": \"Rome", false), "");
  EXPECT_EQ(behind(kTrip, "{\"from_city\": \"Rome\"", false), ", \"days\": 1");
  EXPECT_EQ(behind(kTrip, "{\"from_city\": \"Rome\", \"days\": 12", false), ", \"class\": \"");
  EXPECT_EQ(behind(kTrip, "{\"from_city\": \"Rome\", \"days\": 12, \"class\": \"f", false), "irst\"}");
}

TEST_F(ForcedText, has_a_limit) { EXPECT_EQ(behind(kTrip, "{", false, 5), "\"from"); }

TEST_F(ForcedText, goes_nowhere_where_the_value_is_whole) {
  EXPECT_EQ(behind(R"({"const": "a"})", "\"a\""), "");
  EXPECT_EQ(behind(R"({"type": "integer", "minimum": 12, "maximum": 12})", "1"), "2");
}

TEST_F(ForcedText, white_space_is_as_it_was_before) {
  EXPECT_EQ(behind(kTrip, "{\"from_city\": \"Rome\""), ", \"days\": 1");
  EXPECT_EQ(behind(kTrip, "{\"from_city\":\"Rome\""), ",\"days\":1");
  EXPECT_EQ(behind(kTrip, "{\n  \"from_city\": \"Rome\",\n  \"days\": 10"), ",\n  \"class\": \"");
  EXPECT_EQ(behind(kTrip, "{\n  \"from_city\": \"Rome\",\n "), " \"days\": 1");
}

TEST_F(ForcedText, lines_are_laid_out_as_deep_as_brackets_are) {
  constexpr const char* kNested = R"({"type": "object", "properties": {"a": {"type": "object", "properties": {"b": {"type": "array",
      "items": {"enum": ["x, {"]}, "minItems": 1, "maxItems": 1}, "c": {"const": 1}}, "required": ["b", "c"],
      "additionalProperties": false}}, "required": ["a"], "additionalProperties": false})";
  EXPECT_EQ(behind(kNested, ""), R"({"a": {"b": ["x, {"], "c": 1}})");
  EXPECT_EQ(behind(kNested, "{\n  \"a\""), ": {\n    \"b\": [\n      \"x, {\"\n    ],\n    \"c\": 1\n  }\n}");
  EXPECT_EQ(behind(kNested, "{\n  \"a\": {\"b\": ["), "\"x, {\"], \"c\": 1}\n}");
}

// Another writing of a letter is not a reason to wait for the model.
TEST_F(ForcedText, listed_texts_are_expected_without_escapes) {
  constexpr const char* kListed =
      R"({"type": "object", "properties": {"größe": {"const": "a/b"}}, "required": ["größe"], "additionalProperties": false})";
  EXPECT_EQ(behind(kListed, "{"), R"("größe": "a/b"})");
  EXPECT_EQ(behind(kListed, R"({"grö)"), R"(ße": "a/b"})");
}

TEST_F(ForcedText, optional_members_are_the_writers_choice) {
  constexpr const char* kOptional = R"({"type": "object", "properties": {"alpha": {"type": "boolean"}, "beta": {"type": "boolean"}},
      "additionalProperties": false})";
  EXPECT_EQ(behind(kOptional, "{"), "");
  EXPECT_EQ(behind(kOptional, "{\"b"), "eta\": ");
  EXPECT_EQ(behind(kOptional, "{\"beta\": t"), "rue}");
}

}  // namespace
}  // namespace baton::llm
