#include <baton/llm/tokenizer/detokenizer.h>
#include <gtest/gtest.h>

#include "loaded_tokenizer.h"

namespace baton::llm {
namespace {

constexpr std::string_view kText = "Grüße, 世界! 👩‍👩‍👧 e\xCC\x81 \x01\n";

TEST(Utf8Stream, gives_the_same_text_however_the_bytes_are_cut) {
  // Valid text, then every kind of invalid subpart, ending inside a character.
  const std::string bytes = std::string(kText) + "\xF1\x80\x80\xE1\x80\xC2\x62\x80\xED\xA0\x80\xF4\x90\x80\xFF" + "x\xF0\x9F\x98";
  std::string whole;
  Utf8Stream once;
  once.push(bytes, whole);
  once.flush(whole);
  for (std::size_t a = 0; a <= bytes.size(); ++a) {
    for (std::size_t b = a; b <= bytes.size(); ++b) {
      Utf8Stream stream;
      std::string out;
      stream.push(std::string_view(bytes).substr(0, a), out);
      stream.push(std::string_view(bytes).substr(a, b - a), out);
      stream.push(std::string_view(bytes).substr(b), out);
      stream.flush(out);
      ASSERT_EQ(out, whole) << a << " " << b;
    }
  }
}

TEST(Utf8Stream, holds_back_an_unfinished_character_and_nothing_else) {
  Utf8Stream stream;
  std::string out;
  stream.push("a\xF0\x9F", out);
  EXPECT_EQ(out, "a");
  EXPECT_FALSE(stream.empty());
  stream.push("\x98", out);
  EXPECT_EQ(out, "a");
  stream.push("\x80!", out);
  EXPECT_EQ(out, "a😀!");
  EXPECT_TRUE(stream.empty());
  stream.push("\xE2\x82", out);
  stream.flush(out);
  EXPECT_EQ(out, "a😀!\xEF\xBF\xBD");
}

TEST(Detokenizer, gives_whole_characters_when_every_byte_is_a_token_of_its_own) {
  test::GgufWriter w;
  test::add_byte_vocabulary(w, "gpt-2", {}, {});
  const LoadedTokenizer t(w);
  const auto ids = t->encode(kText);
  ASSERT_EQ(ids.size(), kText.size());
  Detokenizer detokenizer(*t);
  std::string out;
  for (const auto id : ids) {
    const auto piece = detokenizer.push(id);
    EXPECT_EQ(piece.find("\xEF\xBF\xBD"), piece.npos);
    out += piece;
    EXPECT_TRUE(kText.starts_with(out));
  }
  EXPECT_EQ(detokenizer.flush(), "");
  EXPECT_EQ(out, kText);
}

TEST(Detokenizer, shows_user_defined_tokens_and_control_tokens_only_when_asked) {
  test::GgufWriter w;
  test::add_byte_vocabulary(w, "gpt-2", {}, {{"<tool_call>", 4}, {"<|im_end|>", 3}});
  const LoadedTokenizer t(w);
  const std::vector<std::int32_t> ids = {'a', 256, 257, 'b', 9999, -1};
  for (const bool control : {false, true}) {
    Detokenizer detokenizer(*t, control);
    std::string out;
    for (const auto id : ids) out += detokenizer.push(id);
    EXPECT_EQ(out, control ? "a<tool_call><|im_end|>b\xEF\xBF\xBD\xEF\xBF\xBD" : "a<tool_call>b\xEF\xBF\xBD\xEF\xBF\xBD");
    EXPECT_EQ(t->decode(ids, control), out);
  }
}

TEST(Detokenizer, drops_the_space_prefix_at_the_start_of_a_text_alone) {
  test::GgufWriter w;
  test::add_sentencepiece_vocabulary(w, {{{"▁a"}, 0}, {{"<s>", 3}, 0}}, true);
  const LoadedTokenizer t(w);
  const auto text_of = [&](bool at_start) {
    Detokenizer detokenizer(*t, false, at_start);
    std::string out;
    for (const auto id : {257, 256, 256}) out += detokenizer.push(id);
    return out;
  };
  EXPECT_EQ(text_of(true), "a a");
  EXPECT_EQ(text_of(false), " a a");
}

}  // namespace
}  // namespace baton::llm
