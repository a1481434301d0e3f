// The whole path, from messages to deltas, with a tiny random model: its answers are noise, but everything around it is real.
#include <baton/llm/chat/chat.h>
#include <baton/llm/constraint/compiled_format.h>
#include <baton/llm/json_schema/json_schema.h>
#include <baton/llm/model/cpu_backend.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>
#include <thread>

#include "tiny_chat.h"

namespace baton::llm {
namespace {

using namespace baton::test;
using testing::HasSubstr;

TEST_F(ChatTest, the_next_turn_prefills_only_what_follows_the_answer) {
  const auto chat = create(kHermes).value();
  ChatRequest request = hello();
  const Finished first = ask(*chat, request);
  EXPECT_EQ(first.usage.cached_tokens, 0);
  EXPECT_EQ(first.usage.prompt_tokens, static_cast<int>(chat->prompt(request).value().ids.size()));
  ASSERT_GT(first.usage.output_tokens, 0);
  ASSERT_EQ(first.raw.ids.size(), static_cast<std::size_t>(first.usage.output_tokens));

  const auto& ids = first.raw.ids;
  Message assistant = message(Role::assistant, chat->tokenizer().decode(ids));
  assistant.raw = first.raw;
  request.messages.push_back(assistant);
  request.messages.push_back(message(Role::user, "And now?"));
  const Finished second = ask(*chat, request);
  // All but the last token of the answer, whose keys and values were not needed before.
  EXPECT_EQ(second.usage.cached_tokens, first.usage.prompt_tokens + first.usage.output_tokens - 1);

  const std::string rest = "<|im_end|>\n<|im_start|>user\nAnd now?<|im_end|>\n<|im_start|>assistant\n";
  const bool ended = chat->tokenizer().ends_generation(ids.back());
  const int n_rest = static_cast<int>(chat->tokenizer().encode_template(rest).size()) - (ended ? 1 : 0);
  EXPECT_EQ(second.usage.prompt_tokens - second.usage.cached_tokens, n_rest + 1);
}

TEST_F(ChatTest, a_required_call_is_valid_whatever_the_weights_are_like) {
  const auto chat = create(kHermes).value();
  ChatRequest request = hello();
  request.tools = {
      {"set_lamp", "", Json::parse(R"({"type":"object","properties":{"colour":{"enum":["red","grün"]},"level":{"type":"integer","minimum":1,
      "maximum":20},"on":{"type":"boolean"},"room":{"type":"string","maxLength":6}},"required":["colour","on"],"additionalProperties":false})")},
      {"stop", "", Json::parse(R"({"type":"object","properties":{},"additionalProperties":false})")}};
  const Schema lamp = Schema::parse(request.tools[0].parameters).value();
  request.turn.tool_choice.mode = ToolChoice::Mode::required;
  request.turn.max_output_tokens = 600;
  request.turn.sampling.temperature = 2;
  int n_lamps = 0, n_stops = 0;
  for (int seed = 0; seed < 60; ++seed) {
    request.turn.sampling.seed = static_cast<std::uint64_t>(seed);
    std::optional<ToolCall> call;
    std::mutex mutex;
    Listener listener;
    const auto stream = chat->start(request, [&, sink = listener.sink()](Delta delta) {
      if (const auto* finished = std::get_if<CallFinished>(&delta)) {
        const std::scoped_lock lock(mutex);
        if (!call) call = finished->call;
      }
      sink(std::move(delta));
    });
    const Finished end = listener.wait();
    const std::scoped_lock lock(mutex);
    ASSERT_TRUE(call) << "seed " << seed << ": " << chat->tokenizer().decode(end.raw.ids);
    if (call->name == "stop") {
      ++n_stops;
      EXPECT_EQ(call->arguments, Json::object());
    } else {
      ++n_lamps;
      EXPECT_EQ(call->name, "set_lamp");
      EXPECT_TRUE(lamp.validate(call->arguments).empty()) << call->arguments;
    }
  }
  EXPECT_GT(n_lamps, 0);
  EXPECT_GT(n_stops, 0);
}

// The prompt cannot begin the call, because the template has begun a reasoning block: the call is after that.
TEST_F(ChatTest, a_required_call_follows_the_reasoning) {
  const std::string thinking = std::string(kHermes) + "{{ '<think>\\n' }}";
  const auto chat = create(thinking.c_str()).value();
  ChatRequest request = hello();
  request.tools = {weather_tool(), {"stop", "", Json::parse(R"({"type": "object", "properties": {}, "additionalProperties": false})")}};
  request.turn.max_output_tokens = 900;
  request.turn.sampling.temperature = 2;
  request.turn.sampling.logit_bias = {{kThinkClose, 8.0f}};
  for (const bool named : {false, true}) {
    request.turn.tool_choice = {named ? ToolChoice::Mode::named : ToolChoice::Mode::required, named ? "stop" : ""};
    for (int seed = 0; seed < 10; ++seed) {
      request.turn.sampling.seed = static_cast<std::uint64_t>(seed);
      std::vector<std::string> names;
      Listener listener;
      const auto stream = chat->start(request, [&, sink = listener.sink()](Delta delta) {
        if (const auto* call = std::get_if<CallFinished>(&delta)) names.push_back(call->call.name);
        sink(std::move(delta));
      });
      const Finished end = listener.wait();
      ASSERT_FALSE(names.empty()) << seed << ": " << chat->tokenizer().decode(end.raw.ids, true);
      if (named) {
        EXPECT_EQ(names.front(), "stop");
      }
    }
  }
}

TEST_F(ChatTest, what_a_schema_forces_is_computed_at_once_and_the_answer_is_the_same) {
  ChatRequest calling = hello();
  calling.tools = {{"set_lamp", "", Json::parse(R"({"type": "object", "properties": {"colour": {"enum": ["red", "green"]}, "brightness":
      {"type": "integer", "minimum": 1, "maximum": 20}}, "required": ["colour", "brightness"], "additionalProperties": false})")}};
  calling.turn.tool_choice.mode = ToolChoice::Mode::required;
  calling.turn.max_output_tokens = 400;
  ChatRequest formatted = hello();
  formatted.format = CompiledFormat::compile({.kind = OutputFormat::Kind::json_schema, .schema = calling.tools[0].parameters}).value();
  formatted.turn.max_output_tokens = 400;
  const auto answers = [&](int max_draft) {
    forget_file();
    const auto chat = create(kHermes, {.max_draft = max_draft}).value();
    std::vector<std::vector<std::int32_t>> all;
    for (ChatRequest request : {calling, formatted}) {
      all.push_back(ask(*chat, request).raw.ids);
      request.turn.sampling.temperature = 1;
      request.turn.sampling.seed = 7;
      all.push_back(ask(*chat, request).raw.ids);
    }
    while (chat->engine().stats().active > 0) std::this_thread::yield();
    const EngineStats stats = chat->engine().stats();
    EXPECT_EQ(stats.accepted_tokens > 20, max_draft > 0) << stats.accepted_tokens << " of " << stats.drafted_tokens;
    return all;
  };
  EXPECT_EQ(answers(0), answers(16));
}

TEST_F(ChatTest, without_a_seed_each_answer_draws_one_and_tells_it) {
  const auto chat = create(kHermes).value();
  ChatRequest request = hello();
  request.turn.sampling.temperature = 5;
  const Finished first = ask(*chat, request), second = ask(*chat, request);
  EXPECT_NE(first.seed, second.seed);
  EXPECT_NE(first.raw.ids, second.raw.ids);
  request.turn.sampling.seed = first.seed;
  const Finished again = ask(*chat, request);
  EXPECT_EQ(again.seed, first.seed);
  EXPECT_EQ(again.raw.ids, first.raw.ids);
}

TEST_F(ChatTest, streams_the_text_of_the_tokens) {
  const auto chat = create(kHermes).value();
  Listener listener;
  const auto stream = chat->start(hello(), listener.sink());
  const Finished end = listener.wait();
  EXPECT_EQ(listener.text(), chat->tokenizer().decode(end.raw.ids));
}

TEST_F(ChatTest, says_what_is_wrong_with_a_request) {
  const auto chat = create(kStrict).value();
  ChatRequest request = hello();
  request.messages[0].role = Role::assistant;
  Finished end = ask(*chat, request);
  EXPECT_EQ(end.reason, FinishReason::error);
  EXPECT_THAT(end.error->message, HasSubstr("roles must alternate"));
  request = hello();
  request.messages[0].content.assign(4000, 'x');
  end = ask(*chat, request);
  EXPECT_EQ(end.reason, FinishReason::error);
  EXPECT_EQ(end.error->code, errc::context_overflow);
  EXPECT_THAT(end.error->message, HasSubstr("maximum context length is 2048 tokens. However, the prompt has 40"));
}

// Turns of 100 letters, each a token of this tokenizer.
ChatRequest long_conversation(ChatRequest request, int n_turns) {
  request.turn.max_output_tokens = 64;
  request.messages = {message(Role::system, "Be brief.")};
  for (int i = 0; i < n_turns; ++i) {
    request.may_begin_at.push_back(request.messages.size());
    request.messages.push_back(message(Role::user, "q" + std::to_string(i) + std::string(100, 'x')));
    if (i + 1 < n_turns) request.messages.push_back(message(Role::assistant, "a" + std::to_string(i) + std::string(100, 'y')));
  }
  return request;
}

TEST_F(ChatTest, the_oldest_turns_go_where_the_prompt_does_not_fit) {
  const auto chat = create(kHermes).value();
  for (const int n_turns : {1, 2, 8, 9, 10, 11, 12, 13, 40, 400}) {
    const ChatRequest request = long_conversation(hello(), n_turns);
    std::vector<Delta> deltas;
    Listener listener;
    const auto stream = chat->start(request, [&, sink = listener.sink()](Delta delta) {
      deltas.push_back(delta);
      sink(std::move(delta));
    });
    const Finished end = listener.wait();
    ASSERT_FALSE(end.error) << end.error->message;
    const auto* cut = std::get_if<MessagesLeftOut>(&deltas.front());
    const bool fits = chat->prompt(request).value().ids.size() < 2048;
    ASSERT_EQ(cut == nullptr, fits) << "it is said before anything else";
    if (!cut) continue;
    EXPECT_EQ(cut->n % 2, 0) << "whole turns";
    EXPECT_LE(end.usage.prompt_tokens, 2048 - 64);
    EXPECT_GT(end.usage.prompt_tokens, 2048 - 64 - 300) << "no more than is needed";
  }
  ChatRequest without = long_conversation(hello(), 40);
  without.may_begin_at.clear();
  EXPECT_EQ(ask(*chat, without).error->code, errc::context_overflow);
  ChatRequest last_too_long = long_conversation(hello(), 3);
  last_too_long.messages.back().content.assign(5000, 'z');
  EXPECT_EQ(ask(*chat, last_too_long).error->code, errc::context_overflow);
}

TEST_F(ChatTest, a_text_that_cannot_fit_is_refused_without_being_encoded) {
  const auto chat = create(kStrict).value();
  ChatRequest request = hello();
  for (const char* unit : {"x", "\u0301", "7", "word "}) {
    request.messages[0].content.clear();
    while (request.messages[0].content.size() < (std::size_t{8} << 20)) request.messages[0].content += unit;
    const Finished end = ask(*chat, request);
    ASSERT_EQ(end.reason, FinishReason::error);
    EXPECT_EQ(end.error->code, errc::context_overflow);
    EXPECT_THAT(end.error->message, HasSubstr("maximum context length is 2048 tokens. However, the prompt has at least 8192 tokens"));
  }
}

TEST_F(ChatTest, a_template_that_takes_too_much_work_is_refused_when_it_is_loaded) {
  const std::string message = "{% for m in messages %}{{ m.content }}{% endfor %}";
  for (const char* work : {
           "{% for a in range(99999) %}{% for b in range(99999) %}{% set c = b %}{% endfor %}{% endfor %}",
           "{% macro f(n) %}{% if n > 0 %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(60) }}",
           "{% set s = 'x' * 999999 %}{% for a in range(99999) %}{% if s|trim == 'x' %}{% endif %}{% endfor %}",
           "{% set ns = namespace(l=[0]) %}{% for a in range(99) %}{% set ns.l = ns.l + ns.l %}{% endfor %}",
       }) {
    const auto chat = create((message + work).c_str());
    ASSERT_FALSE(chat) << work;
    EXPECT_EQ(chat.error().code, errc::invalid_template) << work;
    EXPECT_THAT(chat.error().message, HasSubstr("takes more than 8000000 steps")) << work;
    forget_file();
  }
}

TEST_F(ChatTest, a_file_without_a_template_is_refused_with_advice) {
  const auto chat = create(nullptr);
  ASSERT_FALSE(chat);
  EXPECT_EQ(chat.error().code, errc::unsupported);
  EXPECT_THAT(chat.error().message, HasSubstr("tiny.gguf"));
  EXPECT_THAT(chat.error().message, HasSubstr("no chat template"));
}

TEST_F(ChatTest, a_broken_template_is_refused_with_its_place) {
  const auto chat = create("{{ messages ");
  ASSERT_FALSE(chat);
  EXPECT_EQ(chat.error().code, errc::invalid_template);
}

TEST_F(ChatTest, a_cancelled_answer_still_ends) {
  const auto chat = create(kHermes).value();
  ChatRequest request = hello();
  request.turn.max_output_tokens = 1500;
  request.turn.sampling.logit_bias = {{kImEnd, -1e9f}, {kEndOfText, -1e9f}};
  Listener listener;
  const auto stream = chat->start(request, listener.sink());
  listener.wait_for_deltas(4);
  stream->cancel();
  stream->cancel();
  const Finished end = listener.wait();
  EXPECT_EQ(end.reason, FinishReason::cancelled);
  EXPECT_LT(end.usage.output_tokens, 1500);
  Listener at_once;
  const auto other = chat->start(request, at_once.sink());
  other->cancel();
  EXPECT_EQ(at_once.wait().reason, FinishReason::cancelled);
}

TEST_F(ChatTest, says_nothing_after_its_stream_was_destroyed) {
  const auto chat = create(kHermes).value();
  ChatRequest request = hello();
  request.turn.max_output_tokens = 200;
  for (int i = 0; i < 60; ++i) {
    Listener listener;
    auto stream = chat->start(request, listener.sink());
    if (i % 3 == 1) listener.wait_for_deltas(i % 7);
    if (i % 3 == 2) std::this_thread::yield();
    stream.reset();
    const int before = listener.n();
    std::this_thread::yield();
    EXPECT_EQ(listener.n(), before);
  }
}

TEST_F(ChatTest, answers_many_at_once) {
  const auto chat = create(kHermes).value();
  const Finished alone = ask(*chat, hello());
  std::vector<Listener> listeners(8);
  std::vector<std::unique_ptr<ChatStream>> streams;
  for (auto& listener : listeners) streams.push_back(chat->start(hello(), listener.sink()));
  for (auto& listener : listeners) EXPECT_EQ(listener.wait().raw.ids, alone.raw.ids);
}

TEST_F(ChatTest, says_how_probable_each_token_of_the_text_was) {
  const auto chat = create(kHermes).value();
  ChatRequest request = hello();
  request.turn.logprobs = true;
  request.turn.sampling.top_logprobs = 3;
  request.turn.max_output_tokens = 12;
  std::string text, bytes;
  std::size_t n = 0;
  Listener listener;
  const auto stream = chat->start(request, [&, sink = listener.sink()](Delta delta) {
    if (const auto* said = std::get_if<TextDelta>(&delta)) {
      text += said->text;
      for (const TokenLogprob& token : said->logprobs) {
        ++n;
        bytes += token.bytes;
        EXPECT_LE(token.logprob, 0);
        EXPECT_EQ(token.top.size(), 3u);
        EXPECT_GE(token.top[0].second, token.top[2].second);
        EXPECT_EQ(token.top[0].first, token.bytes) << "greedy";
      }
    }
    sink(std::move(delta));
  });
  const Finished finished = listener.wait();
  EXPECT_GT(n, 0u);
  EXPECT_LE(static_cast<int>(n), finished.usage.output_tokens);
  if (text.find("\xEF\xBF\xBD") == std::string::npos) {
    EXPECT_EQ(bytes, text);
  }
}

}  // namespace
}  // namespace baton::llm
