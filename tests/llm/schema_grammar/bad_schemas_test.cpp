// Malicious schemas: each ends in bounded time and memory, in a mask that is right or in a reason why there is none.
#include <baton/llm/schema_grammar/mask_report.h>
#include <baton/llm/text_grammar/regex.h>

#include <limits>

#include "grammar_fixture.h"

namespace baton::llm {
namespace {

using testing::HasSubstr;

MaskReport report(const Json& schema) { return report_mask(Schema::parse(schema).value()); }

Json member(const Json& schema) { return {{"type", "object"}, {"properties", {{"a", schema}}}}; }

std::string reason_of(const Json& schema) {
  const auto parsed = Schema::parse(schema);
  return parsed ? "" : parsed.error().message;
}

// d0 -> d1 -> .. -> the last one, which is a string. `step`: the schema that leads from one to the next.
template <class Step>
Json chain(int n, Step step) {
  Json defs = Json::object();
  for (int i = 0; i < n; ++i) defs.push_back({"d" + std::to_string(i), step(Json{{"$ref", "#/$defs/d" + std::to_string(i + 1)}})});
  defs.push_back({"d" + std::to_string(n), Json{{"type", "string"}}});
  return {{"$defs", defs}, {"type", "object"}, {"properties", {{"a", {{"$ref", "#/$defs/d0"}}}}}};
}

TEST(BadSchemas, references_that_lead_nowhere_are_refused_by_name) {
  EXPECT_THAT(reason_of(Json::parse(R"({"$ref":"#"})")), HasSubstr("refers to itself without end"));
  EXPECT_THAT(reason_of(Json::parse(R"({"$defs":{"a":{"allOf":[{"$ref":"#/$defs/b"}]},"b":{"anyOf":[{"$ref":"#/$defs/a"},{}]}}})")),
              HasSubstr("without end"));
  EXPECT_THAT(reason_of(Json::parse(R"({"properties":{"a":{"$ref":"#/$defs/none"}}})")), HasSubstr("/properties/a/$ref: there is nothing"));
  // Values can grow but never end: nothing can be written.
  const MaskReport endless = report(Json::parse(R"({"type":"object","properties":{"a":{"$ref":"#"}},"required":["a"]})"));
  EXPECT_THAT(endless.refused, HasSubstr("no object is valid"));
}

TEST(BadSchemas, what_nothing_satisfies_has_no_mask_and_says_so) {
  for (const char* schema : {R"({"type":"object","required":["a"],"properties":{"a":false}})", R"({"type":"string"})",
                             R"({"type":"object","minProperties":3,"maxProperties":2})",
                             R"({"type":"object","required":["a"],"properties":{"a":{"enum":["x"],"maxLength":0}}})"})
    EXPECT_THAT(report(Json::parse(schema)).refused, HasSubstr("no object is valid")) << schema;
}

TEST(BadSchemas, a_list_of_five_thousand_values_is_a_tree_of_their_letters) {
  Json values = Json::array();
  for (int i = 0; i < 5000; ++i) values.push_back("value-" + std::to_string(i * 7919));
  Written list(Json{{"enum", values}});
  EXPECT_TRUE(list.takes("\"value-7919\""));
  EXPECT_TRUE(list.takes("\"value-0\""));
  EXPECT_FALSE(list.takes("\"value-1\""));
  EXPECT_EQ(list.machine().threads_of(list.machine().start()).size(), 1u) << "one place, not five thousand: a mask is one walk";
}

TEST(BadSchemas, documents_have_a_size) {
  Json list = Json::array();
  for (int i = 0; i < 60'000; ++i) list.push_back(i);
  EXPECT_THAT(reason_of({{"enum", list}}), HasSubstr("more than 50000 values"));
  Json deep = {{"type", "string"}};
  for (int i = 0; i < 200; ++i) deep = {{"items", deep}};
  EXPECT_THAT(reason_of(deep), HasSubstr("deeper than 128 levels"));
  EXPECT_EQ(reason_of({{"description", std::string(1 << 20, 'x')}}), "") << "a long text is only a text";
  EXPECT_THAT(reason_of({{"pattern", std::string(1 << 20, 'x')}}), HasSubstr("/pattern"));
}

TEST(BadSchemas, a_megabyte_of_properties_is_too_large_for_a_mask) {
  Json schema = {{"type", "object"}, {"properties", Json::object()}, {"additionalProperties", false}};
  for (int i = 0; i < 20'000; ++i)
    schema["properties"].push_back({"a_long_name_of_a_property_number" + std::to_string(i), Json{{"type", "string"}}});
  const MaskReport found = report(schema);
  EXPECT_EQ(found.refused, "it needs more than 400000 nodes");
  EXPECT_LT(found.n_nodes, Automaton::kMaxNodes + 1000) << "it stops there";
}

TEST(BadSchemas, alternatives_of_alternatives_stop_at_a_limit) {
  Json all = Json::array();
  for (int i = 0; i < 30; ++i) {
    Json any = Json::array();
    for (int k = 0; k < 10; ++k) any.push_back({{"properties", {{"p" + std::to_string(i), {{"const", k}}}}}});
    all.push_back({{"anyOf", any}});
  }
  EXPECT_THAT(report({{"type", "object"}, {"allOf", all}}).refused, HasSubstr("more than 400000 nodes"));
  for (Json& one : all) {
    for (std::size_t k = 0; k < 10; ++k)
      one["anyOf"][k] = {{"multipleOf", 0.5 + static_cast<double>(k)}};  // left to the validator: no nodes
  }
  EXPECT_THAT(report(member({{"type", "number"}, {"allOf", all}})).refused, HasSubstr("multiply"));
}

TEST(BadSchemas, long_chains_of_references_need_no_stack) {
  EXPECT_EQ(report(chain(10'000, [](Json next) { return next; })).refused, "");
  const MaskReport nested = report(chain(3'000, [](Json next) { return member(next); }));
  EXPECT_THAT(nested.refused, HasSubstr("more than 256 deep"));
}

TEST(BadSchemas, patterns_with_too_many_states_are_left_to_the_validator) {
  for (const char* pattern : {".*a.{20}", "^(.*a.{12}|.*b.{12})$", "(a{0,30}){0,30}b", "^[ab]*a[ab]{15}$"}) {
    const MaskReport found = report(member({{"type", "string"}, {"pattern", pattern}}));
    EXPECT_EQ(found.refused, "");
    ASSERT_EQ(found.unmasked.size(), 1u) << pattern;
    EXPECT_EQ(found.unmasked[0].keyword, "pattern");
    EXPECT_EQ(found.unmasked[0].pointer, "/properties/a");
  }
  for (const char* pattern : {"(a|a)*b", "(a*)*c", "(x+x+)+y", "^((a|b)?c){3,5}$", "^.{0,200}$"})
    EXPECT_TRUE(report(member({{"type", "string"}, {"pattern", pattern}})).unmasked.empty()) << pattern;
  Written ambiguous(R"({"type":"string","pattern":"^(a*)*(a|a)*b$"})");
  EXPECT_TRUE(ambiguous.takes("\"" + std::string(200, 'a') + "b\""));
  EXPECT_FALSE(ambiguous.begins("\"" + std::string(200, 'a') + "c"));
}

TEST(BadSchemas, repetitions_of_nothing_end) {
  const auto regex = Regex::parse("(?:(?:(?:){1000}){1000}){1000}");
  ASSERT_TRUE(regex);
  std::size_t budget = 1'000'000;
  EXPECT_FALSE(regex->is_tame(budget));
}

// The search for each value used to compare it with all of them.
TEST(BadSchemas, enumerations_may_be_long) {
  Json schema = {{"enum", Json::array()}};
  for (int i = 0; i < 5000; ++i) schema["enum"].push_back({{"id", i}, {"name", "n" + std::to_string(i)}});
  Written listed(schema);
  EXPECT_TRUE(listed.takes_value({{"id", 4999}, {"name", "n4999"}}));
  EXPECT_FALSE(listed.takes_value({{"id", 4999}, {"name", "n4998"}}));
  EXPECT_TRUE(listed.schema().validate({{"name", "n7"}, {"id", 7.0}}).empty());
  EXPECT_FALSE(listed.schema().validate({{"name", "n7"}, {"id", 8}}).empty());
}

// The total cost of all patterns is bounded; beyond that they are left to the validator, and reported.
TEST(BadSchemas, wild_patterns_cost_no_more_the_more_there_are) {
  Json schema = {{"type", "object"}, {"properties", Json::object()}};
  for (int i = 0; i < 300; ++i)
    schema["properties"]["p" + std::to_string(i)] = {{"type", "string"}, {"pattern", "a.{" + std::to_string(i + 20) + "}b"}};
  Written wild(schema);
  EXPECT_TRUE(wild.possible());
  EXPECT_GT(wild.unmasked().size(), 290u);
}

TEST(BadSchemas, strings_that_are_left_out_may_be_long_and_many) {
  const std::string name(45'000, 'y');
  Written no(Json{{"type", "string"}, {"not", {{"const", name}}}});
  EXPECT_FALSE(no.takes_value(name));
  EXPECT_TRUE(no.takes_value(name + "y") && no.takes_value(name.substr(1)) && no.takes_value(""));
  Json many = {{"type", "string"}, {"not", {{"enum", Json::array()}}}};
  for (int i = 0; i < 20'000; ++i) many["not"]["enum"].push_back("n" + std::to_string(i));
  Written none(many);
  EXPECT_FALSE(none.takes_value("n19999") || none.takes_value("n0"));
  EXPECT_TRUE(none.takes_value("n20000") && none.takes_value("n") && none.takes_value("N1"));
  Written object(Json{{"type", "object"}, {"required", {name}}, {"additionalProperties", true}});
  EXPECT_TRUE(object.takes_value({{name, 1}, {"z", 2}}));
}

// [Range(0, double.MaxValue)] is the output of some frameworks.
TEST(BadSchemas, bounds_may_be_as_large_as_a_double) {
  Automaton automaton;
  const Schema schema =
      Schema::parse({{"type", "number"}, {"minimum", -1.7976931348623157e308}, {"maximum", 1.7976931348623157e308}}).value();
  SchemaCompiler(automaton, WritingStyle{}).rule(schema);
  EXPECT_LT(automaton.nodes().size(), 5'000u);
  Written number(Json{{"type", "number"}, {"minimum", 0}, {"maximum", 1.7976931348623157e308}});
  EXPECT_TRUE(number.takes_value(1.7976931348623157e308) && number.takes_value(1e300) && number.takes("0.5") && number.takes("12"));
  EXPECT_FALSE(number.begins("2" + std::string(308, '0')) || number.begins("-1"));
}

TEST(BadSchemas, say_why_there_is_no_mask) {
  Automaton automaton;
  const Schema schema = Schema::parse(chain(3'000, [](Json next) { return member(next); })).value();
  SchemaCompiler(automaton, WritingStyle{}).rule(schema);
  ASSERT_TRUE(automaton.too_large());
  EXPECT_THAT(automaton.why_too_large(), testing::HasSubstr("more than 256 deep"));
}

TEST(BadSchemas, what_is_more_than_a_mask_counts_to_is_checked_afterwards) {
  Written text(Json{{"type", "string"}, {"minLength", 200'000}, {"maxLength", 300'000}});
  EXPECT_TRUE(text.begins("\"abc"));
  EXPECT_FALSE(text.begins("\"" + std::string(999, 'a') + "\""));
  EXPECT_TRUE(text.begins("\"" + std::string(1000, 'a') + "\""));
  for (const char* keyword : {"minItems", "minProperties", "minLength"}) {
    const auto schema = Schema::parse({{"type", "object"}, {"properties", {{"x", {{keyword, 1'000'000}}}}}, {"required", {"x"}}}).value();
    const MaskReport report = report_mask(schema);
    ASSERT_EQ(report.unmasked.size(), 1u) << keyword;
    EXPECT_EQ(report.unmasked[0].keyword, keyword);
  }
}

TEST(BadSchemas, what_a_schema_does_not_list_is_written_where_it_wants_more) {
  EXPECT_TRUE(Written(R"({"type":"object","properties":{},"minProperties":1})").takes(R"({"a": 1})"));
  EXPECT_TRUE(Written(R"({"type":"object","properties":{"a":{"type":"string"}},"minProperties":2})").takes(R"({"a": "x", "b": 1})"));
  EXPECT_FALSE(Written(R"({"type":"object","properties":{}})").takes(R"({"a": 1})"));
  EXPECT_TRUE(Written(R"({"type":"object"})").takes(R"({"a": 1})"));
}

TEST(BadSchemas, what_can_be_read_in_very_many_ways_ends_within_bounds) {
  // After n brackets each may belong to either alternative.
  Written lists(R"({"anyOf":[{"type":"array","items":{"$ref":"#"}},{"type":"array","items":{"$ref":"#"}},{"type":"null"}]})");
  EXPECT_TRUE(lists.takes("[[[[[[null]]]]]]"));
  Machine& machine = lists.machine();
  StateId state = machine.start();
  int n = 0;
  for (; state != kDeadState && n < 100; ++n) {
    state = machine.step(state, '[');
    if (state != kDeadState) {
      ASSERT_LE(machine.threads_of(state).size(), Machine::kMaxThreads);
    }
  }
  EXPECT_GT(n, 8);
  EXPECT_TRUE(machine.exhausted());
}

TEST(BadSchemas, numbers_that_are_none_are_refused_with_their_place) {
  const double infinite = std::numeric_limits<double>::infinity(), none = std::numeric_limits<double>::quiet_NaN();
  for (const double value : {infinite, -infinite, none}) {
    for (const char* keyword : {"minimum", "exclusiveMaximum", "multipleOf"})
      EXPECT_THAT(reason_of(member({{keyword, value}})), HasSubstr("/properties/a/" + std::string(keyword))) << value;
  }
  EXPECT_FALSE(Written("{}").takes("1e309")) << "a number that no double has cannot be written";
  EXPECT_TRUE(Written("{}").takes("1e308"));
}

TEST(BadSchemas, bytes_that_are_no_text_become_the_replacement_character) {
  Written list(Json{{"enum", {std::string("a\xed\xa0\x80"), "b"}}});
  EXPECT_TRUE(list.takes("\"b\""));
  EXPECT_FALSE(list.begins("\"a\xed"));
}

}  // namespace
}  // namespace baton::llm
