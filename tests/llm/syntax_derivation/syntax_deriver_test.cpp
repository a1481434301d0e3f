// Syntaxes for calls that no published template has: each is learned from a template that shows it, or refused with its reason.
#include <baton/llm/call_parser/call_parser.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "chat_fixture.h"

namespace baton::llm {
namespace {

using namespace baton::test;
using testing::HasSubstr;

// A template that shows an answer's calls in this form.
PromptBuilder builder(const Tokenizer& tokenizer, const std::string& calls, const std::string& reasoning = "") {
  const std::string source = R"({%- if tools %}{{ '<S>' ~ (tools | tojson) ~ '<E>' }}{% endif -%}
{%- for m in messages -%}
{{- '<' ~ m.role ~ '>' -}}
{%- if m.reasoning_content is defined %}{{ ')" +
                             reasoning +
                             R"(' }}{% endif -%}
{{- m.content or '' -}}
{%- if m.tool_calls -%})" + calls +
                             R"({%- endif -%}
{{- '<E>' -}}
{%- endfor -%}
{%- if add_generation_prompt %}{{ '<assistant>' }}{% endif -%})";
  return PromptBuilder(tokenizer, chat_template(source.c_str()), "model", some_day);
}

struct Way {
  const char* name;
  const char* calls;    // of the template
  const char* written;  // by the model: get_weather("it's \"Oslo\"\n"), get_time()
};

const std::vector<Way> kWays = {
    {"other_keys",
     R"({%- for c in m.tool_calls %}{{ '<call>' ~ ({'version': 2, 'tool_id': c.function.name, 'args': c.function.arguments} | tojson) ~ '</call>' }}{% endfor -%})",
     R"(<call>{"version": 2, "tool_id": "get_weather", "args": {"city": "it's \"Oslo\"\n"}}</call><call>{"version": 2, "tool_id": "get_time", "args": {}}</call>)"},
    {"a_separator_between_objects",
     R"({{- '<call>' }}{%- for c in m.tool_calls %}{{ ({'name': c.function.name, 'arguments': c.function.arguments} | tojson) ~ (' <and> ' if not loop.last) }}{% endfor -%})",
     R"(<call>{"name": "get_weather", "arguments": {"city": "it's \"Oslo\"\n"}} <and> {"name": "get_time", "arguments": {}})"},
    {"numbered",
     R"({%- for c in m.tool_calls %}{{ '<call_' ~ loop.index ~ '>' ~ ({'name': c.function.name, 'arguments': c.function.arguments} | tojson) ~ '</call_' ~ loop.index ~ '>' }}{% endfor -%})",
     R"(<call_1>{"name": "get_weather", "arguments": {"city": "it's \"Oslo\"\n"}}</call_1><call_2>{"name": "get_time", "arguments": {}}</call_2>)"},
    {"lines", R"({%- for c in m.tool_calls %}{{ '!' ~ c.function.name ~ ' ' ~ (c.function.arguments | tojson) ~ '\n' }}{% endfor -%})",
     "!get_weather {\"city\": \"it's \\\"Oslo\\\"\\n\"}\n!get_time {}\n"},
    {"json_in_tags",
     R"({%- for c in m.tool_calls %}{{ '<run n="' ~ c.function.name ~ '">' }}{% for k, v in c.function.arguments.items() %}{{ '<p n="' ~ k ~ '">' ~ (v | tojson) ~ '</p>' }}{% endfor %}{{ '</run>' }}{% endfor -%})",
     R"(<run n="get_weather"><p n="city">"it's \"Oslo\"\n"</p></run><run n="get_time"></run>)"},
    {"yaml",
     R"({%- for c in m.tool_calls %}{{ '<call>\n- ' ~ c.function.name ~ ':\n' }}{% for k, v in c.function.arguments.items() %}{{ '    ' ~ k ~ ': ' ~ (v | tojson) ~ '\n' }}{% endfor %}{{ '</call>\n' }}{% endfor -%})",
     "<call>\n- get_weather:\n    city: \"it's \\\"Oslo\\\"\\n\"\n</call>\n<call>\n- get_time:\n</call>\n"},
    {"semicolons",
     R"({%- for c in m.tool_calls %}{{ '<call>' ~ c.function.name ~ '(' }}{% for k, v in c.function.arguments.items() %}{{ k ~ '=' ~ (v | tojson) ~ ('; ' if not loop.last) }}{% endfor %}{{ ')</call>' }}{% endfor -%})",
     R"(<call>get_weather(city="it's \"Oslo\"\n")</call><call>get_time()</call>)"},
    {"single_quotes",
     R"({{- '<call>[' }}{%- for c in m.tool_calls %}{{ c.function.name ~ '(' }}{% for k, v in c.function.arguments.items() %}{{ k ~ '=' ~ ("'" ~ (v | replace('\\', '\\\\') | replace("'", "\\'") | replace('\n', '\\n')) ~ "'" if v is string else v) ~ (', ' if not loop.last) }}{% endfor %}{{ ')' ~ (', ' if not loop.last) }}{% endfor %}{{ ']</call>' -}})",
     R"(<call>[get_weather(city='it\'s "Oslo"\n'), get_time()]</call>)"},
};

class SyntaxDeriverTest : public testing::TestWithParam<Way> {
 protected:
  ChatTokenizer tokenizer_;
};

TEST_P(SyntaxDeriverTest, learns_it_and_reads_what_models_write) {
  const PromptBuilder b = builder(*tokenizer_, GetParam().calls);
  const ToolSyntax& syntax = b.tool_syntax();
  EXPECT_EQ(syntax.why, "");
  EXPECT_TRUE(syntax.parallel());
  const std::vector<ToolSpec> tools = {{"get_weather", "", {{"type", "object"}, {"properties", {{"city", {{"type", "string"}}}}}}},
                                       {"get_time", "", {{"type", "object"}}}};
  for (const bool certain : {false, true}) {
    CallParser parser({.tools = tools, .syntax = syntax, .new_call_id = [] { return std::string("id"); }});
    std::vector<Delta> deltas;
    for (const char* c = GetParam().written; *c != '\0'; ++c) {
      parser.push(std::string_view(c, 1), 0, deltas);
      parser.certain(certain && parser.open_name());
    }
    parser.finish(false, deltas);
    Json calls = Json::array();
    for (const Delta& delta : deltas) {
      EXPECT_FALSE(std::get_if<TextDelta>(&delta));
      if (const auto* done = std::get_if<CallFinished>(&delta)) calls.push_back({done->call.name, done->call.arguments});
    }
    EXPECT_EQ(calls.dump(), R"([["get_weather",{"city":"it's \"Oslo\"\n"}],["get_time",{}]])") << to_json(syntax).dump();
    EXPECT_EQ(parser.malformed(), "");
  }
}

INSTANTIATE_TEST_SUITE_P(Ways, SyntaxDeriverTest, testing::ValuesIn(kWays), [](const auto& way) { return std::string(way.param.name); });

// A text that is ambiguous when it is read back is not accepted as a syntax.
TEST(SyntaxDeriver, refuses_what_would_be_read_as_something_else_and_says_what) {
  const ChatTokenizer tokenizer;
  const std::string xml =
      R"({%- for c in m.tool_calls %}{{ '<run n="' ~ c.function.name ~ '">' }}{% for k, v in c.function.arguments.items() %}{{ '<p n="' ~ k ~ '">' ~ VALUE ~ '</p>' }}{% endfor %}{{ '</run>' }}{% endfor -%})";
  const std::string lines =
      R"({%- for c in m.tool_calls %}{{ '<call>' ~ c.function.name ~ '\n' }}{% for k, v in c.function.arguments.items() %}{{ k ~ ': ' ~ v ~ '\n' }}{% endfor %}{% endfor -%})";
  const auto with = [&](const std::string& value) { return std::string(xml).replace(xml.find("VALUE"), 5, value); };
  EXPECT_EQ(builder(*tokenizer, with("v")).tool_syntax().why, "");
  EXPECT_THAT(builder(*tokenizer, with("(v | replace('&', '\xFF'))")).tool_syntax().why, HasSubstr("read as something else")) << "no UTF-8";
  for (const std::string& calls : {with("(v | e)"), lines}) {
    const PromptBuilder b = builder(*tokenizer, calls);
    EXPECT_THAT(b.tool_syntax().why, HasSubstr(" would be read as something else: Baton describes them"));
    EXPECT_TRUE(b.tool_syntax().not_understood);
    EXPECT_FALSE(b.abilities().tools.shown);
  }
}

TEST(SyntaxDeriver, learns_the_tags_of_reasoning_and_reads_no_calls_in_it) {
  const ChatTokenizer tokenizer;
  const PromptBuilder b = builder(*tokenizer, kWays.front().calls, "<|thought|>' ~ m.reasoning_content ~ '<|answer|>");
  const ToolSyntax& syntax = b.tool_syntax();
  EXPECT_EQ(syntax.reasoning_open, "<|thought|>");
  EXPECT_EQ(syntax.reasoning_close, "<|answer|>");
  CallParser parser({.tools = {{"get_time", "", {{"type", "object"}}}}, .syntax = syntax, .new_call_id = [] { return std::string("id"); }});
  std::vector<Delta> deltas;
  parser.push(R"(<|thought|>Or <call>{"tool_id": "get_time", "args": {}}</call>?<|answer|>It is fine.)", 0, deltas);
  parser.finish(false, deltas);
  ASSERT_EQ(deltas.size(), 2u);
  EXPECT_EQ(std::get<ReasoningDelta>(deltas[0]).text, R"(Or <call>{"tool_id": "get_time", "args": {}}</call>?)");
  EXPECT_EQ(std::get<TextDelta>(deltas[1]).text, "It is fine.");
}

}  // namespace
}  // namespace baton::llm
