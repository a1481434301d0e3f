// The embedded engine's facts about its model, and its continuation of a text, with a parrot as model.
#include <baton/agent/generator/embedded_generator.h>
#include <gtest/gtest.h>

#include <future>

#include "parrot_generator.h"

namespace baton::agent {
namespace {

using test::in_pieces;
using test::Parrot;
using test::ParrotAnswer;
using test::ParrotOptions;
using test::ParrotToken;

constexpr int kContext = 512;

class EmbeddedGeneratorTest : public testing::Test {
 protected:
  void load(ParrotAnswer answer, bool begins = false) {
    n_script_ = static_cast<int>(answer.size());
    ParrotOptions options{.chat_template = test::kPlainTemplate};
    options.last_token = false;  // the answer follows any text
    n_specials_ = static_cast<int>(options.specials.size());
    parrot_ = std::make_unique<Parrot>(std::vector<ParrotAnswer>{std::move(answer)}, std::move(options));
    if (begins) parrot_->writer().add_u32("tokenizer.ggml.bos_token_id", kBos).add_bool("tokenizer.ggml.add_bos_token", true);
    generator_ = test::generator_of(*parrot_, kContext);
  }
  const ModelFacts& facts() const { return *generator_->facts(); }

  struct Heard {
    std::string text, others;
    llm::Finished end;
  };
  Heard continue_text(const std::string& text, std::vector<std::string> stop = {}, int max_output_tokens = 400) {
    llm::ChatRequest request;
    request.prompt = facts().tokenize(text, false, true, 1000).value();
    request.turn.stop = std::move(stop);
    request.turn.max_output_tokens = max_output_tokens;
    Heard heard;
    std::promise<void> ended;
    const auto generation = generator_->start(std::move(request), [&](llm::Delta delta) {
      if (auto* said = std::get_if<llm::TextDelta>(&delta)) heard.text += said->text;
      if (auto* thought = std::get_if<llm::ReasoningDelta>(&delta)) heard.others += thought->text;
      if (auto* call = std::get_if<llm::CallStarted>(&delta)) heard.others += call->name;
      if (auto* finished = std::get_if<llm::Finished>(&delta)) {
        heard.end = std::move(*finished);
        ended.set_value();
      }
    });
    ended.get_future().wait();
    return heard;
  }

  static constexpr std::int32_t kImEnd = 256, kBos = 258;  // <|im_end|>, <|endoftext|>
  int n_script_ = 0, n_specials_ = 0;
  std::unique_ptr<Parrot> parrot_;
  std::unique_ptr<EmbeddedGenerator> generator_;
};

TEST_F(EmbeddedGeneratorTest, the_figures_are_those_of_the_file_and_of_its_options) {
  load(in_pieces("hello", 2));
  EXPECT_EQ(facts().n_ctx(), kContext) << "what a prompt and its answer may have, not what the model was trained for";
  const llm::Json figures = facts().figures();
  EXPECT_EQ(figures["n_ctx"], kContext);
  EXPECT_EQ(figures["n_ctx_train"], 4096);
  EXPECT_EQ(figures["n_vocab"], 256 + n_specials_ + 1 + n_script_) << "and the token that begins the answer";
  EXPECT_EQ(figures["n_embd"], 64);
  EXPECT_EQ(figures["n_layer"], 1);
  EXPECT_EQ(generator_->model_name(), "parrot");
  EXPECT_EQ(generator_->load().active, 0);
}

TEST_F(EmbeddedGeneratorTest, the_template_uses_what_it_names_as_a_whole_word) {
  load({});
  for (const char* named : {"enable_thinking", "messages", "add_generation_prompt"}) EXPECT_TRUE(facts().template_uses(named)) << named;
  for (const char* other : {"thinking", "enable", "message_", "reasoning_effort", ""}) EXPECT_FALSE(facts().template_uses(other)) << other;
}

TEST_F(EmbeddedGeneratorTest, tokens_go_there_and_back) {
  load({});
  const std::string text = "a\u00e4<|im_end|>";
  const auto plain = facts().tokenize(text, false, true, 100);
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->size(), text.size()) << "a byte is a token, and this model begins its texts with none";
  EXPECT_EQ(facts().detokenize(*plain), text);
  const auto special = facts().tokenize(text, true, false, 100);
  ASSERT_TRUE(special);
  EXPECT_EQ(*special, (std::vector<std::int32_t>{'a', 0xc3, 0xa4, kImEnd}));
  EXPECT_EQ(facts().detokenize(*special), text);
  EXPECT_EQ(facts().piece(0xc3), "\xc3") << "a part of a character";
  EXPECT_EQ(facts().detokenize({'a', 0xc3}), "a\ufffd");
  EXPECT_TRUE(facts().is_token(0));
  for (const std::int32_t id : {-1, 256 + n_specials_ + 1}) EXPECT_FALSE(facts().is_token(id)) << id;
}

TEST_F(EmbeddedGeneratorTest, no_more_tokens_are_given_than_are_asked_for) {
  load({}, true);
  EXPECT_EQ(facts().tokenize("ab", false, true, 3), (std::vector<std::int32_t>{kBos, 'a', 'b'}));
  EXPECT_EQ(facts().tokenize("ab", false, false, 2), (std::vector<std::int32_t>{'a', 'b'}));
  EXPECT_FALSE(facts().tokenize("ab", false, true, 2)) << "the first token counts";
  EXPECT_FALSE(facts().tokenize("", false, true, 0));
}

TEST_F(EmbeddedGeneratorTest, a_prompt_is_counted_as_it_is_rendered) {
  load({});
  llm::ChatRequest request;
  request.messages.push_back({.role = llm::Role::user, .content = "Hello"});
  const int n = facts().count(request).value();
  EXPECT_EQ(n, static_cast<int>(generator_->chat().prompt(request).value().ids.size()));
  request.turn.template_variables = {{"enable_thinking", false}};
  EXPECT_EQ(facts().count(request).value(), n + static_cast<int>(std::string("Do not think.\n").size()));
  request.messages[0].content = std::string(2 * kContext, 'x');
  EXPECT_GT(facts().count(request).value(), 2 * kContext) << "counted, though no answer could follow";
  request.messages[0].content = std::string(20 * kContext, 'x');
  const auto too_long = facts().count(request);
  ASSERT_FALSE(too_long);
  EXPECT_EQ(too_long.error().code, llm::errc::context_overflow);
}

TEST_F(EmbeddedGeneratorTest, a_text_is_continued_as_the_model_writes_it) {
  const std::string call = R"({"name": "f", "arguments": {"a": 1}})";
  const ParrotAnswer written = ParrotAnswer{{"<think>", 3}} + in_pieces("\n2 + 2\n", 3) + ParrotAnswer{{"</think>", 3}} +
                               in_pieces("\n\n4.\n```json\n" + call + "\n```\n", 4) + ParrotAnswer{{"<tool_call>", 4}} +
                               in_pieces(call, 5) + ParrotAnswer{{"</tool_call>", 4}} + in_pieces(" [{\"name\": 1}] \n", 3);
  std::string text;
  for (const ParrotToken& token : written) text += token.text;
  load(written);
  const Heard heard = continue_text("What is 2 + 2?");
  EXPECT_EQ(heard.text, text);
  EXPECT_EQ(heard.others, "");
  EXPECT_EQ(heard.end.reason, llm::FinishReason::stop);
  EXPECT_EQ(heard.end.malformed_call, "");

  const Heard stopped = continue_text("What is 2 + 2?", {"2 +"});
  EXPECT_EQ(stopped.text, "<think>\n") << "a stop string acts wherever it is written";
  EXPECT_EQ(stopped.end.reason, llm::FinishReason::stop);
  const Heard cut = continue_text("What is 2 + 2?", {}, 3);
  EXPECT_EQ(cut.text, "<think>\n2 + 2");
  EXPECT_EQ(cut.end.reason, llm::FinishReason::length);
}

}  // namespace
}  // namespace baton::agent
