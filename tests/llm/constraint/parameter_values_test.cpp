// Parameters in each convention that writes them one by one: each text that the mask allows for a schema is read back as the same value.
#include <baton/llm/call_parser/call_parser.h>
#include <baton/llm/constraint/call_grammar.h>
#include <baton/llm/tool_syntax/parameter_value.h>
#include <gtest/gtest.h>

#include "tool_families.h"

namespace baton::llm {
namespace {

class ParameterValuesTest : public testing::TestWithParam<std::string> {
 protected:
  ParameterValuesTest() {
    for (std::string* text :
         {&syntax_.calls_prefix, &syntax_.call_suffix, &syntax_.calls_suffix, &syntax_.parameters.prefix, &syntax_.parameters.none}) {
      std::replace(text->begin(), text->end(), kHole, '0');
    }
  }
  static std::vector<ToolSpec> tools(const Json& schema) {
    return {{"f",
             "",
             {{"type", "object"},
              {"properties", {{"x", schema}}},
              {"required", {"x"}},
              {"$defs", {{"Unit", {{"enum", {"celsius", "kelvin"}}}}}}}}};
  }
  // The value as a model of this convention writes it, and the rest of the call; from the name on.
  std::string written(const Json& value) const {
    const auto& p = syntax_.parameters;
    std::string text;
    if (value.is_string()) {
      text = p.quote_prefix == "\"" ? value.dump() : p.quote_prefix + value.get<std::string>() + p.quote_suffix;
    } else if (value.is_boolean()) {
      text = value.get<bool>() ? p.yes : p.no;
    } else {
      text = value.is_null() ? p.null : value.dump();
    }
    const bool told = value.is_string() && !p.text_key_suffix.empty();
    std::string end = p.value_suffix;
    std::replace(end.begin(), end.end(), kKeyHole, 'x');
    return "f" + p.prefix + "x" + (told ? p.text_key_suffix : p.key_suffix) + text + end + syntax_.call_suffix;
  }
  bool masked(const Json& schema, const Json& value) const {
    const auto calls = compile_calls(tools(schema), true, family_.syntax, vocabulary_).value();
    Grammar& grammar = *calls->grammar;
    const StateId state = grammar.step(grammar.start(), std::string(call_entry::kOwn) + vocabulary_.marked(written(value)));
    return state != kDeadState && grammar.accepts(state);
  }
  Json read(const Json& schema, const Json& value) const {
    CallParser parser({.tools = tools(schema), .syntax = family_.syntax, .parallel = true, .new_call_id = [] { return "call_1"; }});
    std::vector<Delta> deltas;
    parser.push(syntax_.calls_prefix + written(value) + syntax_.calls_suffix, 0, deltas);
    parser.finish(false, deltas);
    for (const Delta& delta : deltas) {
      if (auto* call = std::get_if<CallFinished>(&delta)) return call->call.arguments;
    }
    return "no call: " + parser.malformed();
  }

  const Family family_ = family(GetParam());
  ToolSyntax syntax_ = family_.syntax;  // without holes
  const GrammarVocabulary vocabulary_{*family_tokenizer(), family_tokenizer()->n_vocab(), family_.syntax};
};

TEST_P(ParameterValuesTest, are_read_as_the_schema_that_masked_them_means) {
  const std::vector<std::pair<const char*, std::vector<Json>>> kCases = {
      {R"({"type": "string"})", {"Oslo", "5", "null", "true", "[1]", "two\nlines"}},
      {R"({"type": ["string", "null"]})", {"Oslo", nullptr}},
      {R"({"anyOf": [{"type": "string"}, {"type": "null"}]})", {"Oslo", "7 o'clock", nullptr}},
      {R"({"$ref": "#/$defs/Unit"})", {"celsius"}},
      {R"({"anyOf": [{"$ref": "#/$defs/Unit"}, {"type": "null"}]})", {"kelvin", nullptr}},
      {R"({"enum": ["low", "high", null, 3]})", {"low", nullptr, 3}},
      {R"({"enum": ["1", "2"]})", {"1"}},
      {R"({"type": ["integer", "string"]})", {5, "five"}},
      {R"({"const": "x y"})", {"x y"}},
      {R"({"type": "integer"})", {-12}},
      {R"({"type": "boolean"})", {true, false}},
      {R"({"type": ["boolean", "null"]})", {true, nullptr}},
      {R"({"type": "array", "items": {"type": "string"}})", {{"a", "b"}}},
      {R"({"type": "object"})", {{{"k", "v"}}}},
      {R"({"allOf": [{"type": "string"}, {"enum": ["a", "b", 1]}]})", {"a"}},
      {R"({})", {"text", 7}}};
  for (const auto& [source, values] : kCases) {
    for (const Json& value : values) {
      SCOPED_TRACE(std::string(source) + " " + value.dump());
      const Json schema = Json::parse(source);
      EXPECT_TRUE(masked(schema, value)) << written(value);
      EXPECT_EQ(read(schema, value), (Json{{"x", value}})) << written(value);
    }
  }
}

TEST_P(ParameterValuesTest, that_no_schema_allows_cannot_be_written) {
  EXPECT_FALSE(masked(Json::parse(R"({"$ref": "#/$defs/Unit"})"), "fahrenheit"));
  EXPECT_FALSE(masked(Json::parse(R"({"enum": ["low", null]})"), "high"));
  EXPECT_FALSE(masked(Json::parse(R"({"enum": ["low", null]})"), 3));
  EXPECT_FALSE(masked(Json::parse(R"({"type": "integer"})"), "twelve"));
  EXPECT_FALSE(masked(Json::parse(R"({"type": "boolean"})"), 1));
}

TEST_P(ParameterValuesTest, name_what_their_syntax_leaves_to_the_validator) {
  const Json schema = Json::parse(R"({"anyOf": [{"type": "string", "pattern": "^a"}, {"type": "null"}]})");
  const auto calls = compile_calls(tools(schema), true, family_.syntax, vocabulary_).value();
  const bool json_strings = syntax_.parameters.quote_prefix == "\"";
  EXPECT_EQ(std::any_of(calls->unmasked.begin(), calls->unmasked.end(), [](const auto& one) { return one.what.keyword == "pattern"; }),
            !json_strings);
}

TEST_P(ParameterValuesTest, that_nobody_declared_may_be_written_where_the_schema_lets_them) {
  const Json open = Json::parse(R"({"type": "object", "additionalProperties": {"type": "string"}})");
  const auto calls = compile_calls({{"f", "", open}}, true, family_.syntax, vocabulary_).value();
  const StateId state = calls->grammar->step(calls->grammar->start(), std::string(call_entry::kOwn) + vocabulary_.marked(written("v")));
  EXPECT_NE(state, kDeadState);
  EXPECT_FALSE(calls->unmasked.empty());
}

TEST(ParameterValue, may_be_described_by_long_chains_and_large_alternatives) {
  Json chain = {{"type", "object"}, {"properties", {{"v", {{"$ref", "#/$defs/0"}}}}}, {"$defs", Json::object()}};
  for (int i = 0; i < 3000; ++i) chain["$defs"][std::to_string(i)] = {{"$ref", "#/$defs/" + std::to_string(i + 1)}};
  chain["$defs"]["3000"] = Json::object();
  const Family f = family("qwen3-coder");
  const GrammarVocabulary vocabulary(*family_tokenizer(), family_tokenizer()->n_vocab(), f.syntax);
  EXPECT_TRUE(compile_calls({{"f", "", chain}}, true, f.syntax, vocabulary));
  const auto refs = [](int n, const std::string& to) {
    Json all = Json::array();
    for (int i = 0; i < n; ++i) all.push_back({{"$ref", "#/$defs/" + to}});
    return all;
  };
  Json wide = {{"anyOf", refs(200, "o")},
               {"$defs", {{"o", {{"properties", {{"v", {{"$ref", "#/$defs/v"}}}}}}}, {"v", {{"anyOf", refs(200, "e")}}}}}};
  wide["$defs"]["e"] = {{"enum", Json::array()}};
  for (int i = 0; i < 2000; ++i) wide["$defs"]["e"]["enum"].push_back("e" + std::to_string(i));
  const Schema schema = Schema::parse(wide).value();
  EXPECT_EQ(read_parameter(find_parameter(schema.root(), "v"), "e1"), "e1");
}

TEST(ParameterValue, is_what_all_its_descriptions_leave) {
  const auto read = [](const char* source, const char* name, const char* text) {
    const Schema schema = Schema::parse(Json::parse(source)).value();
    return read_parameter(find_parameter(schema.root(), name), text);
  };
  const char* tagged = R"({"anyOf": [{"properties": {"kind": {"const": "a"}, "v": {"type": "string"}}},
                                      {"properties": {"kind": {"const": "b"}, "v": {"type": "integer"}}}]})";
  EXPECT_EQ(read(tagged, "v", "5"), 5);
  EXPECT_EQ(read(tagged, "v", "five"), "five");
  EXPECT_EQ(read(tagged, "kind", " b"), "b");
  EXPECT_EQ(read(R"({"allOf": [{"properties": {"v": {"type": "string"}}}, {"properties": {"v": {"maxLength": 5}}}]})", "v", "5"), "5");
  EXPECT_EQ(read(R"({"additionalProperties": {"type": "string"}})", "v", "5"), "5");
  EXPECT_EQ(read("{}", "v", "5"), 5);
  // White space around a listed string belongs to the syntax, unless it is the string's own.
  EXPECT_EQ(read(R"({"properties": {"v": {"enum": ["x", " y "]}}})", "v", "  x "), "x");
  EXPECT_EQ(read(R"({"properties": {"v": {"enum": ["x", " y "]}}})", "v", " y "), " y ");
  EXPECT_EQ(read(R"({"properties": {"v": {"type": "string"}}})", "v", " x "), " x ");
}

TEST(ParameterValue, in_single_quotes_is_written_with_any_escape_of_json) {
  Family f = family("llama3.2-pythonic");
  auto& p = f.syntax.parameters;
  p.quote_prefix = p.quote_suffix = "'";
  f.tools = {{"f", "", Json::parse(R"({"type": "object", "properties": {"x": {"type": "string"}}, "required": ["x"]})")}};
  const GrammarVocabulary vocabulary(*family_tokenizer(), family_tokenizer()->n_vocab(), f.syntax);
  const auto calls = compile_calls(f.tools, true, f.syntax, vocabulary).value();
  const auto masked = [&](const std::string& call) {
    const StateId state = calls->grammar->step(calls->grammar->start(), std::string(call_entry::kOwn) + vocabulary.marked(call));
    return state != kDeadState && calls->grammar->accepts(state);
  };
  const auto call = [&](const std::string& text) { return "f" + p.prefix + "x" + p.key_suffix + "'" + text + "'" + f.syntax.call_suffix; };
  for (const auto& [text, value] : {std::pair{R"(Caf\u00e9)", "Caf\u00e9"},
                                    {R"(\u4F60\u597d)", "\u4f60\u597d"},
                                    {R"(a\uD83D\ude00b)", "a\U0001F600b"},
                                    {R"(it\'s \"1\/2\"\n\u0022)", "it's \"1/2\"\n\""}}) {
    EXPECT_TRUE(masked(call(text))) << text;
    CallParser parser({.tools = f.tools, .syntax = f.syntax, .parallel = true, .new_call_id = [] { return "call_1"; }});
    std::vector<Delta> deltas;
    parser.push(f.syntax.calls_prefix + call(text) + f.syntax.calls_suffix, 0, deltas);
    parser.finish(false, deltas);
    const auto read =
        std::find_if(deltas.begin(), deltas.end(), [](const Delta& one) { return std::holds_alternative<CallFinished>(one); });
    ASSERT_NE(read, deltas.end()) << text << ": " << parser.malformed();
    EXPECT_EQ(std::get<CallFinished>(*read).call.arguments, (Json{{"x", value}})) << text;
  }
  for (const char* text : {R"(\ud83d)", R"(\ud83d\u0041)", R"(\u12)", R"(\x41)"}) EXPECT_FALSE(masked(call(text))) << text;
}

INSTANTIATE_TEST_SUITE_P(Families, ParameterValuesTest, testing::ValuesIn(kFamiliesWithParameters), family_test_name);

}  // namespace
}  // namespace baton::llm
