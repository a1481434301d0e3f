// Answers of models, token by token, through the whole path from a conversation to deltas: the parrot says them, with their cuts.
#include <baton/llm/chat/chat.h>
#include <baton/llm/model/cpu_backend.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <fstream>
#include <mutex>

#include "chat_fixture.h"
#include "parrot.h"

namespace baton::llm {
namespace {

using namespace baton::test;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct Heard {
  std::string text, reasoning;
  std::vector<std::string> calls;  // "name {arguments}"
  Finished end;
};

// A new parrot for each answer.
class ParrotTest : public testing::Test {
 protected:
  std::unique_ptr<Chat> chat(std::vector<ParrotAnswer> answers, ParrotOptions options, bool constrain = true) {
    parrot_ = std::make_unique<Parrot>(std::move(answers), std::move(options));
    ModelOptions pages;
    pages.page_tokens = 16;
    auto model = Model::load(parrot_->file(), make_cpu_backend({"", 1}).value(), pages);
    return Chat::create(std::make_unique<Engine>(std::move(model.value()), EngineOptions{}),
                        {.model_identity = "parrot", .constrain = constrain})
        .value();
  }

  static Heard ask(Chat& chat, const ChatRequest& request) {
    Heard heard;
    std::mutex mutex;
    std::condition_variable changed;
    bool ended = false;
    const auto stream = chat.start(request, [&](Delta delta) {
      const std::scoped_lock lock(mutex);
      if (auto* text = std::get_if<TextDelta>(&delta)) heard.text += text->text;
      if (auto* thought = std::get_if<ReasoningDelta>(&delta)) heard.reasoning += thought->text;
      if (auto* call = std::get_if<CallFinished>(&delta)) heard.calls.push_back(call->call.name + " " + call->call.arguments.dump());
      if (auto* finished = std::get_if<Finished>(&delta)) heard.end = *finished, ended = true;
      changed.notify_all();
    });
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return ended; });
    return heard;
  }

  // One answer to "Hello", with weather_tool() if there are tools.
  Heard say(ParrotAnswer answer, ChatRequest request = hello(), ParrotOptions options = {.chat_template = kHermes}) {
    const auto one = chat({std::move(answer)}, std::move(options));
    return ask(*one, request);
  }
  static ChatRequest hello() {
    ChatRequest request;
    request.messages = {message(Role::user, "Hello")};
    request.turn.max_output_tokens = 400;
    return request;
  }
  static ChatRequest with_weather() {
    ChatRequest request = hello();
    request.tools = {weather_tool()};
    return request;
  }

  std::unique_ptr<Parrot> parrot_;  // of the last chat
};

constexpr const char* kWeatherCall = R"({"name": "get_weather", "arguments": {"city": "Paris"}})";

TEST_F(ParrotTest, says_what_the_script_says_however_it_is_cut) {
  const std::string text = "Caf\u00e9 \U0001f600, \u00bfqu\u00e9 tal? aaaa bb aaaa\n\n- one\n- two";
  for (const std::size_t n : {1u, 2u, 3u, 7u, 100u}) {
    const Heard heard = say(in_pieces(text, n));
    EXPECT_EQ(heard.text, text) << n;
    EXPECT_EQ(heard.end.reason, FinishReason::stop);
    EXPECT_EQ(heard.end.raw.ids.size(), (text.size() + n - 1) / n + 1) << "and the token that ends the turn";
  }
}

TEST_F(ParrotTest, says_another_answer_after_each_of_its_own) {
  const auto one = chat({in_pieces("first", 2), in_pieces("second", 3)}, {.chat_template = kHermes});
  ChatRequest request = hello();
  const Heard first = ask(*one, request);
  EXPECT_EQ(first.text, "first");
  Message said = message(Role::assistant, first.text);
  said.raw = first.end.raw;
  request.messages.push_back(said);
  request.messages.push_back(message(Role::user, "And?"));
  EXPECT_EQ(ask(*one, request).text, "second");
}

TEST_F(ParrotTest, calls_a_tool_in_every_cut) {
  const ParrotAnswer open = {{"<tool_call>", 4}}, close = {{"</tool_call>", 4}};
  for (const std::size_t n : {1u, 2u, 5u, 8u, 100u}) {
    ChatRequest request = with_weather();
    request.turn.parallel_tool_calls = false;
    EXPECT_THAT(say(open + in_pieces("\n" + std::string(kWeatherCall) + "\n", n) + close, request).calls,
                ElementsAre(R"(get_weather {"city":"Paris"})"))
        << n;
    EXPECT_THAT(say(in_pieces(kWeatherCall, n), request).calls, ElementsAre(R"(get_weather {"city":"Paris"})")) << n;
    EXPECT_THAT(say(in_pieces(std::string("[") + kWeatherCall + "]", n), with_weather()).calls,
                ElementsAre(R"(get_weather {"city":"Paris"})"))
        << n;
  }
}

TEST_F(ParrotTest, a_call_that_begins_while_its_grammar_is_compiled_continues_after_that) {
  Json properties;
  for (int i = 0; i < 20; ++i) properties["p" + std::to_string(i)] = {{"type", "string"}, {"maxLength", 9000 + i}};  // takes long
  ChatRequest request = with_weather();
  request.turn.parallel_tool_calls = false;
  request.tools.push_back({"slow", "", {{"type", "object"}, {"properties", properties}}});
  EXPECT_THAT(say(in_pieces(kWeatherCall, 5), request).calls, ElementsAre(R"(get_weather {"city":"Paris"})"));
}

// The case inline_fence_call.json and similar ones.
TEST_F(ParrotTest, reads_a_call_in_a_fence_behind_words_on_its_line) {
  const std::string call = kWeatherCall;
  for (const std::string& fenced :
       {"```[" + call + "]```", "```" + call + "```", "```json\n" + call + "\n```", "```json " + call + " ```"}) {
    for (const std::size_t n : {1u, 4u, 100u}) {
      const Heard heard = say(in_pieces("Sure, I can help you with that." + fenced, n), with_weather());
      EXPECT_THAT(heard.calls, ElementsAre(R"(get_weather {"city":"Paris"})")) << fenced << " " << n;
      EXPECT_EQ(heard.text, "Sure, I can help you with that.");
      EXPECT_EQ(heard.end.reason, FinishReason::tool_calls);
    }
  }
  for (const std::string& words : std::vector<std::string>{"Write ```{\"name\": 1}``` there.", "Write ```" + call + "``` to ask.",
                                                           "Open it by ``` and write.\n\n```\nls\n```\n", "`a` and ```b``` and `c`."}) {
    EXPECT_EQ(say(in_pieces(words, 3), with_weather()).text, words);
  }
  EXPECT_THAT(say(in_pieces("Use ``` so.\n" + call, 3), with_weather()).calls, ElementsAre(R"(get_weather {"city":"Paris"})"));
}

TEST_F(ParrotTest, stop_strings_act_on_the_text_that_is_shown) {
  ChatRequest request = with_weather();
  request.turn.stop = {"Paris", "END"};
  const std::string think = "<think>", thought = "</think>";
  const ParrotAnswer reasoned = ParrotAnswer{{think, 3}} + in_pieces("END of Paris", 3) + ParrotAnswer{{thought, 3}};
  const Heard called = say(reasoned + in_pieces("\n\nOne moment.\n\n" + std::string(kWeatherCall), 3), request);
  EXPECT_EQ(called.reasoning, "END of Paris");
  EXPECT_EQ(called.text, "One moment.");
  EXPECT_THAT(called.calls, ElementsAre(R"(get_weather {"city":"Paris"})"));
  EXPECT_EQ(called.end.reason, FinishReason::tool_calls);

  for (const std::size_t n : {1u, 2u, 3u, 4u, 100u}) {
    const Heard stopped = say(in_pieces("I like Paris.\n\n" + std::string(kWeatherCall), n), request);
    EXPECT_EQ(stopped.text, "I like ") << n;
    EXPECT_THAT(stopped.calls, IsEmpty()) << "it ends the answer";
    EXPECT_EQ(stopped.end.reason, FinishReason::stop);
    EXPECT_EQ(say(in_pieces("The END", n), request).text, "The ") << "one that ends the answer is not shown, either";
    EXPECT_EQ(say(in_pieces("The EN", n), request).text, "The EN");
    const Heard held = say(in_pieces("Pari\n" + std::string(kWeatherCall), n), request);
    EXPECT_EQ(held.text, "Pari") << "what might have become a stop string comes before the call";
    EXPECT_EQ(held.calls.size(), 1u);
  }
  request.turn.stop = {"\n\n"};
  EXPECT_EQ(say(in_pieces("One.\n\nTwo.", 1), request).text, "One.");
}

TEST_F(ParrotTest, a_turn_ends_where_the_template_ends_it_whatever_the_file_says) {
  // <|im_end|> is the first token. The file does not name it, or has it as another kind of token.
  for (const std::int32_t type : {3, 4, 1}) {
    for (const std::string end : {"<|im_end|>", "<|turn_over|>"}) {
      std::string source = kHermes;
      for (auto at = source.find("<|im_end|>"); at != std::string::npos; at = source.find("<|im_end|>", at + 1))
        source.replace(at, 10, end);
      ParrotOptions options{.chat_template = source, .ends = false, .names_eos = false};
      options.specials[0] = {end, type};
      ParrotAnswer answer = in_pieces("Done.", 2) + ParrotAnswer{{end, type}} + in_pieces("\n<|im_start|>user\nMore!", 4);
      const Heard heard = say(answer, hello(), options);
      EXPECT_EQ(heard.text, "Done.") << end << " of type " << type;
      EXPECT_EQ(heard.end.reason, FinishReason::stop);
    }
  }
}

TEST_F(ParrotTest, a_turn_ends_where_its_end_is_spelled_out_and_is_no_token) {
  ParrotOptions options{.chat_template = kHermes, .ends = false};
  options.specials = {{"<|eos|>", 3}, {"<think>", 3}, {"</think>", 3}};
  for (const std::size_t n : {1u, 3u, 100u}) {
    EXPECT_EQ(say(in_pieces("Done.<|im_end|>\n<|im_start|>user\nMore!", n), hello(), options).text, "Done.");
    EXPECT_EQ(say(ParrotAnswer{{"<think>", 3}} + in_pieces("Hm.<|im_end|>\n<|im_start|>user\n", n), hello(), options).reasoning, "Hm.");
  }
  // If it is a token, the letters are ordinary text.
  EXPECT_EQ(say(in_pieces("ChatML ends turns by <|im_end|>.", 3)).text, "ChatML ends turns by <|im_end|>.");
}

TEST_F(ParrotTest, the_template_for_tools_is_used_where_there_are_tools) {
  ParrotOptions options{.chat_template = kPlain, .tool_template = kHermes};
  const auto one = chat({in_pieces(kWeatherCall, 3)}, options);
  EXPECT_THAT(one->tokenizer().decode(one->prompt(with_weather()).value().ids), HasSubstr("Tools:"));
  EXPECT_THAT(one->tokenizer().decode(one->prompt(hello()).value().ids), testing::Not(HasSubstr("Be kind.")));
  EXPECT_EQ(one->tool_syntax().calls_prefix, "<tool_call>");
  EXPECT_EQ(ask(*one, with_weather()).calls.size(), 1u);
  EXPECT_EQ(ask(*one, hello()).text, kWeatherCall);
}

TEST_F(ParrotTest, a_template_for_tools_that_cannot_be_used_gives_way_to_the_main_one_and_is_told) {
  const std::string heavy = "{% for a in range(99999) %}{% for b in range(99999) %}{% set c = b %}{% endfor %}{% endfor %}";
  for (const std::string& broken : {std::string("{% if tools %}{{ tools"), std::string("{% endfor %}"), heavy}) {
    const auto one = chat({in_pieces(kWeatherCall, 3)}, {.chat_template = kHermes, .tool_template = broken});
    EXPECT_THAT(one->warnings(), ElementsAre(HasSubstr("tokenizer.chat_template.tool_use"))) << broken;
    EXPECT_EQ(one->tool_syntax().calls_prefix, "<tool_call>");
    EXPECT_EQ(ask(*one, with_weather()).calls.size(), 1u);
  }
  EXPECT_THAT(chat({in_pieces("Hi", 3)}, {.chat_template = kPlain, .tool_template = kHermes})->warnings(), IsEmpty());
}

// In harmony, <|end|> ends a message of an answer, and <|return|> or <|call|> the answer.
class HarmonyTest : public ParrotTest {
 protected:
  HarmonyTest() {
    std::ifstream in(BATON_SOURCE_DIR "/tests/data/tool_templates/gpt-oss.jinja");
    options_.chat_template = {std::istreambuf_iterator<char>(in), {}};
    options_.specials.clear();
    for (const char* name : {"<|return|>", "<|start|>", "<|end|>", "<|message|>", "<|channel|>", "<|constrain|>", "<|call|>"})
      options_.specials.push_back({name, 3});
  }

  // The text as tokens of n bytes each, except for the special ones.
  ParrotAnswer pieces(std::string_view text, std::size_t n) const {
    ParrotAnswer answer;
    while (!text.empty()) {
      const auto at = text.find("<|");
      answer = answer + in_pieces(text.substr(0, at), n);
      if (at == std::string_view::npos) break;
      const auto end = text.find("|>", at) + 2;
      answer.push_back({std::string(text.substr(at, end - at)), 3});
      text.remove_prefix(end);
    }
    return answer;
  }

  ParrotOptions options_;
};

TEST_F(HarmonyTest, an_answer_goes_on_after_its_reasoning_and_ends_with_its_turn) {
  const std::string said = "<|channel|>analysis<|message|>Think.<|end|><|start|>assistant<|channel|>final<|message|>Hello.<|return|>";
  options_.ends = false;
  for (const std::size_t n : {1u, 4u, 100u}) {
    for (ChatRequest request : {hello(), with_weather()}) {
      const ParrotAnswer answer = pieces(said + "<|start|>user<|message|>And?", n);
      const auto one = chat({answer}, options_);
      const Heard heard = ask(*one, request);
      EXPECT_EQ(heard.reasoning, "Think.") << n;
      EXPECT_EQ(heard.text, "Hello.") << n;
      EXPECT_EQ(heard.end.reason, FinishReason::stop);
      EXPECT_EQ(heard.end.usage.output_tokens, static_cast<int>(pieces(said, n).size()));
      // The answer is several messages; the template writes one of them.
      Message message = baton::test::message(Role::assistant, heard.text);
      message.raw = heard.end.raw;
      request.messages.insert(request.messages.end(), {message, baton::test::message(Role::user, "And now?")});
      const std::string prompt = one->tokenizer().decode(one->prompt(request).value().ids, true);
      EXPECT_THAT(prompt, HasSubstr("<|start|>assistant<|channel|>final<|message|>Hello.<|end|><|start|>user"));
    }
  }
}

TEST_F(HarmonyTest, an_answer_ends_with_its_call) {
  const std::string said =
      "<|channel|>analysis<|message|>Which city?<|end|><|start|>assistant<|channel|>commentary to=functions.get_weather "
      "<|constrain|>json<|message|>{\"city\": \"Paris\"}<|call|>";
  options_.ends = false;
  for (const bool constrain : {true, false}) {
    for (const std::size_t n : {1u, 5u, 100u}) {
      const std::string invented = "<|start|>functions.get_weather to=assistant<|channel|>commentary<|message|>12 degrees";
      const auto one = chat({pieces(said + invented, n)}, options_, constrain);
      const Heard heard = ask(*one, with_weather());
      EXPECT_EQ(heard.reasoning, "Which city?") << n;
      EXPECT_THAT(heard.calls, ElementsAre(R"(get_weather {"city":"Paris"})")) << n << heard.text;
      EXPECT_EQ(heard.end.reason, FinishReason::tool_calls);
      EXPECT_EQ(heard.end.usage.output_tokens, static_cast<int>(pieces(said, n).size()));
    }
  }
}

// Qwen3-Coder's way: parameters in tags.
constexpr const char* kMarkup =
    R"({%- if tools %}{{- '<|im_start|>system\nTools:' }}{% for tool in tools %}{{- '\n' + (tool | tojson) }}{% endfor %}
{{- '<|im_end|>\n' }}{% endif %}
{%- for message in messages %}
{%- if message.role == 'tool' %}{{- '<|im_start|>user\n<tool_response>' + message.content + '<|im_end|>\n' }}
{%- else %}{{- '<|im_start|>' + message.role + '\n' + message.content }}
{%- for call in message.tool_calls or [] %}
{{- '\n<tool_call>\n<function=' + call.function.name + '>\n' }}
{%- for name, value in call.function.arguments | items %}
{{- '<parameter=' + name + '>\n' + (value if value is string else (value | tojson)) + '\n</parameter>\n' }}
{%- endfor %}
{{- '</function>\n</tool_call>' }}
{%- endfor %}
{{- '<|im_end|>\n' }}
{%- endif %}{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\n' }}{% endif %})";

TEST_F(ParrotTest, a_parameter_that_holds_its_own_closing_tag_is_whole_or_refused) {
  ChatRequest request = hello();
  request.tools = {{"save", "", Json::parse(R"({"type": "object", "properties": {"text": {"type": "string"}, "name": {"type": "string"}},
      "required": ["text"], "additionalProperties": false})")}};
  const auto answer = [](const std::string& text, const std::string& more) {
    return "<function=save>\n<parameter=text>\n" + text + "\n</parameter>\n" + more + "</function>\n";
  };
  const ParrotAnswer open = {{"<tool_call>", 4}, {"\n"}}, close = {{"</tool_call>", 4}};
  for (const std::string value : {"plain", "a </parameter> b", "<x>\n<parameter>5</parameter>\n<parameter>6</parameter>\n</x>",
                                  "</parameter>", "</parameter></parameter>", "</parameter> </param", "</function>", "</parameter\n"}) {
    for (const std::string more : {"", "<parameter=name>\nx.xml\n</parameter>\n"}) {
      for (const bool constrain : {true, false}) {
        for (const std::size_t n : {1u, 3u, 9u, 200u}) {
          const auto one = chat({open + in_pieces(answer(value, more), n) + close}, {.chat_template = kMarkup}, constrain);
          ASSERT_EQ(one->tool_syntax().form, ToolSyntax::Form::text) << to_json(one->tool_syntax());
          const Heard heard = ask(*one, request);
          Json wanted = {{"text", value}};
          if (!more.empty()) wanted["name"] = "x.xml";
          EXPECT_THAT(heard.calls, ElementsAre("save " + wanted.dump())) << value << " by " << n << ", said: " << heard.text;
        }
      }
    }
  }
  // Refused, not cut: the end of the value is ambiguous.
  for (const bool constrain : {true, false}) {
    const std::string cut = "<function=save>\n<parameter=text>\na </parameter> b";
    const Heard heard = ask(*chat({open + in_pieces(cut, 4)}, {.chat_template = kMarkup}, constrain), request);
    EXPECT_THAT(heard.calls, IsEmpty());
  }
}

// JSON itself determines the end of such a value.
TEST_F(ParrotTest, an_object_in_markup_may_hold_what_closes_its_parameter) {
  ChatRequest request = hello();
  request.tools = {{"save", "", Json::parse(R"({"type": "object", "properties": {
      "file": {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"], "additionalProperties": false},
      "lines": {"anyOf": [{"type": "array", "items": {"type": "string"}}, {"enum": ["none"]}]}},
      "required": ["file", "lines"], "additionalProperties": false})")}};
  const ParrotAnswer open = {{"<tool_call>", 4}, {"\n"}}, close = {{"</tool_call>", 4}};
  for (const std::string inner : {"plain", "</parameter>", "</parameter></function>", "</parameter> </function> and more",
                                  "</parameter><parameter=lines>[]</parameter></function>", "it's \"\\</parameter></function>"}) {
    const Json arguments = {{"file", {{"text", inner}}}, {"lines", {inner, "'"}}};
    std::string call = "<function=save>\n";
    for (const auto& [name, value] : arguments.items()) call += "<parameter=" + name + ">\n" + value.dump() + "\n</parameter>\n";
    call += "</function>\n";
    for (const bool constrain : {true, false}) {
      for (const std::size_t n : {1u, 4u, 200u}) {
        const auto one = chat({open + in_pieces(call, n) + close}, {.chat_template = kMarkup}, constrain);
        const Heard heard = ask(*one, request);
        EXPECT_THAT(heard.calls, ElementsAre("save " + arguments.dump())) << inner << " by " << n << ", said: " << heard.text;
      }
    }
  }
}

}  // namespace
}  // namespace baton::llm
