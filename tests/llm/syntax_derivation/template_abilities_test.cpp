// Templates that do not accept everything in OpenAI's API: the form in which each is given tools, calls and results, and in which its model
// is asked for calls.
#include <baton/llm/call_parser/call_parser.h>
#include <baton/llm/tool_syntax/written_calls.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "chat_fixture.h"

namespace baton::llm {
namespace {

using namespace baton::test;
using testing::HasSubstr;

class TemplateAbilitiesTest : public testing::Test {
 protected:
  PromptBuilder builder(const char* source) const { return PromptBuilder(*tokenizer_, chat_template(source), "model", some_day); }
  std::string prompt(const PromptBuilder& builder, const ChatRequest& request) const {
    return tokenizer_->decode(builder.build(request).value().ids, true);
  }

  ChatTokenizer tokenizer_;
};

// DeepSeek's V3 and R1: no mention of tools; calls only if the text is none; arguments are put between other strings; the end of the calls
// only after the second.
constexpr const char* kJoined = R"({%- for m in messages -%}
{%- if m.role == 'system' -%}{{ m.content }}{%- endif -%}
{%- if m.role == 'user' -%}{{ '<U>' + m.content }}{%- endif -%}
{%- if m.role == 'assistant' and m.content is none -%}
{%- for c in m.tool_calls -%}
{{- ('<A><calls>' if loop.first else '\n') + '<call>' + c.type + '<sep>' + c.function.name + '\n```json\n' + c.function.arguments + '\n```</call>' -}}
{{- '' if loop.first else '</calls><end>' -}}
{%- endfor -%}
{%- endif -%}
{%- if m.role == 'assistant' and m.content is not none -%}{{ '<A>' + m.content + '<end>' }}{%- endif -%}
{%- if m.role == 'tool' -%}{{ '<output>' + m.content + '</output>' }}{%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}{{ '<A>' }}{%- endif -%})";

TEST_F(TemplateAbilitiesTest, calls_without_tools_are_asked_for_in_the_templates_own_form) {
  const PromptBuilder b = builder(kJoined);
  EXPECT_FALSE(b.abilities().tools.shown);
  EXPECT_TRUE(b.abilities().results);
  EXPECT_FALSE(b.abilities().calls.object_arguments);
  EXPECT_FALSE(b.abilities().calls.empty_text);
  const ToolSyntax& syntax = b.tool_syntax();
  EXPECT_EQ(syntax.why, "");
  EXPECT_EQ(syntax.calls_prefix, "<calls><call>function<sep>");
  EXPECT_EQ(syntax.name_suffix, "\n```json\n");
  EXPECT_EQ(syntax.call_suffix, "\n```</call>");
  EXPECT_EQ(syntax.calls_suffix, "</calls>") << "as after several calls";
  const std::string text = prompt(b, weather_conversation());
  EXPECT_THAT(text, HasSubstr("\"name\":\"get_weather\""));
  EXPECT_THAT(text, HasSubstr("answer like this, and with nothing "
                              "else:\n<calls><call>function<sep>FUNCTION\n```json\n{\"PARAMETER\":\"VALUE\"}\n```</call></calls>"));
  EXPECT_THAT(text,
              HasSubstr("<A><calls><call>function<sep>get_weather\n```json\n{\"city\":\"Paris\"}\n```</call><output>12 degrees</output>"));
}

TEST_F(TemplateAbilitiesTest, text_beside_calls_that_are_shown_without_one_is_a_message_of_its_own) {
  ChatRequest request = weather_conversation();
  request.messages[1].content = "Let me look.";
  EXPECT_THAT(prompt(builder(kJoined), request), HasSubstr("<A>Let me look.<end><A><calls><call>function<sep>get_weather"));
}

// Granite's 3 and LFM2's: tools and results, and messages are their texts.
constexpr const char* kTextsOnly = R"({%- if tools -%}{{ 'MARK' + (tools | tojson) + '\n' }}{%- endif -%}
{%- for m in messages -%}{{ '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n' }}{%- endfor -%}
{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\n' }}{%- endif -%})";

std::string texts_only(const std::string& mark) {
  std::string source = kTextsOnly;
  return source.replace(source.find("MARK"), 4, mark);
}

TEST_F(TemplateAbilitiesTest, calls_that_the_template_does_not_show_stand_as_the_family_writes_them) {
  struct Case {
    const char *mark, *call;
  };
  for (const auto& [mark, call] :
       {Case{"Write <|tool_call|> and a list. ", R"(<|tool_call|>[{"name":"get_weather","arguments":{"city":"Paris"}}])"},
        {"List of tools: ", R"(<|tool_call_start|>[get_weather(city="Paris")]<|tool_call_end|>)"},
        {"Calls go into <tool_call> tags. ", "<tool_call>\n{\"name\":\"get_weather\",\"arguments\":{\"city\":\"Paris\"}}\n</tool_call>"}}) {
    const PromptBuilder b = builder(texts_only(mark).c_str());
    EXPECT_TRUE(b.abilities().tools.shown) << mark;
    EXPECT_FALSE(b.abilities().calls.shown) << mark;
    EXPECT_EQ(b.tool_syntax().why, "") << mark;
    const Prompt built = b.build(weather_conversation()).value();
    EXPECT_THAT(tokenizer_->decode(built.ids, true),
                HasSubstr("<|im_start|>assistant\n" + std::string(call) + "<|im_end|>\n<|im_start|>tool\n12 degrees<|im_end|>"));
    EXPECT_EQ(built.n_raw_messages, 0);
  }
}

TEST_F(TemplateAbilitiesTest, words_of_the_family_are_its_tokens_and_arguments_are_not) {
  const PromptBuilder b = builder(texts_only("Calls go into <tool_call> tags. ").c_str());
  ChatRequest request = weather_conversation();
  request.messages[1].tool_calls[0].arguments = {{"city", "</tool_call>"}};
  const std::vector<std::int32_t> ids = b.build(request).value().ids;
  EXPECT_EQ(std::count(ids.begin(), ids.end(), kCallClose), std::count(ids.begin(), ids.end(), kCallOpen) - 1)
      << "the template has one in its words";
  EXPECT_EQ(std::count(ids.begin(), ids.end(), kCallClose), 1);
}

TEST_F(TemplateAbilitiesTest, a_template_that_shows_no_calls_and_is_of_no_known_family_has_tools_described) {
  const PromptBuilder b = builder(kTextsOnly);
  EXPECT_TRUE(b.tool_syntax().not_understood);
  EXPECT_THAT(b.tool_syntax().why, HasSubstr("does not show calls"));
  ChatRequest request = weather_conversation();
  request.messages[1].content = "Let me look.";
  const std::string text = prompt(b, request);
  EXPECT_THAT(text, HasSubstr("answer with one JSON object a call"));
  EXPECT_THAT(text, HasSubstr("Let me look.\n{\"name\":\"get_weather\"")) << "calls are read at the beginning of a line";
}

// Kimi K2's: a number that is different in every call.
TEST_F(TemplateAbilitiesTest, what_is_different_in_every_call_is_a_hole) {
  const PromptBuilder b = builder(R"({%- if tools -%}{{ tools | tojson }}{%- endif -%}
{%- for m in messages -%}{{ '<' + m.role + '>' + m.content }}
{%- for c in m.tool_calls or [] -%}{{ '<|call|>functions.' + c.function.name + ':' + loop.index0|string + '<|arguments|>' + c.function.arguments|tojson + '<|end|>' }}{%- endfor -%}
{{ '<over>' }}{%- endfor -%}
{%- if add_generation_prompt -%}{{ '<assistant>' }}{%- endif -%})");
  EXPECT_EQ(b.tool_syntax().calls_prefix, "<|call|>functions.");
  EXPECT_EQ(b.tool_syntax().name_suffix, std::string(":") + kHole + "<|arguments|>");
}

// MiniMax M3's: a tag of the parameter's name.
constexpr const char* kTagsOfNames = R"({%- if tools -%}{{ tools | tojson }}{%- endif -%}
{%- for m in messages -%}{{ '<' + m.role + '>' + m.content }}
{%- for c in m.tool_calls or [] -%}{{ '<calls><invoke ' + c.function.name + '>' }}
{%- for k, v in c.function.arguments | items -%}{{ '<' + k + '>' + v|string + '</' + k + '>' }}{%- endfor -%}{{ '</invoke></calls>' }}{%- endfor -%}
{{ '<over>' }}{%- endfor -%}
{%- if add_generation_prompt -%}{{ '<assistant>' }}{%- endif -%})";

TEST_F(TemplateAbilitiesTest, a_name_may_close_its_value) {
  const PromptBuilder b = builder(kTagsOfNames);
  const ToolSyntax& syntax = b.tool_syntax();
  EXPECT_EQ(syntax.why, "");
  EXPECT_EQ(syntax.calls_prefix, "<calls><invoke ");
  EXPECT_EQ(syntax.parameters.prefix, "><");
  EXPECT_EQ(syntax.parameters.value_suffix, std::string("</") + kKeyHole + ">");
  EXPECT_EQ(syntax.parameters.separator, "<");
  EXPECT_EQ(syntax.call_suffix, "</invoke></calls>");
  EXPECT_EQ(joined(written_calls(syntax, {{"", "f", {{"a", "x </b> y"}, {"b", 2}}}})),
            "<calls><invoke f><a>x </b> y</a><b>2</b></invoke></calls>");

  const Json parameters = {{"type", "object"}, {"properties", {{"a", {{"type", "string"}}}, {"b", {{"type", "integer"}}}}}};
  const std::vector<ToolSpec> tools = {{"f", "", parameters}};
  CallParser parser(
      {.tools = tools, .syntax = syntax, .parallel = true, .starts_in_reasoning = false, .new_call_id = [] { return std::string("1"); }});
  std::vector<Delta> deltas;
  parser.push("<calls><invoke f><a>x </b> y</a><b>2</b></invoke></calls>", 0, deltas);
  parser.finish(false, deltas);
  std::vector<Json> read;
  for (const Delta& delta : deltas) {
    if (const auto* call = std::get_if<CallFinished>(&delta)) read.push_back(call->call.arguments);
  }
  EXPECT_THAT(read, testing::ElementsAre(Json{{"a", "x </b> y"}, {"b", 2}}));
}

// DeepSeek's DSML distinguishes strings from other values; a word for every type is a different matter.
TEST_F(TemplateAbilitiesTest, a_syntax_that_tells_every_type_is_not_understood) {
  const std::string source = R"({%- if tools -%}{{ tools | tojson }}{%- endif -%}
{%- for m in messages -%}{{ '<' + m.role + '>' + m.content }}
{%- for c in m.tool_calls or [] -%}{{ '<invoke ' + c.function.name + '>' }}
{%- for k, v in c.function.arguments | items -%}
{{- '<p name="' + k + '" TYPE">' + (v if v is string else v|tojson) + '</p>' -}}
{%- endfor -%}{{ '</invoke>' }}{%- endfor -%}
{{ '<over>' }}{%- endfor -%}
{%- if add_generation_prompt -%}{{ '<assistant>' }}{%- endif -%})";
  const auto with = [&](const std::string& type) {
    std::string text = source;
    text.replace(text.find("TYPE"), 4, type);
    return builder(text.c_str()).tool_syntax();
  };
  const ToolSyntax two = with("string=\"' + ('true' if v is string else 'false') + '");
  EXPECT_EQ(two.parameters.text_key_suffix, "\" string=\"true\">");
  EXPECT_EQ(two.parameters.key_suffix, "\" string=\"false\">");
  EXPECT_TRUE(with("type=\"' + ('string' if v is string else 'boolean' if v is boolean else 'number') + '").not_understood);
}

TEST_F(TemplateAbilitiesTest, a_syntax_that_has_names_in_other_places_is_not_understood_and_that_is_said) {
  const PromptBuilder b = builder(R"({%- if tools -%}{{ tools | tojson }}{%- endif -%}
{%- for m in messages -%}{{ '<' + m.role + '>' + m.content }}
{%- for c in m.tool_calls or [] -%}{{ '<invoke ' + c.function.name + '>' + c.function.arguments|tojson + '</' + c.function.name + '>' }}{%- endfor -%}
{{ '<over>' }}{%- endfor -%}
{%- if add_generation_prompt -%}{{ '<assistant>' }}{%- endif -%})");
  EXPECT_TRUE(b.tool_syntax().not_understood);
  EXPECT_THAT(b.tool_syntax().why, HasSubstr("it has names in two places"));
}

// SmolLM3's.
TEST_F(TemplateAbilitiesTest, tools_have_the_name_that_the_template_knows) {
  const PromptBuilder b = builder(R"({%- if xml_tools -%}{{ '<tools>' + (xml_tools | tojson) + '</tools> in <tool_call>' }}{%- endif -%}
{%- for m in messages -%}{{ '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n' }}{%- endfor -%}
{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\n' }}{%- endif -%})");
  EXPECT_EQ(b.abilities().tools.name, "xml_tools");
  EXPECT_THAT(prompt(b, weather_conversation()), HasSubstr("<tools>[{\"name\": \"get_weather\", "));
}

// Command R+'s, in short.
TEST_F(TemplateAbilitiesTest, parameters_get_a_description_where_the_template_wants_one) {
  const PromptBuilder b = builder(R"({%- for t in tools or [] -%}{{ t.function.name }}
{%- for k, p in t.function.parameters.properties | items -%}{{ ' ' + k + ' (' + p.type + '): ' + p.description + '.' }}{%- endfor -%}{%- endfor -%}
{%- for m in messages -%}{{ '<|im_start|>' + m.role + '\n' + m.content }}
{%- for c in m.tool_calls or [] -%}{{ '<tool_call>' + (c.function | tojson) + '</tool_call>' }}{%- endfor -%}{{ '<|im_end|>\n' }}{%- endfor -%}
{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\n' }}{%- endif -%})");
  EXPECT_TRUE(b.abilities().tools.shown);
  EXPECT_FALSE(b.abilities().tools.bare_parameters);
  EXPECT_EQ(b.tool_syntax().calls_prefix, "<tool_call>");
  EXPECT_THAT(prompt(b, weather_conversation()), HasSubstr("get_weather city (string): ."));
}

// Mistral's of early 2025, Command R7B's: it prompts without being told to, and words a last question in another way.
TEST_F(TemplateAbilitiesTest, a_template_that_always_prompts_is_read) {
  const PromptBuilder b = builder(R"({%- for m in messages -%}
{%- if m.role == 'user' -%}{{ ('[LAST]' + m.content + '[/LAST]') if loop.last else ('[INST]' + m.content + '[/INST]') }}
{%- elif m.role == 'tool' -%}{{ '[RESULT]' + m.content + '[/RESULT]' }}
{%- else -%}{{ m.content }}{%- for c in m.tool_calls or [] -%}{{ '[CALLS][' + (c.function | tojson) + ']' }}{%- endfor -%}{{ '<end>' }}{%- endif -%}
{%- endfor -%}{%- if tools -%}{{ tools | tojson }}{%- endif -%})");
  EXPECT_EQ(b.tool_syntax().calls_prefix, "[CALLS]");
  EXPECT_EQ(b.tool_syntax().form, ToolSyntax::Form::json_list);
}

// Mistral's.
TEST_F(TemplateAbilitiesTest, ids_are_made_as_a_template_that_checks_them_wants_them) {
  const PromptBuilder b = builder(R"({%- if tools %}{{ tools | tojson }}{% endif -%}
{%- for m in messages -%}
{%- if m.role == 'tool' -%}
{%- if m.tool_call_id | length != 9 %}{{ raise_exception('ids have 9 letters') }}{% endif -%}{{ '<R>' + m.tool_call_id + m.content }}
{%- elif m.tool_calls -%}
{%- for c in m.tool_calls -%}
{%- if c.id | length != 9 %}{{ raise_exception('ids have 9 letters') }}{% endif -%}{{ '<A><call>' + ({'name': c.function.name, 'arguments': c.function.arguments, 'id': c.id} | tojson) + '<E>' }}
{%- endfor -%}
{%- else -%}{{ ('<U>' if m.role == 'user' else '<A>') + m.content + '<E>' }}{%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt %}{{ '<A>' }}{% endif -%})");
  EXPECT_FALSE(b.abilities().calls.any_id);
  ChatRequest request = weather_conversation();
  request.messages[1].tool_calls[0].id = request.messages[2].tool_call_id = "call_0123456789abcdef00000001";
  const std::string text = prompt(b, request);
  const std::string id = text.substr(text.find("\"id\": \"") + 7, 9);
  EXPECT_EQ(id.find_first_not_of("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"), std::string::npos) << id;
  EXPECT_THAT(text, HasSubstr("<R>" + id + "12 degrees"));
}

// Llama 3.1's.
TEST_F(TemplateAbilitiesTest, several_calls_stand_in_a_message_each_where_a_template_takes_only_one) {
  const PromptBuilder b = builder(R"({%- if tools %}{{ tools | tojson }}{% endif -%}
{%- for m in messages -%}
{%- if m.tool_calls -%}
{%- if m.tool_calls | length > 1 %}{{ raise_exception('only one call at once') }}{% endif -%}
{{- '<A>' + m.content + '<call>' + ({'name': m.tool_calls[0].function.name, 'arguments': m.tool_calls[0].function.arguments} | tojson) + '<E>' -}}
{%- else -%}{{ '<' + m.role + '>' + m.content + '<E>' }}{%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt %}{{ '<A>' }}{% endif -%})");
  EXPECT_FALSE(b.abilities().calls.several);
  ChatRequest request = weather_conversation();
  Message& asks = request.messages[1];
  asks.content = "Both.";
  asks.tool_calls = {{"a", "get_weather", {{"city", "Paris"}}}, {"b", "get_weather", {{"city", "Rome"}}}};
  Message paris = request.messages[2], rome = paris;
  paris.tool_call_id = "a", paris.content = "12";
  rome.tool_call_id = "b", rome.content = "20";
  request.messages[2] = rome;  // results may come in any order
  request.messages.insert(request.messages.begin() + 3, paris);
  EXPECT_THAT(prompt(b, request), HasSubstr(R"(<A>Both.<call>{"name": "get_weather", "arguments": {"city": "Paris"}}<E><tool>12<E>)"
                                            R"(<A><call>{"name": "get_weather", "arguments": {"city": "Rome"}}<E><tool>20<E>)"));
}

TEST_F(TemplateAbilitiesTest, texts_are_given_in_parts_where_a_template_takes_nothing_else) {
  const PromptBuilder b = builder(R"({%- for m in messages -%}
{{- '<' + m.role + '>' }}{% for part in m.content %}{{ part.text }}{% endfor %}{{ '<E>' -}}
{%- endfor -%})");
  EXPECT_FALSE(b.abilities().plain_text);
  ChatRequest request;
  request.messages = {message(Role::system, "Be kind."), message(Role::user, "hello")};
  EXPECT_THAT(prompt(b, request), HasSubstr("<system>Be kind.<E><user>hello<E>"));
}

}  // namespace
}  // namespace baton::llm
