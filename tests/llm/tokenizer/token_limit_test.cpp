// Texts that are far longer than the limit, and texts that are designed to take long.
#include <baton/llm/tokenizer/tokenizer.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <ctime>
#include <limits>
#include <random>

#include "loaded_tokenizer.h"

namespace baton::llm {
namespace {

std::string repeated(std::string_view unit, std::size_t bytes) {
  std::string text;
  while (text.size() < bytes) text += unit;
  return text;
}

// Merges that make "a" eight times one token, and runs of spaces and newlines likewise.
test::GgufWriter byte_level(const char* pre) {
  test::GgufWriter writer;
  const std::string space = test::byte_letter(' '), newline = test::byte_letter('\n');
  std::vector<std::string> merges;
  std::vector<test::TinyToken> more;
  for (const std::string& letter : {std::string("a"), space, newline, std::string("!")}) {
    std::string text = letter;
    for (int i = 0; i < 3; ++i) {
      merges.push_back(text + " " + text);
      text += text;
      more.push_back({text});
    }
  }
  merges.push_back("a b");
  more.push_back({"ab"});
  more.push_back({"<|end|>", 3});
  test::add_byte_vocabulary(writer, pre, merges, more);
  return writer;
}

test::GgufWriter sentence_piece() {
  test::GgufWriter writer;
  std::vector<std::pair<test::TinyToken, float>> more = {{{"a"}, -9}, {{"b"}, -9}, {{"ab"}, -5}, {{"\u2581"}, -9}};
  std::string as = "a", spaces = "\u2581";
  for (int i = 0; i < 3; ++i) {
    as += as;
    spaces += spaces;
    more.push_back({{as}, -4.0f + static_cast<float>(i)});
    more.push_back({{spaces}, -4.0f + static_cast<float>(i)});
  }
  test::add_sentencepiece_vocabulary(writer, more, true);
  return writer;
}

std::vector<test::GgufWriter> vocabularies() {
  std::vector<test::GgufWriter> all;
  for (const char* pre : {"gpt-2", "smollm", "qwen2", "llama-bpe"}) all.push_back(byte_level(pre));
  all.push_back(sentence_piece());
  return all;
}

TEST(TokenLimit, all_tokens_or_nothing) {
  std::mt19937 random(3);
  const std::string_view letters = "aaaab!  \n7";
  for (const auto& writer : vocabularies()) {
    const LoadedTokenizer tokenizer(writer);
    for (int i = 0; i < 200; ++i) {
      std::string text;
      for (std::size_t n = 1 + random() % 300; text.size() < n;) text.append(1 + random() % 20, letters[random() % letters.size()]);
      const TextSpan span{text, false};
      const auto all = tokenizer->encode(text);
      EXPECT_EQ(tokenizer->encode_up_to(all.size(), {&span, 1}), all);
      EXPECT_EQ(tokenizer->encode_up_to(all.size() + 5, {&span, 1}), all);
      EXPECT_EQ(tokenizer->encode_up_to(all.size() - 1, {&span, 1}), std::nullopt);
      EXPECT_EQ(tokenizer->encode_up_to(random() % all.size(), {&span, 1}), std::nullopt);
    }
  }
}

TEST(TokenLimit, counts_template_and_data_together) {
  const LoadedTokenizer tokenizer(byte_level("gpt-2"));
  const std::vector<TextSpan> spans = {{"<|end|>", true}, {"xyz", false}, {"<|end|>", true}};
  EXPECT_EQ(tokenizer->encode_up_to(5, spans)->size(), 5u);
  EXPECT_EQ(tokenizer->encode_up_to(4, spans), std::nullopt);
}

const std::string_view kUnits[] = {
    "a",    "ab",     " ",    "\n", " \n", "!", "7", "\u0301", "a\u0301\u0323", "\U0001F600", "'", "\u1100\u1161\u11A8",
    "\xFF", "\u2581", "a b ", "\t"};

// Merging one word of this size would take seconds and hundreds of megabytes.
TEST(TokenLimit, a_text_of_megabytes_is_refused_before_it_is_merged) {
  for (const auto& writer : vocabularies()) {
    const LoadedTokenizer tokenizer(writer);
    for (const std::string_view unit : {"a", "ab", " ", "\n", "!", "7", "\u0301", "\u1100\u1161\u11A8"}) {
      const std::string text = repeated(unit, 4 << 20);
      const TextSpan span{text, false};
      EXPECT_EQ(tokenizer->encode_up_to(1000, {&span, 1}), std::nullopt);
    }
  }
}

// 32 times the text: a quadratic algorithm takes a thousand times as long. Processor time is counted, because other programs use this
// machine, too.
TEST(TokenLimit, no_text_takes_square_time) {
  const auto least = [](const Tokenizer& tokenizer, const std::string& text) {
    std::clock_t best = std::numeric_limits<std::clock_t>::max();
    for (int i = 0; i < 3; ++i) {
      const std::clock_t start = std::clock();
      (void)tokenizer.encode(text);
      best = std::min(best, std::clock() - start);
    }
    return static_cast<double>(std::max<std::clock_t>(best, 1));
  };
  for (const auto& writer : vocabularies()) {
    const LoadedTokenizer tokenizer(writer);
    for (const std::string_view unit : kUnits) {
      const double ratio = least(*tokenizer, repeated(unit, 128 << 10)) / least(*tokenizer, repeated(unit, 4 << 10));
      EXPECT_LT(ratio, 300) << tokenizer->pre() << " " << unit;
    }
  }
}

}  // namespace
}  // namespace baton::llm
