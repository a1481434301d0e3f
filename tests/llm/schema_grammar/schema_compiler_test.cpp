#include "grammar_fixture.h"

#include <baton/llm/json_schema/formats.h>

namespace baton::llm {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(SchemaCompiler, any_value_is_any_json) {
  Written any("{}");
  for (const char* text : {"null", "true", "0", "-12.5", "1e5", R"("a\n\"ü𝄞")", "[]", R"([1, [2, {}], {"a": {"b": null}}])", "{}"})
    EXPECT_TRUE(any.takes(text)) << text;
  for (const char* text : {"", "nul", "01", "1.", "[1,2]", R"({"a":1})", "[1, ]", "\"\n\"", "'a'", R"({"a": 1, })", "\"\xff\"",
                           "\"\xc0\x80\"", "\"\xed\xa0\x80\""})
    EXPECT_FALSE(any.takes(text)) << text;
  EXPECT_TRUE(any.takes(R"("\u0041\u0001\t\/")"));
}

TEST(SchemaCompiler, objects_keep_the_order_of_their_properties_and_skip_optional_ones) {
  Written object(
      R"({"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"string"},"c":{"type":"boolean"}},"required":["b"],"additionalProperties":false})");
  for (const char* text : {R"({"b": "x"})", R"({"a": 1, "b": ""})", R"({"b": "x", "c": true})", R"({"a": -3, "b": "x", "c": false})"})
    EXPECT_TRUE(object.takes(text)) << text;
  for (const char* text :
       {"{}", R"({"a": 1})", R"({"b": "x", "a": 1})", R"({"b": 1})", R"({"b": "x", "d": 1})", R"({"b": "x", })", R"({"a": 1.5, "b": "x"})"})
    EXPECT_FALSE(object.takes(text)) << text;
}

TEST(SchemaCompiler, further_properties_have_other_names_and_their_own_schema) {
  Written object(R"({"type":"object","properties":{"ab":{"type":"integer"},"a\"":{}},"additionalProperties":{"type":"boolean"}})");
  EXPECT_TRUE(object.takes(R"({"ab": 1, "abc": true, "a": false, "": true, "b": true, "a\n": true})"));
  EXPECT_FALSE(object.takes(R"({"abc": true, "ab": true})"));
  EXPECT_FALSE(object.takes(R"({"a\"": 1, "a\"": true})"));
  EXPECT_FALSE(object.takes(R"({"x": 1})"));
}

// An open alternative accepts inner objects in any order. The allowed text after them depends on whether they also fit the other one.
TEST(SchemaCompiler, alternatives_of_bases_are_written_in_the_order_of_one_of_them) {
  Written engine(
      R"({"anyOf":[{"$ref":"#/$defs/Chain"},{"$ref":"#/$defs/Combo"}],"$defs":{
          "Chain":{"allOf":[{"$ref":"#/$defs/Parts"},{"type":"object","properties":{"type":{"const":"Chain"}},"required":["type"]}]},
          "Combo":{"allOf":[{"$ref":"#/$defs/Named"},
                            {"type":"object","properties":{"type":{"const":"Combo"}},"additionalProperties":true}]},
          "Parts":{"type":"object","properties":{"name":{"type":"string"},"parts":{"type":"array","items":{"$ref":"#/$defs/Part"}}}},
          "Named":{"type":"object","properties":{"name":{"type":"string"}},"additionalProperties":true},
          "Part":{"type":"object","properties":{"regex":{"type":"string"},"with":{"type":"string"}}}}})");
  EXPECT_TRUE(engine.takes(R"({"name": "a", "parts": [{"regex": "x", "with": "y"}], "type": "Chain"})"));
  EXPECT_TRUE(engine.takes(R"({"name": "a", "parts": [{"with": "y", "regex": "x"}]})"));
  EXPECT_FALSE(engine.takes(R"({"name": "a", "parts": [{"with": "y", "regex": "x"}], "type": "Chain"})"));
}

// The second choice is made within the rest that the first has left, and the parent, which leads to both, still exists.
TEST(SchemaCompiler, alternatives_that_hold_together_are_chosen_one_after_the_other) {
  Written required(
      R"({"type":"object","properties":{"a":{"type":"string"},"b":{"type":"string"},"c":{"type":"string"}},
          "allOf":[{"anyOf":[{"required":["a"]},{"required":["b"]}]},{"anyOf":[{"required":["c"]},{"required":["b"]}]}]})");
  for (const char* text : {R"({"b": ""})", R"({"a": "", "c": ""})", R"({"a": "", "b": "", "c": ""})"})
    EXPECT_TRUE(required.takes(text)) << text;
  for (const char* text : {"{}", R"({"a": ""})", R"({"c": ""})"}) EXPECT_FALSE(required.takes(text)) << text;
  Written referred(
      R"({"type":"object","allOf":[{"$ref":"#/$defs/A"},{"$ref":"#/$defs/B"}],"$defs":{
          "A":{"anyOf":[{"properties":{"x":{"type":"integer"}},"required":["x"]},{"properties":{"y":{"type":"integer"}},"required":["y"]}]},
          "B":{"oneOf":[{"properties":{"k":{"const":"p"}},"required":["k"]},{"properties":{"k":{"const":"q"}},"required":["k"]}]}}})");
  for (const char* text : {R"({"x": 1, "k": "p"})", R"({"y": 1, "k": "q"})"}) EXPECT_TRUE(referred.takes(text)) << text;
  for (const char* text : {R"({"x": 1})", R"({"k": "p"})", R"({"x": 1, "k": "r"})"}) EXPECT_FALSE(referred.takes(text)) << text;
  Written optional(
      R"({"type":"object","properties":{"filter":{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"string"}},
          "allOf":[{"anyOf":[{"required":["a"]},{"required":["b"]}]},{"anyOf":[{"properties":{"a":{"maxLength":2}}},{"required":["b"]}]}]}}})");
  for (const char* text : {"{}", R"({"filter": {"a": "xx"}})", R"({"filter": {"a": "xxx", "b": ""}})"})
    EXPECT_TRUE(optional.takes(text)) << text;
  for (const char* text : {R"({"filter": {}})", R"({"filter": {"a": "xxx"}})"}) EXPECT_FALSE(optional.takes(text)) << text;
}

TEST(SchemaCompiler, properties_that_nobody_named_are_written_only_where_the_schema_says_so) {
  EXPECT_FALSE(Written(R"({"type":"object","properties":{"a":{}}})").begins(R"({"b)"));
  EXPECT_TRUE(Written(R"({"type":"object","properties":{"a":{}},"additionalProperties":true})").takes(R"({"b": 1})"));
  EXPECT_TRUE(Written(R"({"type":"object"})").takes(R"({"b": 1})"));
}

TEST(SchemaCompiler, numbers_of_members_and_elements_are_counted) {
  Written two(
      R"({"type":"object","minProperties":2,"maxProperties":3,"properties":{"a":{},"b":{},"c":{},"d":{}},"additionalProperties":false})");
  EXPECT_FALSE(two.takes(R"({"a": 1})"));
  EXPECT_TRUE(two.takes(R"({"a": 1, "d": 1})"));
  EXPECT_TRUE(two.takes(R"({"a": 1, "b": 1, "d": [1, 2, 3, 4]})"));
  EXPECT_FALSE(two.takes(R"({"a": 1, "b": 1, "c": 1, "d": 1})"));
  EXPECT_FALSE(two.begins(R"({"a": 1, "b": 1, "c": 1, )")) << "a comma would lead nowhere";
  Written list(R"({"type":"array","items":{"type":"integer"},"minItems":2,"maxItems":3})");
  EXPECT_FALSE(list.takes("[1]"));
  EXPECT_TRUE(list.takes("[1, 2]"));
  EXPECT_TRUE(list.takes("[1, 2, 3]"));
  EXPECT_FALSE(list.begins("[1, 2, 3,"));
  Written tuple(
      R"({"type":"array","prefixItems":[{"type":"integer"},{"type":"string"}],"items":{"type":"null"},"minItems":1,"maxItems":4})");
  for (const char* text : {"[1]", R"([1, "a"])", R"([1, "a", null])", R"([1, "a", null, null])"}) EXPECT_TRUE(tuple.takes(text)) << text;
  for (const char* text : {"[]", "[\"a\"]", "[1, 2]", R"([1, "a", 1])", R"([1, "a", null, null, null])"})
    EXPECT_FALSE(tuple.takes(text)) << text;
  Written none(R"({"type":"array","items":false})");
  EXPECT_TRUE(none.takes("[]"));
  EXPECT_FALSE(none.begins("[1"));
}

TEST(SchemaCompiler, counts_never_lead_into_a_dead_end) {
  Written three(R"({"type":"object","minProperties":3,"properties":{"a":{},"b":{},"c":{},"d":{}},"additionalProperties":false})");
  EXPECT_FALSE(three.begins(R"({"c)")) << "only two would be left";
  EXPECT_TRUE(three.takes(R"({"b": 1, "c": 1, "d": 1})"));
  Written room(
      R"({"type":"object","maxProperties":2,"properties":{"a":{},"b":{},"c":{}},"required":["b","c"],"additionalProperties":false})");
  EXPECT_FALSE(room.begins(R"({"a)")) << "the required ones need the room";
  Written pattern(R"({"type":"string","pattern":"^a*$","minLength":2,"maxLength":3})");
  EXPECT_FALSE(pattern.takes("\"a\""));
  EXPECT_TRUE(pattern.takes("\"aaa\""));
  EXPECT_FALSE(pattern.begins("\"aaaa"));
  Written never(R"({"type":"string","pattern":"^a{2}$","minLength":5})");
  EXPECT_FALSE(never.begins("\""));
  EXPECT_FALSE(Written(R"({"type":"object","minProperties":2,"properties":{"a":{}},"additionalProperties":false})").begins("{"));
}

TEST(SchemaCompiler, strings_have_lengths_in_characters_patterns_and_formats) {
  Written length(R"({"type":"string","minLength":2,"maxLength":3})");
  EXPECT_FALSE(length.takes("\"a\""));
  EXPECT_TRUE(length.takes("\"𝄞ü\""));
  EXPECT_TRUE(length.takes("\"\\n\\u0001\\\"\""));
  EXPECT_FALSE(length.begins("\"abcd"));
  Written pattern(R"({"type":"string","pattern":"^[a-c]+-\\d{2,3}$"})");
  EXPECT_TRUE(pattern.takes("\"abc-12\""));
  EXPECT_FALSE(pattern.begins("\"d"));
  EXPECT_FALSE(pattern.takes("\"a-1\""));
  EXPECT_FALSE(pattern.begins("\"a-1234"));
  Written inside(R"({"type":"string","pattern":"foo|^bar$","maxLength":6})");
  for (const char* text : {"\"foo\"", "\"a foo\"", "\"fofoo!\"", "\"bar\""}) EXPECT_TRUE(inside.takes(text)) << text;
  for (const char* text : {"\"bar \"", "\"fo\"", "\"a foo b\""}) EXPECT_FALSE(inside.takes(text)) << text;
  Written quoted(R"({"type":"string","pattern":"^[\"\\\\\\n]$"})");
  for (const char* text : {R"("\"")", R"("\\")", R"("\n")"}) EXPECT_TRUE(quoted.takes(text)) << text;
  Written tags(R"({"type":"string","pattern":"^([^,]+(,|$)){3,}$"})");
  EXPECT_TRUE(tags.takes("\"a,b,c\"") && tags.takes("\"a,b,c,d\"") && tags.takes("\"a,b,c,\""));
  EXPECT_FALSE(tags.takes("\"abc\"") || tags.takes("\"a,b\"") || tags.takes("\"a,b,\""));
  Written ahead(R"({"type":"string","pattern":"^(?=a)b$"})");
  EXPECT_THAT(ahead.unmasked(), ElementsAre(" pattern"));
  EXPECT_TRUE(ahead.takes("\"anything\""));
}

TEST(SchemaCompiler, formats_are_written_as_the_validator_reads_them) {
  const auto check = [](const char* format, const std::vector<std::string>& texts) {
    Written written(Json{{"type", "string"}, {"format", format}});
    for (const std::string& text : texts)
      EXPECT_EQ(written.takes_value(Json(text)), find_format(format)->matches(text)) << format << " " << text;
  };
  check("date",
        {"2024-02-29", "2023-02-29", "1900-02-29", "2000-02-29", "2024-04-31", "2024-12-31", "2024-13-01", "2024-00-10", "2024-1-1", ""});
  check("time", {"23:59:59Z", "24:00:00Z", "10:20:30.5+02:00", "10:20:30", "10:20:30.Z", "10:20:30-23:59", "10:20:30+24:00"});
  check("date-time", {"2024-02-29T10:00:00Z", "2024-02-29 10:00:00Z", "2024-02-30T10:00:00Z", "2024-02-28t10:00:00z"});
  check("duration", {"P1W", "P1Y2M3D", "P1YT1H", "PT", "P", "PT1M1H", "P1D1Y", "PT1H2S", "P1Y1D", "P1W1D"});
  check("uuid", {"123e4567-e89b-12d3-a456-426614174000", "123e4567e89b-12d3-a456-426614174000", "123E4567-E89B-12D3-A456-42661417400"});
  check("ipv4", {"1.2.3.4", "255.255.255.255", "256.1.1.1", "01.2.3.4", "1.2.3", "0.0.0.0"});
  check("ipv6", {"::", "::1", "1::", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:8:9", "::1.2.3.4", "1::2::3",
                 "12345::", "a:b:c:d:e:f:1.2.3.4", "1:2:3:4:5:6:7"});
  check("hostname", {"a", "a-b.example", "-a", "a-", "a..b", "", std::string(63, 'x'), std::string(64, 'x')});
  check("email", {"a@b", "a.b+c@d.example", ".a@b", "a.@b", "a..b@c", "@b", "a@", "a b@c"});
  check("uri", {"https://example.com/a?b#c", "mailto:a@b", "a:", ":a", "1a:b", "https://u:p@h:80/", "http://a b", "urn:x:y", "http:///p",
                "a://b%zz", "a:/b//c", "file:///x"});
}

TEST(SchemaCompiler, numbers_keep_their_bounds) {
  const auto check = [](const char* schema, const std::vector<std::string>& texts) {
    Written written(schema);
    for (const std::string& text : texts)
      EXPECT_EQ(written.takes(text), written.schema().validate(Json::parse(text)).empty()) << schema << " " << text;
  };
  std::vector<std::string> integers;
  for (int i = -1205; i <= 1205; ++i) integers.push_back(std::to_string(i));
  for (const char* schema :
       {R"({"type":"integer","minimum":3})", R"({"type":"integer","maximum":-7})", R"({"type":"integer","minimum":-12,"maximum":1003})",
        R"({"type":"integer","exclusiveMinimum":9,"exclusiveMaximum":100})", R"({"type":"integer","minimum":0.5,"maximum":99.5})",
        R"({"type":"integer","multipleOf":7})", R"({"type":"integer","multipleOf":12,"minimum":-50,"maximum":700})",
        R"({"type":"integer","minimum":0})", R"({"type":"integer","minimum":-1,"maximum":-1})",
        R"({"type":"number","minimum":-99.5,"maximum":100})"}) {
    check(schema, integers);
  }
  const std::vector<std::string> decimals = {"0",    "0.5",   "0.49",  "0.51", "0.50", "0.5001", "1",     "1.0",  "1.00", "1.001", "0.999",
                                             "-0.5", "-0.25", "-0.75", "10.5", "9.99", "100",    "99.99", "0.05", "0.1",  "0.10",  "0.123"};
  for (const char* schema : {
           R"({"type":"number","minimum":0.5,"maximum":1})",
           R"({"type":"number","exclusiveMinimum":0.5,"exclusiveMaximum":1})",
           R"({"type":"number","minimum":-0.5})",
           R"({"type":"number","maximum":-0.25})",
           R"({"type":"number","exclusiveMinimum":0})",
           R"({"type":"number","minimum":0.05,"maximum":10.5})",
       }) {
    check(schema, decimals);
  }
  // A number of decimal places is kept by not writing more, be they zeros.
  Written tenths(R"({"type":"number","multipleOf":0.1,"minimum":0.15})");
  for (const char* text : {"0.2", "1", "1.0", "12.5"}) EXPECT_TRUE(tenths.takes(text)) << text;
  for (const char* text : {"0.1", "0.25", "0.20", "0"}) EXPECT_FALSE(tenths.takes(text)) << text;
}

TEST(SchemaCompiler, numbers_are_such_as_a_reader_has_a_number_for) {
  for (const char* schema : {R"({"type":"number"})", R"({"type":"integer"})", R"({"type":"number","minimum":5})"}) {
    Written number(schema);
    EXPECT_TRUE(number.takes(std::string(80, '7'))) << schema;
    EXPECT_FALSE(number.begins(std::string(81, '7'))) << schema;
    EXPECT_TRUE(number.takes("1e308")) << schema;
    EXPECT_FALSE(number.takes("1e309")) << schema;
  }
  Written free(R"({"type":"number"})");
  for (const char* text : {"1.7976931348623157e308", "4.9e-324", "5E-324", "-1.5E+300", "0e0", "0.00e-7", "-0.0", "1e05", "12.5e-007"})
    EXPECT_TRUE(free.takes(text)) << text;
  for (const char* text : {"1.7976931348623158e308", "2e308", "4e-324", "1e", "1e+", "1.e5", "01e5", "1e1000", "e5"})
    EXPECT_FALSE(free.takes(text)) << text;
  Written below(R"({"type":"number","exclusiveMaximum":1,"exclusiveMinimum":0.5})");
  EXPECT_TRUE(below.takes("0.99999999999999"));
  EXPECT_FALSE(below.begins("0." + std::string(20, '9')));
  EXPECT_FALSE(below.begins("0.5" + std::string(20, '0') + "1"));
  EXPECT_TRUE(Written(R"({"type":"number","exclusiveMinimum":0,"exclusiveMaximum":1e-15})").takes("0.0000000000000005"));
  Written large(R"({"type":"number","exclusiveMaximum":1e15})");
  EXPECT_TRUE(large.takes("0.5") && large.takes("999999999999999"));
  EXPECT_FALSE(large.begins("999999999999999.9"));
  Written wide(R"({"type":"integer","exclusiveMaximum":1e20})");  // a bound that no 64 bits hold
  EXPECT_TRUE(wide.takes("99999999999999999998"));
  EXPECT_EQ(wide.unmasked(), std::vector<std::string>{" exclusiveMaximum"});
  Written id(R"({"type":"integer","minimum":0,"exclusiveMaximum":9223372036854775808})");
  EXPECT_TRUE(id.takes("9223372036854775807") && id.takes("1234567890123456789"));
  EXPECT_FALSE(id.takes("9223372036854775808"));
  EXPECT_EQ(id.unmasked(), std::vector<std::string>());
  EXPECT_TRUE(Written(R"({"type":"integer","exclusiveMinimum":1577836800000000000})").takes("1577836800000000001"));
  EXPECT_TRUE(Written(R"({"type":"integer","multipleOf":2,"minimum":10000000000000000000})").takes("10000000000000000002"));
  EXPECT_TRUE(Written(R"({"type":"number","exclusiveMinimum":0.1234567890123456,"exclusiveMaximum":0.1234567890123459})")
                  .takes("0.1234567890123457"));
  EXPECT_TRUE(Written(R"({"type":"number","minimum":1e308})").takes_value(1e308));
  EXPECT_FALSE(Written(R"({"type":"number","exclusiveMinimum":0.01,"exclusiveMaximum":2})").begins("1.9999999999999999"));
  EXPECT_FALSE(Written(R"({"type":"number","exclusiveMinimum":5})").begins(std::string(20, '9')));
  EXPECT_FALSE(Written(R"({"type":"number","exclusiveMinimum":0})").begins("0." + std::string(310, '0')));
  EXPECT_FALSE(Written(R"({"type":"integer","multipleOf":3})").begins("1" + std::string(22, '0')));
  EXPECT_FALSE(Written(R"({"type":"number","minimum":1e150})").begins(std::string(320, '2')));
  Written above(R"({"type":"number","exclusiveMinimum":0})");
  EXPECT_TRUE(above.takes("0." + std::string(40, '0') + "1"));
}

TEST(SchemaCompiler, not_is_masked_where_it_names_types_or_strings) {
  Written no_null(R"({"not":{"type":["null","array"]}})");
  EXPECT_TRUE(no_null.takes("1") && no_null.takes("\"null\"") && no_null.takes("{}"));
  EXPECT_FALSE(no_null.begins("n") || no_null.begins("["));
  EXPECT_EQ(no_null.unmasked(), std::vector<std::string>());
  Written words(R"({"type":"string","not":{"enum":["root","admin"]}})");
  EXPECT_TRUE(words.takes("\"roots\"") && words.takes("\"adm\"") && words.takes("\"\""));
  EXPECT_FALSE(words.takes("\"root\"") || words.takes("\"admin\""));
  EXPECT_EQ(words.unmasked(), std::vector<std::string>());
  // An integer is a number, too; and lengths are counted elsewhere.
  EXPECT_EQ(Written(R"({"not":{"type":"integer"}})").unmasked(), std::vector<std::string>{" not"});
  EXPECT_EQ(Written(R"({"type":"string","maxLength":5,"not":{"const":"root"}})").unmasked(), std::vector<std::string>{" not"});
}

TEST(SchemaCompiler, listed_values_are_those_that_all_else_allows) {
  Written listed(R"({"enum":["a",1,null,{"k":[1,2]}],"type":["string","object","integer"],"not":{"const":1}})");
  EXPECT_TRUE(listed.takes("\"a\""));
  EXPECT_TRUE(listed.takes(R"({"k": [1, 2]})"));
  EXPECT_FALSE(listed.takes("1"));
  EXPECT_FALSE(listed.takes("null"));
  EXPECT_THAT(listed.unmasked(), IsEmpty());
}

TEST(SchemaCompiler, alternatives_hold_together_with_what_stands_beside_them) {
  Written both(
      R"({"type":"object","properties":{"a":{"type":"integer"}},"required":["a"],"anyOf":[{"properties":{"b":{"type":"string"}},"required":["b"]},{"properties":{"a":{"maximum":5}}}],"additionalProperties":true})");
  EXPECT_TRUE(both.takes(R"({"a": 9, "b": "x"})"));
  EXPECT_TRUE(both.takes(R"({"a": 5})"));
  EXPECT_FALSE(both.takes(R"({"a": 9})"));
  Written all(R"({"allOf":[{"type":"string","minLength":2},{"maxLength":3},{"$ref":"#/$defs/p"}],"$defs":{"p":{"pattern":"^a"}}})");
  EXPECT_TRUE(all.takes("\"abc\""));
  EXPECT_FALSE(all.begins("\"b"));
  EXPECT_FALSE(all.begins("\"abcd"));
  Written one(R"({"oneOf":[{"type":"string"},{"type":"null"}]})");
  EXPECT_THAT(one.unmasked(), IsEmpty());
  EXPECT_TRUE(one.takes("null"));
  Written overlapping(R"({"oneOf":[{"minimum":1},{"maximum":3}]})");
  EXPECT_THAT(overlapping.unmasked(), ElementsAre(" oneOf"));
}

TEST(SchemaCompiler, white_space_is_free_where_the_style_says_so) {
  const Schema schema =
      Schema::parse(Json::parse(R"({"type":"object","properties":{"a":{"type":"array","items":{"type":"integer"}},"b":{}}})")).value();
  Automaton automaton;
  SchemaCompiler compiler(automaton, {.free_space = true});
  const NodeId start = compiler.rule(schema);
  automaton.prune(start);
  Machine machine(automaton, start);
  const auto takes = [&](const std::string& text) {
    StateId state = machine.start();
    for (std::size_t i = 0; i < text.size() && state != kDeadState; ++i) state = machine.step(state, static_cast<std::uint8_t>(text[i]));
    return state != kDeadState && machine.accepts(state);
  };
  for (const char* text : {R"({"a": [1, 2], "b": {"c": []}})", R"({"a":[1,2],"b":{"c":[]}})",
                           "{\n  \"a\": [\n    1,\n    2\n  ],\n  \"b\": {\n    \"c\": [ ]\n  }\n}"})
    EXPECT_TRUE(takes(text)) << text;
  Json deep = Json::array({1, 2});  // the depth of a call in a list of calls, and deeper
  for (int i = 0; i < 9; ++i) deep = {{"b", deep}};
  EXPECT_TRUE(takes(deep.dump(4)));
  EXPECT_FALSE(takes("{" + std::string(2 * kMaxSpace + 1, ' ') + "}"));
  EXPECT_TRUE(takes(R"({"a" : []})"));
  EXPECT_FALSE(takes(R"({"a": [1 , 2]})"));
}

// A base comes before its extensions, wherever it is defined.
TEST(SchemaCompiler, properties_of_a_base_come_first_in_the_order_of_the_schema) {
  const char* defs =
      R"("$defs":{"Animal":{"type":"object","properties":{"name":{"type":"string"},"species":{"type":"string"}},"required":["name","species"]},
      "Named":{"properties":{"id":{"type":"integer"}}}})";
  const std::string own = R"("properties":{"age":{"type":"integer"},"owner":{"type":"string"}})", base = R"({"$ref":"#/$defs/Animal"})";
  const std::string whole = R"({"name": "Rex", "species": "dog", "age": 5, "owner": "Bob"})";
  for (const std::string& schema : {R"({"allOf":[)" + base + R"(,{"type":"object",)" + own + "}]," + defs + "}",  //
                                    R"({"$ref":"#/$defs/Animal",)" + own + "," + defs + "}",                      //
                                    "{" + own + R"(,"$ref":"#/$defs/Animal",)" + defs + "}",                      //
                                    "{" + own + R"(,"allOf":[)" + base + "]," + defs + "}",                       //
                                    R"({"allOf":[{"allOf":[)" + base + "]},{" + own + "}]," + defs + "}"}) {
    EXPECT_TRUE(Written(schema.c_str()).takes(whole)) << schema;
    EXPECT_FALSE(Written(schema.c_str()).begins(R"({"age")")) << schema;
  }
  // Each in its own order, though the base is the same.
  Written both((R"({"properties":{"a":{"allOf":[{"$ref":"#/$defs/Named"},)" + base + R"(]},"b":{"allOf":[)" + base +
                R"(,{"$ref":"#/$defs/Named"}]}},)" + defs + "}")
                   .c_str());
  EXPECT_TRUE(both.takes(R"({"a": {"id": 1, "name": "x", "species": "y"}, "b": {"name": "x", "species": "y", "id": 1}})"));
  Written siblings(R"({"properties":{"a":{"type":"integer"}},"allOf":[{"properties":{"b":{"type":"integer"}}}]})");
  EXPECT_TRUE(siblings.takes(R"({"a": 1, "b": 2})"));
  Written before(R"({"allOf":[{"properties":{"b":{"type":"integer"}}}],"properties":{"a":{"type":"integer"}}})");
  EXPECT_TRUE(before.takes(R"({"b": 2, "a": 1})"));
}

TEST(SchemaCompiler, recursion_needs_no_end) {
  Written tree(
      R"({"$ref":"#/$defs/tree","$defs":{"tree":{"type":"object","properties":{"v":{"type":"integer"},"next":{"anyOf":[{"$ref":"#/$defs/tree"},{"type":"null"}]}},"required":["v","next"],"additionalProperties":false}}})");
  std::string text = "null";
  for (int i = 0; i < 300; ++i) text = R"({"v": 1, "next": )" + text + "}";
  EXPECT_TRUE(tree.takes(text));
  EXPECT_FALSE(tree.takes(text + "}"));
  // A node that counts its elements, and leads back to itself.
  Written counted(R"({"type":"object","properties":{"of":{"type":"array","items":{"$ref":"#"},"minItems":1},"n":{"type":"integer"}}})");
  for (const char* value : {"{}", R"({"n": 1})", R"({"of": [{}]})", R"({"of": [{"of": [{"n": 1}]}, {}], "n": 2})"})
    EXPECT_TRUE(counted.takes(value)) << value;
  EXPECT_FALSE(counted.begins(R"({"of": []})"));
  Written endless(R"({"$ref":"#/$defs/n","$defs":{"n":{"type":"object","properties":{"n":{"$ref":"#/$defs/n"}},"required":["n"]}}})");
  EXPECT_FALSE(endless.possible());
}

TEST(SchemaCompiler, what_cannot_be_valid_is_not_begun) {
  EXPECT_FALSE(Written("false").possible());
  EXPECT_FALSE(Written(R"({"type":"object","properties":{"a":false},"required":["a"]})").possible());
  EXPECT_FALSE(Written(R"({"type":"string","minLength":3,"maxLength":2})").possible());
  EXPECT_FALSE(Written(R"({"type":"integer","minimum":1.2,"maximum":1.8})").possible());
  Written optional(R"({"type":"object","properties":{"a":false,"b":{"type":"integer"}}})");
  EXPECT_FALSE(optional.begins(R"({"a")"));
  EXPECT_TRUE(optional.takes(R"({"b": 1})"));
}

TEST(SchemaCompiler, names_what_is_checked_afterwards) {
  Written loose(R"({"type":"array","uniqueItems":true,"contains":{"const":1},"items":{"type":"number","multipleOf":0.3}})");
  EXPECT_THAT(loose.unmasked(), testing::UnorderedElementsAre(" contains", " uniqueItems", "/items multipleOf"));
  Written patterns(R"({"type":"object","patternProperties":{"^x_":{"type":"integer"}},"additionalProperties":false})");
  EXPECT_THAT(patterns.unmasked(), IsEmpty());
  EXPECT_TRUE(patterns.takes(R"({"x_a": 1, "x_b": 2})"));
  EXPECT_FALSE(patterns.begins(R"({"y)"));
  Written ahead(R"({"type":"object","patternProperties":{"^(?!x)a":{"type":"integer"}},"additionalProperties":false})");
  EXPECT_THAT(ahead.unmasked(), ElementsAre(" patternProperties", " additionalProperties"));
  EXPECT_TRUE(ahead.takes(R"({"ab": 1})")) << "a pattern that cannot be masked must not keep its names from being written";
  EXPECT_FALSE(ahead.takes(R"({"ab": "x"})"));
  // Names with a pattern are constrained by it alone.
  EXPECT_THAT(
      Written(R"({"type":"object","patternProperties":{"^x":{}},"propertyNames":{"maxLength":2},"additionalProperties":false})").unmasked(),
      ElementsAre(" propertyNames"));
  EXPECT_THAT(Written(R"({"type":"object","properties":{"xy":{"maxLength":2}},"patternProperties":{"^x":{}},"additionalProperties":false})")
                  .unmasked(),
              ElementsAre(" patternProperties", " properties"));
  Written names(R"({"type":"object","propertyNames":{"maxLength":2},"additionalProperties":{"type":"integer"}})");
  EXPECT_THAT(names.unmasked(), IsEmpty());
  EXPECT_TRUE(names.takes(R"({"ab": 1, "c": 2, "de": 3})"));
  EXPECT_FALSE(names.begins(R"({"abc)"));
}

}  // namespace
}  // namespace baton::llm
