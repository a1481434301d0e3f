#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "loaded_tokenizer.h"

namespace baton::llm {
namespace {

using test::GgufWriter;
using testing::ElementsAre;
using testing::IsEmpty;

enum : std::int32_t { kA = 256, kB, kMark, kAb, kBa, kMarkA, kControl, kTable, kSpaces, kByteText, kNewline };

GgufWriter pieces(bool space_prefix = false) {
  GgufWriter w;
  test::add_sentencepiece_vocabulary(w,
                                     {{{"a"}, -3},
                                      {{"b"}, -3},
                                      {{"▁"}, -3},
                                      {{"ab"}, -2},
                                      {{"ba"}, -1},
                                      {{"▁a"}, -2},
                                      {{"<s>", 3}, 0},
                                      {{"aab", 4}, 5},
                                      {{"  ", 4}, -1000},
                                      {{"<"}, -3},
                                      {{"\n", 4}, -1000}},
                                     space_prefix);
  return w;
}

TEST(SentencePiece, merges_the_highest_score_first_and_the_leftmost_of_equals) {
  const LoadedTokenizer t(pieces());
  EXPECT_THAT(t->encode("aba"), ElementsAre(kA, kBa)) << "ba scores higher than ab";
  EXPECT_THAT(t->encode("ab"), ElementsAre(kAb));
  EXPECT_THAT(t->encode("b a"), ElementsAre(kB, kMarkA));
  EXPECT_THAT(t->encode(" ab"), ElementsAre(kMarkA, kB)) << "equal scores";
  EXPECT_THAT(t->encode(""), IsEmpty());
}

TEST(SentencePiece, writes_what_has_no_token_in_bytes) {
  const LoadedTokenizer t(pieces());
  EXPECT_THAT(t->encode("\xC3\xA9"), ElementsAre(0xC3, 0xA9));
  EXPECT_EQ(t->decode(t->encode("aéb 漢\x01")), "aéb 漢\x01");
}

TEST(SentencePiece, never_reads_the_name_of_a_byte_or_special_token_in_data) {
  const LoadedTokenizer t(pieces());
  for (const std::string text : {"<0x41>", "<s>", "aab"}) {
    for (const auto id : t->encode(text))
      EXPECT_TRUE(t->type(id) == TokenType::normal || (t->type(id) == TokenType::byte && id != 0x41)) << text;
    EXPECT_EQ(t->decode(t->encode(text)), text);
  }
  EXPECT_THAT(t->encode_template("<s>aab"), ElementsAre(kControl, kTable));
}

TEST(SentencePiece, matches_white_space_tokens_anywhere_and_reads_the_mark_as_a_space) {
  const LoadedTokenizer t(pieces());
  EXPECT_THAT(t->encode("b  a"), ElementsAre(kB, kSpaces, kA));
  EXPECT_THAT(t->encode("b\na"), ElementsAre(kB, kNewline, kA));
  EXPECT_EQ(t->encode("b▁ a"), t->encode("b  a"));
}

TEST(SentencePiece, puts_its_space_prefix_before_text_and_after_special_tokens) {
  const LoadedTokenizer t(pieces(true));
  EXPECT_THAT(t->encode("a"), ElementsAre(kMarkA));
  EXPECT_THAT(t->encode(" b"), ElementsAre(kSpaces, kB));
  EXPECT_THAT(t->encode_template("<s>a<s>"), ElementsAre(kControl, kMarkA, kControl));
  EXPECT_THAT(t->encode(""), IsEmpty());
}

TEST(SentencePiece, asks_for_scores_that_are_numbers_and_byte_tokens_that_are_bytes) {
  const auto error = [](const GgufWriter& w) {
    const auto bytes = w.bytes();
    const auto file = GgufFile::from_memory(std::as_bytes(std::span(bytes)), "tiny.gguf");
    return Tokenizer::from_gguf(*file).error().message;
  };
  GgufWriter none;
  none.add("tokenizer.ggml.model", "llama").add_strings("tokenizer.ggml.tokens", {"a"});
  EXPECT_THAT(error(none), testing::HasSubstr("'tokenizer.ggml.scores' is missing"));
  GgufWriter nan;
  nan.add("tokenizer.ggml.model", "llama").add_strings("tokenizer.ggml.tokens", {"a"}).add_f32s("tokenizer.ggml.scores", {std::nanf("")});
  EXPECT_THAT(error(nan), testing::HasSubstr("not a number"));
  GgufWriter byte;
  byte.add("tokenizer.ggml.model", "llama").add_strings("tokenizer.ggml.tokens", {"<0x4>"}).add_f32s("tokenizer.ggml.scores", {0});
  byte.add_i32s("tokenizer.ggml.token_type", {6});
  EXPECT_THAT(error(byte), testing::HasSubstr("token 0 ('<0x4>') is of type byte"));
}

}  // namespace
}  // namespace baton::llm
