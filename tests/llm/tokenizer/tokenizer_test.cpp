#include <baton/llm/tokenizer/tokenizer.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "loaded_tokenizer.h"

namespace baton::llm {
namespace {

using test::GgufWriter;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

enum : std::int32_t { kTh = 256, kThe, kSpaceThe, kAa, kUserDefined, kImEnd, kIm, kToolCall, kNewlines };

GgufWriter tiny(const std::string& pre = "gpt-2") {
  GgufWriter w;
  test::add_byte_vocabulary(
      w, pre, {"t h", "th e", "Ġ the", "a a", "o k"},
      {{"th"}, {"the"}, {"Ġthe"}, {"aa"}, {"ok", 4}, {"<|im_end|>", 3}, {"<|im", 3}, {"<tool_call>", 4}, {"\n\n", 4}});
  return w;
}
std::vector<std::int32_t> letters(std::string_view text) {
  std::vector<std::int32_t> ids;
  for (const char c : text) ids.push_back(static_cast<std::uint8_t>(c));
  return ids;
}
std::string load_error(const GgufWriter& writer) {
  const auto bytes = writer.bytes();
  const auto file = GgufFile::from_memory(std::as_bytes(std::span(bytes)), "tiny.gguf");
  if (!file) return "file: " + file.error().message;
  const auto tokenizer = Tokenizer::from_gguf(*file);
  return tokenizer ? "no error" : tokenizer.error().message;
}

TEST(Tokenizer, merges_the_best_pair_first_and_the_leftmost_of_equals) {
  const LoadedTokenizer t(tiny());
  EXPECT_THAT(t->encode("the the"), ElementsAre(kThe, kSpaceThe));
  EXPECT_THAT(t->encode("ath"), ElementsAre('a', kTh));
  EXPECT_THAT(t->encode("aaa"), ElementsAre(kAa, 'a'));
  EXPECT_THAT(t->encode(""), IsEmpty());
  EXPECT_EQ(t->find("Ġthe"), kSpaceThe);
  EXPECT_EQ(t->token_bytes(kSpaceThe), " the");
}

TEST(Tokenizer, matches_special_tokens_in_template_text_only) {
  const LoadedTokenizer t(tiny());
  EXPECT_THAT(t->encode_template("<|im_end|>"), ElementsAre(kImEnd));
  EXPECT_THAT(t->encode_template("<tool_call>the"), ElementsAre(kToolCall, kThe));
  EXPECT_THAT(t->encode_template("<|im|"), ElementsAre(kIm, '|')) << "the longest that fits, and no more";
  EXPECT_EQ(t->encode("<|im_end|>"), letters("<|im_end|>"));
  EXPECT_EQ(t->encode("<tool_call>"), letters("<tool_call>"));
}

TEST(Tokenizer, never_builds_a_special_token_by_merging_letters) {
  const LoadedTokenizer t(tiny());
  EXPECT_THAT(t->encode("ok"), ElementsAre('o', 'k')) << "'ok' is user-defined here, and a merge would give it";
  EXPECT_THAT(t->encode_template("ok"), ElementsAre(kUserDefined));
}

TEST(Tokenizer, lets_no_special_token_begin_or_end_in_data) {
  const LoadedTokenizer t(tiny());
  const std::string_view token = "<tool_call>";
  for (std::size_t cut = 1; cut < token.size(); ++cut) {
    const std::vector<TextSpan> ends_in_data = {{token.substr(0, cut), true}, {token.substr(cut), false}};
    EXPECT_EQ(t->encode(ends_in_data), letters(token)) << cut;
    const std::vector<TextSpan> begins_in_data = {{token.substr(0, cut), false}, {token.substr(cut), true}};
    EXPECT_EQ(t->encode(begins_in_data), letters(token)) << cut;
    const std::vector<TextSpan> two_templates = {{token.substr(0, cut), true}, {"", false}, {token.substr(cut), true}};
    EXPECT_THAT(t->encode(two_templates), ElementsAre(kToolCall)) << "neighbouring template spans are one template text";
  }
}

TEST(Tokenizer, reads_template_and_data_as_one_text) {
  const LoadedTokenizer t(tiny());
  const std::vector<TextSpan> spans = {{"<|im_end|>t", true}, {"he<|im_end|>", false}, {" ", true}, {"the", false}, {"<|im_end|>", true}};
  auto wanted = std::vector<std::int32_t>{kImEnd, kThe};
  const auto forged = letters("<|im_end|>");
  wanted.insert(wanted.end(), forged.begin(), forged.end());
  wanted.insert(wanted.end(), {kSpaceThe, kImEnd});
  EXPECT_EQ(t->encode(spans), wanted);
}

TEST(Tokenizer, takes_user_defined_white_space_for_text) {
  const LoadedTokenizer t(tiny());
  EXPECT_THAT(t->encode("a\n\nb"), ElementsAre('a', kNewlines, 'b'));
  EXPECT_FALSE(t->is_special(kNewlines));
  EXPECT_THAT(t->special_ids(), ElementsAre(kUserDefined, kImEnd, kIm, kToolCall));
}

// The letters of a byte stay separate, so that the ids show where words end: "ß" must not merge across a word either.
TEST(Tokenizer, cuts_numbers_as_the_pre_tokenizer_says) {
  const auto ids = [](const std::string& pre) {
    GgufWriter w;
    test::add_byte_vocabulary(w, pre, {"1 2", "12 3", "123 4"}, {{"12"}, {"123"}, {"1234"}});
    return LoadedTokenizer(w)->encode("1234");
  };
  EXPECT_THAT(ids("gpt-2"), ElementsAre(258));
  EXPECT_THAT(ids("smollm"), ElementsAre('1', '2', '3', '4'));
  EXPECT_THAT(ids("qwen2"), ElementsAre('1', '2', '3', '4'));
  EXPECT_THAT(ids("llama-bpe"), ElementsAre(257, '4'));
  EXPECT_EQ(ids("llama3"), ids("llama-bpe"));
}

// The other pre-tokenizers that llama.cpp has for models of these architectures are compared with Hugging Face's tokenizers in
// tests/golden/tokenizer.
TEST(Tokenizer, knows_the_other_names_of_a_pre_tokenizer_and_what_a_file_without_one_means) {
  const auto cut = [](const std::function<void(GgufWriter&)>& name) {
    GgufWriter w;
    std::vector<std::string> tokens;
    for (unsigned byte = 0; byte < 256; ++byte) tokens.push_back(test::byte_letter(byte));
    for (const char* more : {"12", "123", "1234", ".1"}) tokens.emplace_back(more);
    w.add("tokenizer.ggml.model", "gpt2").add_strings("tokenizer.ggml.tokens", tokens);
    w.add_strings("tokenizer.ggml.merges", {"1 2", "12 3", "123 4", ". 1"});
    name(w);
    const LoadedTokenizer t(w);
    return std::pair(std::string(t->pre()), t->encode("1234 .1"));
  };
  const auto named = [&](const std::string& pre) { return cut([&](GgufWriter& w) { w.add("tokenizer.ggml.pre", pre); }).second; };
  for (const char* same : {"deepseek-r1-qwen", "megrez", "stablelm2"}) EXPECT_EQ(named(same), named("qwen2")) << same;
  for (const char* same : {"llama3", "falcon3", "pixtral", "lfm2", "smaug-bpe"}) EXPECT_EQ(named(same), named("llama-bpe")) << same;
  EXPECT_THAT(named("default"), ElementsAre(257, '4', 0x20, '.', '1')) << "threes from the left, and punctuation by itself";

  const auto of = [&](const std::string& architecture) { return cut([&](GgufWriter& w) { w.add("general.architecture", architecture); }); };
  EXPECT_EQ(of("qwen2"), std::pair(std::string("qwen2"), named("qwen2")));
  EXPECT_EQ(of("llama"), std::pair(std::string("default"), named("default"))) << "no vocabulary of Llama 3";
}

TEST(Tokenizer, takes_a_whole_word_before_merging_where_the_pre_tokenizer_says_so) {
  const auto ids = [](const std::string& pre) {
    GgufWriter w;
    test::add_byte_vocabulary(w, pre, {"b c"}, {{"bc"}, {"abc"}});  // no merge gives abc
    return LoadedTokenizer(w)->encode("abc");
  };
  EXPECT_THAT(ids("llama-bpe"), ElementsAre(257));
  EXPECT_THAT(ids("qwen2"), ElementsAre('a', 256));
}

TEST(Tokenizer, normalises_to_nfc_for_qwen2_alone) {
  const std::string decomposed = "e\xCC\x81", composed = "\xC3\xA9";
  EXPECT_EQ(LoadedTokenizer(tiny("qwen2"))->encode(decomposed), letters(composed));
  EXPECT_EQ(LoadedTokenizer(tiny("smollm"))->encode(decomposed), letters(decomposed));
  // Marks in any order: dot below (class 220) goes before acute (230).
  EXPECT_EQ(LoadedTokenizer(tiny("qwen2"))->encode("e\xCC\x81\xCC\xA3"), letters("\xE1\xBA\xB9\xCC\x81"));
}

TEST(Tokenizer, reads_each_maximal_invalid_subpart_as_one_replacement_character) {
  const LoadedTokenizer t(tiny());
  const auto replaced = [&](std::string_view bytes) { return t->decode(t->encode(bytes)); };
  const std::string r = "\xEF\xBF\xBD";
  // The example of Unicode 15, table 3-8, and its neighbours.
  EXPECT_EQ(replaced("\x61\xF1\x80\x80\xE1\x80\xC2\x62\x80\x63\x80\xBF\x64"), "a" + r + r + r + "b" + r + "c" + r + r + "d");
  EXPECT_EQ(replaced("\xC0\xAF"), r + r);
  EXPECT_EQ(replaced("\xED\xA0\x80"), r + r + r) << "a surrogate";
  EXPECT_EQ(replaced("\xF4\x90\x80\x80"), r + r + r + r) << "beyond U+10FFFF";
  EXPECT_EQ(replaced("ab\xE2\x82"), "ab" + r) << "an end inside a character";
}

TEST(Tokenizer, leaves_out_bytes_that_the_vocabulary_lacks_and_names_them) {
  GgufWriter w;
  w.add("tokenizer.ggml.model", "gpt2").add("tokenizer.ggml.pre", "gpt-2").add_strings("tokenizer.ggml.tokens", {"a", "b", "ab"});
  w.add_strings("tokenizer.ggml.merges", {"a b"});
  const LoadedTokenizer t(w);
  EXPECT_THAT(t->encode("axb"), ElementsAre(2)) << "as Hugging Face tokenizers does";
  EXPECT_EQ(t->missing_bytes().size(), 254u);
}

TEST(Tokenizer, a_well_known_end_is_one_whatever_its_type_but_for_gemmas_struck_text) {
  const auto ends = [](const std::string& text, std::int32_t type, bool is_eos) {
    GgufWriter w;
    test::add_byte_vocabulary(w, "gpt-2", {}, {{text, type}});
    if (is_eos) w.add_u32("tokenizer.ggml.eos_token_id", 256);
    return LoadedTokenizer(w)->ends_generation(256);
  };
  EXPECT_TRUE(ends("<|im_end|>", 3, false));
  EXPECT_TRUE(ends("<|im_end|>", 4, false));
  EXPECT_FALSE(ends("<|im_end|>", 1, false)) << "what is not special is text; the template says more (end_generation_at)";
  EXPECT_TRUE(ends("</s>", 3, false));
  EXPECT_FALSE(ends("</s>", 4, false));
  EXPECT_TRUE(ends("</s>", 4, true)) << "the file says so";
  GgufWriter w;
  test::add_byte_vocabulary(w, "gpt-2", {}, {{"<over>", 1}});
  const auto bytes = w.bytes();
  const auto file = GgufFile::from_memory(std::as_bytes(std::span(bytes)), "tiny.gguf").value();
  Tokenizer tokenizer = Tokenizer::from_gguf(file).value();
  EXPECT_FALSE(tokenizer.ends_generation(256));
  tokenizer.end_generation_at("<other>");
  tokenizer.end_generation_at("<over>");
  tokenizer.end_generation_at("<over>");
  EXPECT_THAT(tokenizer.end_of_generation_ids(), ElementsAre(256));
  tokenizer.continue_after("<over>");
  EXPECT_FALSE(tokenizer.ends_generation(256));
}

TEST(Tokenizer, knows_what_ends_generation) {
  auto w = tiny();
  w.add_u32("tokenizer.ggml.eos_token_id", kIm)
      .add_u32("tokenizer.ggml.bos_token_id", kImEnd)
      .add_u32("tokenizer.ggml.padding_token_id", 0xFFFFFFFF);
  const LoadedTokenizer t(w);
  EXPECT_THAT(t->end_of_generation_ids(), ElementsAre(kImEnd, kIm));
  EXPECT_TRUE(t->ends_generation(kImEnd)) << "by its text";
  EXPECT_FALSE(t->ends_generation(kToolCall));
  EXPECT_EQ(t->bos(), kImEnd);
  EXPECT_EQ(t->padding(), std::nullopt);
  EXPECT_FALSE(t->add_bos());
}

TEST(Tokenizer, handles_a_hundred_thousand_equal_letters_spaces_and_accents) {
  for (const auto& pre : {"gpt-2", "smollm", "qwen2", "llama-bpe"}) {
    const LoadedTokenizer t(tiny(pre));
    EXPECT_EQ(t->encode(std::string(100'001, 'a')).size(), 50'001u) << pre;
    EXPECT_EQ(t->encode(std::string(100'000, ' ')).size(), 100'000u) << pre;
    std::string accents = "e";  // alternating classes, so that all must be sorted
    for (int i = 0; i < 50'000; ++i) accents += "\xCC\x81\xCC\xA3";
    EXPECT_FALSE(t->encode(accents).empty()) << pre;
  }
}

TEST(Tokenizer, refuses_what_it_does_not_have_and_says_what_it_has) {
  EXPECT_THAT(load_error(tiny("deepseek-llm")),
              AllOf(HasSubstr("pre-tokenizer 'deepseek-llm' (tokenizer.ggml.pre) is not supported; Baton has gpt-2, "),
                    HasSubstr(", qwen2, "), HasSubstr(", llama-bpe, "), HasSubstr(", default")));
  GgufWriter w;
  w.add("tokenizer.ggml.model", "bert");
  EXPECT_THAT(load_error(w), HasSubstr("tokenizer model 'bert' is not supported"));
  EXPECT_THAT(load_error(GgufWriter()), HasSubstr("'tokenizer.ggml.model' is missing"));
}

TEST(Tokenizer, refuses_a_vocabulary_that_contradicts_itself) {
  const auto with = [](auto change) {
    GgufWriter w;
    w.add("tokenizer.ggml.model", "gpt2").add("tokenizer.ggml.pre", "gpt-2");
    change(w);
    return load_error(w);
  };
  const std::vector<std::string> two = {"a", "b"};
  EXPECT_THAT(with([&](auto& w) { w.add_strings("tokenizer.ggml.tokens", {}); }), HasSubstr("0 tokens"));
  EXPECT_THAT(with([&](auto& w) { w.add_strings("tokenizer.ggml.tokens", two).add_i32s("tokenizer.ggml.token_type", {1}); }),
              HasSubstr("1 token types for 2"));
  EXPECT_THAT(with([&](auto& w) {
                w.add_strings("tokenizer.ggml.tokens", two).add_i32s("tokenizer.ggml.token_type", {1, 7});
              }),
              HasSubstr("token 1 has type 7"));
  EXPECT_THAT(with([&](auto& w) { w.add_strings("tokenizer.ggml.tokens", two).add_strings("tokenizer.ggml.merges", {"a b"}); }),
              HasSubstr("merge 0 ('a b') names a text"));
  EXPECT_THAT(with([&](auto& w) { w.add_strings("tokenizer.ggml.tokens", two).add_strings("tokenizer.ggml.merges", {"ab"}); }),
              HasSubstr("not two texts"));
  EXPECT_THAT(
      with([&](auto& w) {
        w.add_strings("tokenizer.ggml.tokens", two).add_strings("tokenizer.ggml.merges", {}).add_u32("tokenizer.ggml.eos_token_id", 2);
      }),
      HasSubstr("tokenizer.ggml.eos_token_id is 2, but the vocabulary has only 2 tokens"));
}

}  // namespace
}  // namespace baton::llm
