// baton tools check: shows authors of tool definitions their errors before a model is asked.
#include <gmock/gmock.h>

#include "cli_fixture.h"

namespace baton {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

TEST_F(CliTest, tools_check_tells_what_a_mask_holds_and_what_is_checked_afterwards) {
  const std::string tools = file("tools.json", R"([{"type":"function","function":{"name":"pay","parameters":{"type":"object","properties":{
    "to":{"type":"string","pattern":"^(?!x)y"},"amount":{"type":"integer","minimum":1},"tags":{"type":"array","uniqueItems":true}},
    "required":["to"],"not":{"required":["tags","amount"]}}}}, {"name":"now"}])");
  const Output table = baton("tools check " + tools);
  EXPECT_EQ(table.code, 0) << table.text;
  EXPECT_THAT(table.text, AllOf(HasSubstr("enforced while it is written: type, properties, required"), HasSubstr("minimum")));
  EXPECT_THAT(table.text, AllOf(HasSubstr("afterwards: /properties/to/pattern: look-ahead"), HasSubstr("2 tools, 0 errors")));

  const Output report = baton("tools check --json " + tools);
  ASSERT_EQ(report.code, 0) << report.text;
  const Json json = Json::parse(report.text);
  const Json& pay = json["tools"][0];
  EXPECT_EQ(pay["place"], "/0/function");
  EXPECT_EQ(pay["refused"], nullptr);
  EXPECT_GT(pay["nodes"], json["tools"][1]["nodes"]);
  std::set<std::string> left;
  for (const Json& one : pay["checked_afterwards"])
    left.insert(one["pointer"].get<std::string>() + " " + one["keyword"].get<std::string>());
  EXPECT_EQ(left, (std::set<std::string>{"/properties/to pattern", "/properties/tags uniqueItems", " not"}));
  for (const Json& keyword : pay["masked"]) EXPECT_NE(keyword, "pattern");
}

TEST_F(CliTest, tools_check_names_every_fault_with_its_place_and_fails) {
  const Output found = baton("tools check " + file("tools.json", R"({"tools":[
    {"name":"a","parameters":{"type":"object","properties":{"x":{"type":"text"}}}},
    {"name":"math.hypot","parameters":{"type":"object","properties":{"x":{"type":"number"}},"properties":{}}},
    {"name":"b"},{"name":"b"},{"name":"tab\there"},{"description":"none"},{"name":"list","parameters":{"type":"array"}},
    {"name":"wrong name","url":"https://x.test/"},7,{"name":"m","input_schema":{"type":"object"},"description":5}]})"));
  EXPECT_EQ(found.code, 1) << found.text;
  EXPECT_THAT(found.text, HasSubstr("at /properties/x/type: type must be"));
  EXPECT_THAT(found.text, HasSubstr("a model writes it as \"math.hypot\""));
  EXPECT_THAT(found.text, HasSubstr("/tools/1/parameters/properties: this key occurs twice"));
  EXPECT_THAT(found.text, HasSubstr("an earlier tool has the same name"));
  EXPECT_THAT(found.text, HasSubstr("its name holds a control character"));
  EXPECT_THAT(found.text, HasSubstr("it has no name"));
  EXPECT_THAT(found.text, HasSubstr("do not describe an object"));
  EXPECT_THAT(found.text, HasSubstr("a tool of an API file has a name of"));
  EXPECT_THAT(found.text, HasSubstr("/tools/8"));
  EXPECT_THAT(found.text, HasSubstr("the field \"input_schema\" is not known"));
  EXPECT_THAT(found.text, HasSubstr("its description is not a string"));
  EXPECT_THAT(found.text, HasSubstr("10 tools, 10 errors"));
}

TEST_F(CliTest, tools_check_lists_annotations_and_what_they_may_have_meant) {
  const std::string tools = file("tools.json", R"([{"name":"a","parameters":{"type":"object","properties":{
    "x":{"enum":["a"],"enumNames":["A"],"descirption":"..","readonly":true,"x-note":1}}}}])");
  const Output found = baton("tools check " + tools);
  EXPECT_EQ(found.code, 0) << found.text;
  EXPECT_THAT(found.text, HasSubstr("annotation: /properties/x/enumNames\n"));
  EXPECT_THAT(found.text, HasSubstr("annotation: /properties/x/descirption: is description meant?"));
  EXPECT_THAT(found.text, HasSubstr("annotation: /properties/x/readonly: is readOnly meant?"));
  EXPECT_THAT(found.text, Not(HasSubstr("x-note")));
  const Output report = baton("tools check --json " + tools);
  EXPECT_EQ(Json::parse(report.text)["tools"][0]["annotations"][1],
            (Json{{"pointer", "/properties/x"}, {"keyword", "descirption"}, {"meant", "description"}}));
}

TEST_F(CliTest, tools_check_tells_what_nobody_checks_and_what_can_never_be_called) {
  const Output found = baton("tools check " + file("tools.json", R"([
    {"name":"a","parameters":{"type":"object","properties":{"x":{"type":"string","format":"byte","contentEncoding":"base64"}}}},
    {"name":"b","parameters":{"type":"object","properties":{"x":false},"required":["x"]}},
    {"name":"c","parameters":{"type":"object","properties":{"x":{"type":"string","minLength":2000000}}}}])"));
  EXPECT_EQ(found.code, 1) << found.text;
  EXPECT_THAT(found.text, HasSubstr("never: /properties/x/format: \"byte\" is an unknown format"));
  EXPECT_THAT(found.text, HasSubstr("never: /properties/x/contentEncoding: an annotation, which is not checked"));
  EXPECT_THAT(found.text, HasSubstr("it can never be called"));
  EXPECT_THAT(found.text, HasSubstr("minLength: a mask counts to 1000: it is checked afterwards"));
  EXPECT_THAT(found.text, HasSubstr("3 tools, 1 error"));
}

TEST_F(CliTest, tools_check_needs_the_model_that_it_is_asked_about) {
  const Output found = baton("tools check --model nowhere.gguf " + file("tools.json", R"([{"name":"a"}])"));
  EXPECT_EQ(found.code, 1);
  EXPECT_THAT(found.text, HasSubstr("nowhere.gguf"));
}

TEST_F(CliTest, tools_check_takes_api_files_and_refuses_what_holds_no_tools) {
  const Output weather = baton("tools check " + std::string(BATON_SOURCE_DIR) + "/examples/weather_api.json");
  EXPECT_EQ(weather.code, 0) << weather.text;
  EXPECT_THAT(weather.text, AllOf(HasSubstr("get_weather"), HasSubstr("1 tool, 0 errors"), Not(HasSubstr("afterwards"))));
  for (const char* text : {"", "7", "[]", "{}", R"({"tools":{}})", "[{\"name\":\"\\ud800\"}]", "[NaN]", "[1e999]"}) {
    const Output found = baton("tools check " + file("none.json", text));
    EXPECT_EQ(found.code, 1) << text;
    EXPECT_THAT(found.text, HasSubstr("none.json")) << text;
  }
}

}  // namespace
}  // namespace baton
