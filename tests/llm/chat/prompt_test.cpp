#include <baton/llm/chat/prompt.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "chat_fixture.h"

namespace baton::llm {
namespace {

using namespace baton::test;
using testing::HasSubstr;
using testing::Not;

class PromptTest : public testing::Test {
 protected:
  PromptBuilder builder(const char* source, const char* model = "model") {
    return PromptBuilder(*tokenizer_, chat_template(source), model, some_day);
  }
  std::string text(const Prompt& prompt) const { return tokenizer_->decode(prompt.ids, true); }
  std::string text(const char* source, const ChatRequest& request) { return text(builder(source).build(request).value()); }
  // The answer of a model to `prompt`: these bytes, and its end token.
  RawTokens written(const PromptBuilder& b, const std::string& answer, std::optional<std::int32_t> end = kImEnd) const {
    RawTokens raw{tokenizer_->encode_template(answer), b.model_identity(), b.template_sha256()};
    if (end) raw.ids.push_back(*end);
    return raw;
  }
  static bool begins_with(const std::vector<std::int32_t>& ids, const std::vector<std::int32_t>& prefix) {
    return ids.size() >= prefix.size() && std::equal(prefix.begin(), prefix.end(), ids.begin());
  }

  ChatTokenizer tokenizer_;
};

TEST_F(PromptTest, shows_tools_calls_and_results_as_the_template_does) {
  const std::string prompt = text(kHermes, weather_conversation());
  EXPECT_EQ(prompt,
            "<|im_start|>system\nBe kind.\nTools:\n"
            R"({"type": "function", "function": {"name": "get_weather", "description": "Weather of a city", "parameters": )"
            R"({"type": "object", "properties": {"city": {"type": "string"}}}}})"
            "<|im_end|>\n<|im_start|>user\nWeather?<|im_end|>\n<|im_start|>assistant\n\n"
            R"(<tool_call>{"name": "get_weather", "arguments": {"city": "Paris"}}</tool_call>)"
            "<|im_end|>\n<|im_start|>user\n<tool_response>12 degrees<|im_end|>\n<|im_start|>assistant\n");
}

TEST_F(PromptTest, finds_out_what_a_template_can_show) {
  const auto hermes = builder(kHermes).abilities(), plain = builder(kPlain).abilities(), strict = builder(kStrict).abilities();
  EXPECT_TRUE(hermes.roles.system && hermes.tools.shown && hermes.results);
  EXPECT_TRUE(plain.roles.system);
  EXPECT_FALSE(plain.tools.shown || plain.results);
  EXPECT_FALSE(strict.roles.system || strict.tools.shown || strict.results);
}

TEST_F(PromptTest, describes_tools_in_a_system_message_where_the_template_knows_none) {
  const std::string prompt = text(kPlain, weather_conversation());
  EXPECT_THAT(prompt, HasSubstr(R"({"name":"get_weather","description":"Weather of a city","parameters":)"));
  EXPECT_THAT(prompt, HasSubstr("<|im_start|>assistant\n{\"name\":\"get_weather\",\"arguments\":{\"city\":\"Paris\"}}<|im_end|>\n"));
  EXPECT_THAT(prompt, HasSubstr("<|im_start|>user\nResult of get_weather:\n12 degrees<|im_end|>\n"));
  EXPECT_THAT(prompt, Not(HasSubstr("<|im_start|>tool")));
  ChatRequest with_system = weather_conversation();
  with_system.messages.insert(with_system.messages.begin(), message(Role::system, "Be brief."));
  EXPECT_THAT(text(kPlain, with_system), HasSubstr("<|im_start|>system\nBe brief.\n\nYou can call functions."));
}

// The name on its own line, then JSON, without words around them (as in GLM-4-9b): nothing distinguishes a call from an answer.
TEST_F(PromptTest, describes_tools_itself_where_the_templates_calls_are_not_understood) {
  const char* source = R"({%- if tools %}{{- '<|im_start|>system\nTools: ' + (tools | tojson) + '<|im_end|>\n' }}{% endif %}
{%- for m in messages %}
{%- for c in m.tool_calls or [] %}{{- '<|im_start|>assistant\n' + c.function.name + '\n' + (c.function.arguments | tojson) + '<|im_end|>\n' }}{% endfor %}
{%- if not m.tool_calls %}{{- '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n' }}{% endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\n' }}{% endif %})";
  const ToolSyntax syntax = builder(source).tool_syntax();
  EXPECT_EQ(syntax.form, ToolSyntax::Form::json_object);
  EXPECT_THAT(syntax.why, testing::AllOf(HasSubstr("not understood"), HasSubstr("Baton describes them")));
  const std::string prompt = text(source, weather_conversation());
  EXPECT_THAT(prompt, HasSubstr("You can call functions."));
  EXPECT_THAT(prompt, HasSubstr("<|im_start|>assistant\n{\"name\":\"get_weather\",\"arguments\":{\"city\":\"Paris\"}}<|im_end|>\n"));
  EXPECT_THAT(prompt, Not(HasSubstr("Tools: ")));
}

TEST_F(PromptTest, puts_system_text_and_parallel_results_into_user_messages_where_the_template_refuses_others) {
  ChatRequest request = weather_conversation();
  request.messages.insert(request.messages.begin(), message(Role::system, "Be brief."));
  request.messages.push_back(request.messages.back());
  request.messages.back().content = "13 degrees";
  const std::string prompt = text(kStrict, request);
  EXPECT_THAT(prompt, testing::StartsWith("<|im_start|>user\nBe brief.\n\nYou can call functions."));
  EXPECT_THAT(prompt, HasSubstr("Result of get_weather:\n12 degrees\n\nResult of get_weather:\n13 degrees<|im_end|>"));
}

TEST_F(PromptTest, joins_messages_where_the_template_wants_roles_to_alternate) {
  ChatRequest request;
  request.messages = {message(Role::user, "a"), message(Role::user, "b"), message(Role::assistant, "c")};
  EXPECT_EQ(text(kStrict, request), "<|im_start|>user\na\n\nb<|im_end|>\n<|im_start|>assistant\nc<|im_end|>\n<|im_start|>assistant\n");
  EXPECT_THAT(text(kPlain, request), HasSubstr("user\na<|im_end|>\n<|im_start|>user\nb<|im_end|>\n"));

  request = weather_conversation();
  request.messages.push_back(message(Role::user, "Answer now."));
  EXPECT_THAT(text(kStrict, request), HasSubstr("12 degrees\n\nAnswer now.<|im_end|>"));
  const std::string no_user_after_result = std::string("{% for m in messages %}{% if m.role == 'user' and loop.previtem is defined and ") +
                                           "loop.previtem.role == 'tool' %}{{ raise_exception('no') }}{% endif %}{% endfor %}" + kHermes;
  EXPECT_THAT(text(no_user_after_result.c_str(), request), HasSubstr("<tool_response>12 degrees\n\nAnswer now.<|im_end|>"));
  EXPECT_THAT(text(kHermes, request), HasSubstr("<tool_response>12 degrees<|im_end|>\n<|im_start|>user\nAnswer now.<|im_end|>"));
}

TEST_F(PromptTest, says_what_a_template_refused) {
  ChatRequest request;
  request.messages = {message(Role::assistant, "a")};
  const auto prompt = builder(kStrict).build(request);
  ASSERT_FALSE(prompt);
  EXPECT_EQ(prompt.error().code, errc::invalid_template);
  EXPECT_THAT(prompt.error().message, HasSubstr("roles must alternate, not assistant"));
}

TEST_F(PromptTest, refuses_requests_that_contradict_themselves) {
  const auto error = [&](const std::function<void(ChatRequest&)>& spoil) {
    ChatRequest request = weather_conversation();
    spoil(request);
    const auto prompt = builder(kHermes).build(request);
    EXPECT_FALSE(prompt);
    return prompt ? "no error" : prompt.error().message;
  };
  EXPECT_THAT(error([](auto& r) { r.messages.clear(); }), HasSubstr("no messages"));
  EXPECT_THAT(error([](auto& r) { r.tools.push_back(r.tools[0]); }), HasSubstr("two tools named get_weather"));
  EXPECT_THAT(error([](auto& r) { r.tools[0].name.clear(); }), HasSubstr("no name"));
  EXPECT_THAT(error([](auto& r) { r.turn.tool_choice = {ToolChoice::Mode::named, "Joke"}; }), HasSubstr("Joke"));
  EXPECT_THAT(error([](auto& r) { r.turn.tool_choice.mode = ToolChoice::Mode::required, r.tools.clear(); }), HasSubstr("has no tools"));
  EXPECT_THAT(error([](auto& r) { r.turn.template_variables = {{"messages", 1}}; }), HasSubstr("messages"));
}

TEST_F(PromptTest, the_next_turns_prompt_begins_with_this_prompt_and_the_answer_token_for_token) {
  for (const char* source : {kHermes, kPlain}) {
    const PromptBuilder b = builder(source);
    ChatRequest request = weather_conversation();
    request.messages.resize(1);
    std::vector<std::int32_t> so_far = b.build(request).value().ids;
    const std::vector<std::string> answers = {"```json\n{\"name\": \"get_weather\",\n \"arguments\": {\"city\": \"Paris\"}}\n```",
                                              "It is <|im_start|> mild.  "};
    for (std::size_t turn = 0; turn < answers.size(); ++turn) {
      Message assistant = turn == 0 ? weather_conversation().messages[1] : message(Role::assistant, answers[turn]);
      assistant.raw = written(b, answers[turn]);
      so_far.insert(so_far.end(), assistant.raw->ids.begin(), assistant.raw->ids.end());
      request.messages.push_back(assistant);
      request.messages.push_back(turn == 0 ? weather_conversation().messages[2] : message(Role::user, "And tomorrow?"));
      const Prompt next = b.build(request).value();
      EXPECT_EQ(next.n_raw_messages, static_cast<int>(turn) + 1);
      EXPECT_TRUE(begins_with(next.ids, so_far)) << text(next);
      so_far = next.ids;
    }
    EXPECT_THAT(tokenizer_->decode(so_far, true), Not(HasSubstr("<|im_end|><|im_end|>")));
    EXPECT_THAT(tokenizer_->decode(so_far, true), HasSubstr("mild.  <|im_end|>\n<|im_start|>user\nAnd tomorrow?<|im_end|>"));
  }
}

TEST_F(PromptTest, closes_a_raw_answer_that_was_cut_off_as_the_template_closes_messages) {
  const PromptBuilder b = builder(kHermes);
  for (const std::optional<std::int32_t> end : {std::optional<std::int32_t>(), std::optional<std::int32_t>(kEndOfText)}) {
    ChatRequest request;
    request.messages = {message(Role::user, "a"), message(Role::assistant, "bcd"), message(Role::user, "e")};
    request.messages[1].raw = written(b, "bcd", end);
    const Prompt prompt = b.build(request).value();
    EXPECT_EQ(prompt.n_raw_messages, 1);
    EXPECT_THAT(text(prompt), HasSubstr("<|im_start|>assistant\nbcd<|im_end|>\n<|im_start|>user\ne"));
  }
}

TEST_F(PromptTest, renders_the_canonical_form_of_what_others_wrote) {
  const PromptBuilder b = builder(kHermes);
  ChatRequest request;
  request.messages = {message(Role::user, "a"), message(Role::assistant, "canonical"), message(Role::user, "c")};
  const auto raw_messages = [&](const RawTokens& raw) {
    request.messages[1].raw = raw;
    const Prompt prompt = b.build(request).value();
    EXPECT_EQ(text(prompt).find("canonical") == std::string::npos, prompt.n_raw_messages == 1);
    return prompt.n_raw_messages;
  };
  EXPECT_EQ(raw_messages(written(b, "raw")), 1);
  EXPECT_EQ(raw_messages(written(builder(kHermes, "another model"), "raw")), 0);
  EXPECT_EQ(raw_messages(written(builder(kPlain), "raw")), 0) << "another template";
  EXPECT_EQ(raw_messages(written(b, "raw", 100000)), 0) << "a token outside the vocabulary";
  EXPECT_EQ(raw_messages({{}, b.model_identity(), b.template_sha256()}), 0);
  request.turn.history = HistoryForm::canonical;
  EXPECT_EQ(raw_messages(written(b, "raw")), 0);
}

TEST_F(PromptTest, renders_the_canonical_form_where_the_template_does_not_show_the_content_once) {
  const char* last_only =
      "{% for m in messages %}{{ m.role + ': ' }}{% if loop.index0 > 2 or m.role == 'user' %}{{ m.content }}{% else %}(old){% endif %}{% "
      "endfor %}";
  const char* twice = "{% for m in messages %}{{ m.content + m.content }}{% endfor %}";
  const char* no_plain_text =
      "{% for m in messages %}{% if m.role == 'tool' and not messages[loop.index0 - 1].tool_calls %}{{ raise_exception('no call') }}{% "
      "endif %}"
      "{{ m.content }}{% for c in m.tool_calls or [] %}{{ c | tojson }}{% endfor %}{{ tools | tojson }}{% endfor %}";
  for (const char* source : {last_only, twice, no_plain_text}) {
    const PromptBuilder b = builder(source);
    ChatRequest request = weather_conversation();
    if (source != no_plain_text) request.messages = {message(Role::user, "a"), message(Role::assistant, "b"), message(Role::user, "c")};
    request.messages[1].raw = written(b, "raw");
    const auto prompt = b.build(request);
    ASSERT_TRUE(prompt) << prompt.error().message;
    EXPECT_EQ(prompt->n_raw_messages, 0) << source;
    EXPECT_THAT(text(*prompt), Not(HasSubstr("raw")));
  }
}

TEST_F(PromptTest, begins_the_answer_when_a_tool_is_required_or_named) {
  ChatRequest request = weather_conversation();
  request.turn.tool_choice.mode = ToolChoice::Mode::required;
  Prompt prompt = builder(kHermes).build(request).value();
  EXPECT_THAT(text(prompt), testing::EndsWith("assistant\n```json\n[\n    {\n        \"name\":"));
  request.turn.parallel_tool_calls = false;
  prompt = builder(kHermes).build(request).value();
  EXPECT_THAT(text(prompt), testing::EndsWith("assistant\n{\"name\":"));
  request.turn.tool_choice = {ToolChoice::Mode::named, "get_weather"};
  prompt = builder(kHermes).build(request).value();
  EXPECT_EQ(prompt.forced_text, R"({"name": "get_weather", "arguments":)");
  EXPECT_THAT(text(prompt), testing::EndsWith("assistant\n" + prompt.forced_text));
  EXPECT_EQ(tokenizer_->decode(prompt.forced_ids, true), prompt.forced_text);
}

// No answer begins with an id that does not exist yet.
TEST_F(PromptTest, begins_the_answer_as_json_where_the_template_has_the_calls_id_before_its_name) {
  constexpr const char* kIdFirst =
      "{% for t in tools or [] %}{{ t | tojson }}\n{% endfor %}{% for m in messages %}[{{ m.role }}]{{ m.content or '' }}"
      "{% for c in m.tool_calls or [] %}<call {{ c.id }}>{{ c.function.name }}<args>{{ c.function.arguments | tojson }}</call>{% endfor "
      "%}\n"
      "{% endfor %}{% if add_generation_prompt %}[assistant]{% endif %}";
  const PromptBuilder b = builder(kIdFirst);
  ASSERT_THAT(b.tool_syntax().calls_prefix, HasSubstr(std::string(1, kHole)));
  ChatRequest request = weather_conversation();
  request.turn.tool_choice = {ToolChoice::Mode::named, "get_weather"};
  EXPECT_EQ(b.build(request).value().forced_text, R"({"name": "get_weather", "arguments":)");
}

TEST_F(PromptTest, notices_that_the_template_opened_a_reasoning_block) {
  const std::string thinking = std::string(kPlain) + "{{ '<think>\\n' }}";
  ChatRequest request;
  request.messages = {message(Role::user, "a")};
  EXPECT_TRUE(builder(thinking.c_str()).build(request).value().starts_in_reasoning);
  EXPECT_FALSE(builder(kPlain).build(request).value().starts_in_reasoning);
  request.tools = {weather_tool()};
  request.turn.tool_choice.mode = ToolChoice::Mode::required;
  EXPECT_EQ(builder(thinking.c_str()).build(request).value().forced_text, "");
}

TEST_F(PromptTest, gives_the_template_its_variables_its_tokens_and_the_date) {
  ChatRequest request;
  request.messages = {message(Role::user, "a")};
  request.turn.template_variables = {{"mood", "calm <|im_end|>"}};
  const Prompt prompt = builder("{{ eos_token + mood + strftime_now('%Y-%m-%d') }}").build(request).value();
  EXPECT_EQ(text(prompt), "<|im_end|>calm <|im_end|>2026-11-23");
  EXPECT_EQ(std::count(prompt.ids.begin(), prompt.ids.end(), kImEnd), 1) << "the request's variable is data, the model's token is not";
}

}  // namespace
}  // namespace baton::llm
