// The syntax of calls, learned from templates in forty-two published conventions, and answers of models of these families, read back.
#include <baton/llm/call_parser/call_parser.h>
#include <gtest/gtest.h>

#include <iostream>

#include "tool_families.h"

namespace baton::llm {
namespace {

using namespace baton::test;

struct Answer {
  std::string text, reasoning;
  Json calls = Json::array();
  std::string malformed;
  bool operator==(const Answer&) const = default;
};
std::ostream& operator<<(std::ostream& out, const Answer& a) {
  return out << "text <" << a.text << "> reasoning <" << a.reasoning << "> calls " << a.calls.dump() << " malformed <" << a.malformed
             << ">";
}

// cuts: places where the text is cut into pushes. certain: the calls are emitted while they are written.
Answer read(const Family& family, const std::string& text, std::vector<std::size_t> cuts, bool certain = false) {
  int ids = 0;
  CallParser parser({.tools = family.tools,
                     .syntax = family.syntax,
                     .parallel = true,
                     .starts_in_reasoning = family.starts_in_reasoning,
                     .new_call_id = [&] { return "call_" + std::to_string(++ids); }});
  std::vector<Delta> deltas;
  cuts.push_back(text.size());
  std::size_t at = 0;
  for (const std::size_t cut : cuts) {
    parser.push(std::string_view(text).substr(at, cut - at), 0, deltas);
    parser.certain(certain && parser.open_name());
    at = cut;
  }
  parser.finish(false, deltas);
  Answer answer;
  std::string written;
  for (const Delta& delta : deltas) {
    if (auto* more = std::get_if<TextDelta>(&delta)) answer.text += more->text;
    if (auto* more = std::get_if<ReasoningDelta>(&delta)) answer.reasoning += more->text;
    if (std::get_if<CallStarted>(&delta)) written.clear();
    if (auto* more = std::get_if<CallArguments>(&delta)) written += more->fragment;
    if (auto* call = std::get_if<CallFinished>(&delta)) {
      answer.calls.push_back({{"name", call->call.name}, {"arguments", call->call.arguments}});
      EXPECT_EQ(Json::parse(written, nullptr, false), call->call.arguments) << written;
    }
  }
  answer.malformed = parser.malformed();
  return answer;
}

std::string trimmed(const std::string& text) {
  const auto first = text.find_first_not_of(" \n"), last = text.find_last_not_of(" \n");
  return first == std::string::npos ? "" : text.substr(first, last + 1 - first);
}

class ToolSyntaxTest : public testing::TestWithParam<std::string> {};

TEST_P(ToolSyntaxTest, is_learned_and_reads_what_models_write) {
  const Family f = family(GetParam());
  const std::string shown = to_json(f.syntax).dump(1);
  EXPECT_TRUE(f.told["knows_tools"] != true || f.syntax.why.empty()) << shown;
  const bool has_parameters = f.syntax.form == ToolSyntax::Form::text && !f.syntax.has_json_arguments();
  EXPECT_EQ(has_parameters, std::count(kFamiliesWithParameters.begin(), kFamiliesWithParameters.end(), f.name) == 1) << shown;
  EXPECT_TRUE(f.told["parallel"] == false || f.syntax.parallel()) << shown;
  for (const Json& output : f.told["outputs"]) {
    const std::string text = output["text"];
    Answer wanted{trimmed(output["content"]), trimmed(output["reasoning"]), Json::array(), ""};
    for (const Json& call : output["calls"]) wanted.calls.push_back({{"name", call["name"]}, {"arguments", call["arguments"]}});
    Answer whole = read(f, text, {});
    whole.text = trimmed(whole.text);
    whole.reasoning = trimmed(whole.reasoning);
    EXPECT_EQ(whole, wanted) << output["case"] << "\n" << text << "\n" << shown;
    // Cut anywhere, the result is the same.
    std::vector<std::size_t> everywhere;
    for (std::size_t i = 1; i < text.size(); ++i) everywhere.push_back(i);
    for (const bool certain : {false, true}) {
      Answer cut = read(f, text, everywhere, certain);
      cut.text = trimmed(cut.text);
      cut.reasoning = trimmed(cut.reasoning);
      EXPECT_EQ(cut, wanted) << output["case"] << " byte by byte" << (certain ? ", given out while it is written" : "");
    }
  }
}

// Forms that models write whatever their template requires.
const std::vector<std::string> kCommonForms = {
    R"({"name": "get_weather", "arguments": {"city": "Oslo", "unit": "celsius"}})",
    "```json\n{\n  \"name\": \"get_weather\",\n  \"arguments\": {\n    \"city\": \"Oslo\"\n  }\n}\n```",
    "```json\n[\n    {\n        \"name\": \"get_time\",\n        \"arguments\": {}\n    },\n    {\n        \"name\": \"get_weather\",\n"
    "        \"arguments\": {\n            \"city\": \"Rome\"\n        }\n    }\n]\n```",
    "Two cities:\n<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Oslo\"}}\n</tool_call>"};

TEST_P(ToolSyntaxTest, common_forms_are_read_beside_the_templates_own) {
  Family f = family(GetParam());
  f.starts_in_reasoning = false;  // these do not end it
  for (const std::string& text : kCommonForms) {
    const Answer answer = read(f, text, {});
    EXPECT_FALSE(answer.calls.empty()) << text << "\n" << answer;
    EXPECT_EQ(answer.malformed, "") << text;
  }
}

// Every output, cut in two at every byte: the same items as the whole. scripts/check.sh stream counts the outputs.
TEST_P(ToolSyntaxTest, cut_at_any_byte_it_says_the_same) {
  const Family f = family(GetParam());
  std::vector<std::string> texts = kCommonForms;
  for (const Json& output : f.told["outputs"]) texts.push_back(output["text"]);
  std::size_t n_alike = 0;
  for (const std::string& text : texts) {
    const Answer whole = read(f, text, {});
    bool alike = true;
    for (std::size_t cut = 1; cut < text.size(); ++cut) {
      for (const bool certain : {false, true}) alike = alike && read(f, text, {cut}, certain) == whole;
    }
    EXPECT_TRUE(alike) << text;
    n_alike += alike;
  }
  std::cout << "outputs " << texts.size() << " alike " << n_alike << "\n";
}

INSTANTIATE_TEST_SUITE_P(Families, ToolSyntaxTest, testing::ValuesIn(families()), family_test_name);

}  // namespace
}  // namespace baton::llm
