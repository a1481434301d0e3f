#include <baton/llm/chat/answer.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "chat_fixture.h"

namespace baton::llm {
namespace {

using namespace baton::test;
using testing::HasSubstr;
using testing::IsEmpty;

const std::string kCall = R"({"name": "get_weather", "arguments": {"city": "Paris"}})";

// Feeds an answer token by token, like the engine, until Answer has enough.
class AnswerTest : public testing::Test {
 protected:
  AnswerTest() { request_.tools = {weather_tool()}; }

  std::vector<std::int32_t> ids(const std::string& text) const { return tokenizer_->encode_template(text); }

  Finished run(std::vector<std::int32_t> answer, EngineFinished::Reason reason = EngineFinished::Reason::stop_token) {
    text_.clear();
    calls_.clear();
    auto reader = std::make_shared<AnswerReader>(*tokenizer_, syntax_, reader_options(request_, prompt_));
    Answer a(*tokenizer_, syntax_, request_, {{}, "model", "template"}, std::move(reader), nullptr,
             [this](Delta delta) { take(std::move(delta)); });
    a.take(EngineProgress{3, 5, 2});
    fed_ = 0;
    bool complete = false;
    for (const std::int32_t id : answer) {
      complete = a.take(Choice{id, -0.1f, {}});
      ++fed_;
      if (complete) break;
    }
    EngineFinished end;
    end.reason = complete ? EngineFinished::Reason::cancelled : reason;
    end.prompt_tokens = 5;
    end.cached_tokens = 2;
    end.output_tokens = static_cast<int>(fed_);
    if (end.reason == EngineFinished::Reason::error) end.error = Error{errc::out_of_memory, "no page left"};
    a.take(end);
    return finished_.value();
  }

  void take(Delta delta) {
    if (auto* text = std::get_if<TextDelta>(&delta)) text_ += text->text;
    if (auto* reasoning = std::get_if<ReasoningDelta>(&delta)) reasoning_ += reasoning->text;
    if (auto* call = std::get_if<CallFinished>(&delta)) calls_.push_back(call->call);
    if (auto* finished = std::get_if<Finished>(&delta)) finished_ = *finished;
  }

  ChatTokenizer tokenizer_;
  const ToolSyntax syntax_{};
  ChatRequest request_;
  Prompt prompt_;
  std::string text_, reasoning_;
  std::vector<ToolCall> calls_;
  std::optional<Finished> finished_;
  std::size_t fed_ = 0;
};

TEST_F(AnswerTest, gives_text_without_the_end_token_and_keeps_every_id) {
  auto answer = ids("Caf\u00e9 \U0001f600.");
  answer.push_back(kImEnd);
  const Finished end = run(answer);
  EXPECT_EQ(text_, "Caf\u00e9 \U0001f600.");
  EXPECT_EQ(end.reason, FinishReason::stop);
  EXPECT_EQ(end.raw.ids, answer);
  EXPECT_EQ(end.raw.model_identity, "model");
  EXPECT_EQ(end.raw.template_sha256, "template");
  EXPECT_EQ(end.usage.prompt_tokens, 5);
  EXPECT_EQ(end.usage.cached_tokens, 2);
  EXPECT_EQ(end.malformed_call, "");
}

TEST_F(AnswerTest, gives_calls_with_ids_of_their_own) {
  auto answer = ids("<tool_call>\n" + kCall + "\n</tool_call>\n<tool_call>" + kCall + "</tool_call>");
  answer.push_back(kImEnd);
  const Finished end = run(answer);
  EXPECT_EQ(end.reason, FinishReason::tool_calls);
  ASSERT_EQ(calls_.size(), 2u);
  EXPECT_EQ(calls_[0].arguments.dump(), R"({"city":"Paris"})");
  EXPECT_THAT(calls_[0].id, testing::StartsWith("call_"));
  EXPECT_NE(calls_[0].id, calls_[1].id);
  EXPECT_EQ(end.raw.ids, answer);
}

TEST_F(AnswerTest, reads_tags_that_are_control_tokens) {
  EXPECT_EQ(run(ids("<think>hm</think>\n\nYes.")).reason, FinishReason::stop);
  EXPECT_EQ(reasoning_, "hm");
  EXPECT_EQ(text_, "Yes.");
}

TEST_F(AnswerTest, shows_no_control_token_as_text) {
  auto answer = ids("a");
  answer.push_back(kImStart);
  answer.push_back('b');
  run(answer);
  EXPECT_EQ(text_, "ab");
}

TEST_F(AnswerTest, stops_generating_when_text_follows_a_call_and_keeps_only_the_call) {
  const Finished end = run(ids(kCall + "\n\nThe weather is fine and I know it."));
  EXPECT_EQ(end.reason, FinishReason::tool_calls);
  EXPECT_EQ(text_, "");
  EXPECT_EQ(fed_, kCall.size() + 3) << "at the T";
  EXPECT_EQ(end.raw.ids, ids(kCall));
}

TEST_F(AnswerTest, stops_before_a_stop_string) {
  request_.turn.stop = {"END"};
  const Finished end = run(ids("speak END and on"));
  EXPECT_EQ(text_, "speak ");
  EXPECT_EQ(end.reason, FinishReason::stop);
  EXPECT_EQ(end.raw.ids, ids("speak "));
  EXPECT_EQ(fed_, 9u);
  EXPECT_EQ(run(ids("speak EN")).raw.ids, ids("speak EN"));
  EXPECT_EQ(text_, "speak EN");
}

// The engine may choose more tokens before it is cancelled.
TEST_F(AnswerTest, what_comes_after_its_end_changes_no_answer) {
  request_.turn.stop = {"END"};
  const auto vocabulary = std::make_shared<const GrammarVocabulary>(*tokenizer_, tokenizer_->n_vocab(), syntax_);
  for (const std::string& said : {std::string("go on "), kCall}) {
    auto reader = std::make_shared<AnswerReader>(*tokenizer_, syntax_, reader_options(request_, prompt_));
    const auto calls = std::make_shared<CallConstraint>(vocabulary, ready(nullptr), reader, CallConstraintOptions{&*tokenizer_, 0.5f, {}});
    text_.clear();
    Answer a(*tokenizer_, syntax_, request_, {}, reader, calls, [this](Delta delta) { take(std::move(delta)); });
    for (const std::int32_t id : ids(said + "\nEND\n" + kCall + "\nmore")) {
      const Choice choice{id, -0.1f, {}};
      EXPECT_FALSE(calls->accept(choice));
      a.take(choice);
    }
    a.take(EngineFinished{EngineFinished::Reason::cancelled});
    EXPECT_EQ(finished_->raw.ids, ids(said == kCall ? kCall : said + "\n"));
    EXPECT_EQ(text_, said == kCall ? "" : said + "\n");
    EXPECT_EQ(finished_->reason, said == kCall ? FinishReason::tool_calls : FinishReason::stop);
  }
}

TEST_F(AnswerTest, keeps_no_raw_tokens_that_say_other_things_than_the_answer) {
  request_.turn.parallel_tool_calls = false;
  EXPECT_THAT(run(ids("[" + kCall + ", " + kCall + "]")).raw.ids, IsEmpty());
  EXPECT_EQ(calls_.size(), 1u);
}

TEST_F(AnswerTest, says_why_an_answer_ended) {
  EXPECT_EQ(run(ids("a"), EngineFinished::Reason::length).reason, FinishReason::length);
  EXPECT_EQ(run(ids("a"), EngineFinished::Reason::cancelled).reason, FinishReason::cancelled);
  EXPECT_EQ(run(ids(kCall), EngineFinished::Reason::length).reason, FinishReason::tool_calls);
  const Finished failed = run(ids("a"), EngineFinished::Reason::error);
  EXPECT_EQ(failed.reason, FinishReason::error);
  EXPECT_EQ(failed.error->message, "no page left");
}

TEST_F(AnswerTest, gives_a_call_that_was_cut_off_as_text_and_says_so) {
  const Finished end = run(ids(kCall.substr(0, 40)), EngineFinished::Reason::length);
  EXPECT_EQ(end.reason, FinishReason::length);
  EXPECT_EQ(text_, kCall.substr(0, 40));
  EXPECT_THAT(end.malformed_call, HasSubstr("get_weather"));
}

TEST_F(AnswerTest, ends_an_unfinished_character_visibly) {
  run({'a', 0xC3});
  EXPECT_EQ(text_, "a\uFFFD");
}

TEST_F(AnswerTest, reads_nothing_as_a_call_when_tools_are_not_to_be_used) {
  request_.turn.tool_choice.mode = ToolChoice::Mode::none;
  EXPECT_EQ(run(ids(kCall)).reason, FinishReason::stop);
  EXPECT_EQ(text_, kCall);
}

TEST_F(AnswerTest, continues_what_a_required_tool_began) {
  prompt_.forced_text = R"({"name":)";
  prompt_.forced_ids = ids(prompt_.forced_text);
  const Finished end = run(ids(kCall.substr(prompt_.forced_text.size())));
  EXPECT_EQ(calls_.size(), 1u);
  EXPECT_EQ(end.raw.ids, ids(kCall)) << "the beginning is part of the history";
}

}  // namespace
}  // namespace baton::llm
