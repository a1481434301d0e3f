#pragma once
// A byte-level vocabulary small enough to follow by eye: the 256 byte letters (ids 0 to 255, the byte's value), the results of merges, and
// special tokens.
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "gguf_writer.h"

namespace baton::test {

// GPT-2's letter for a byte, in UTF-8 (all of these letters are below U+0800).
inline std::string byte_letter(unsigned byte) {
  unsigned substitute = 0x100, letter = byte;
  for (unsigned b = 0; b <= byte; ++b) {
    const bool printable = (b >= '!' && b <= '~') || (b >= 0xA1 && b <= 0xAC) || b >= 0xAE;
    if (b == byte && !printable) letter = substitute;
    if (!printable) ++substitute;
  }
  if (letter < 0x80) return std::string(1, static_cast<char>(letter));
  return {static_cast<char>(0xC0 | letter >> 6), static_cast<char>(0x80 | (letter & 0x3F))};
}

struct TinyToken {
  std::string text;
  std::int32_t type = 1;  // with GGUF's numbers: 1 normal, 3 control, 4 user-defined
};

// `more` gets the ids from 256 on. Merges are "left right" in stored letters, best first.
inline void add_byte_vocabulary(GgufWriter& writer, const std::string& pre, const std::vector<std::string>& merges,
                                const std::vector<TinyToken>& more) {
  std::vector<std::string> tokens;
  std::vector<std::int32_t> types(256, 1);
  for (unsigned byte = 0; byte < 256; ++byte) tokens.push_back(byte_letter(byte));
  for (const auto& token : more) {
    tokens.push_back(token.text);
    types.push_back(token.type);
  }
  writer.add("tokenizer.ggml.model", "gpt2").add("tokenizer.ggml.pre", pre).add_strings("tokenizer.ggml.tokens", tokens);
  writer.add_i32s("tokenizer.ggml.token_type", types).add_strings("tokenizer.ggml.merges", merges);
}

// The same in SentencePiece's style: <0x00> to <0xFF> (ids 0 to 255, type byte), then `more` with a score each.
inline void add_sentencepiece_vocabulary(GgufWriter& writer, const std::vector<std::pair<TinyToken, float>>& more, bool space_prefix) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::vector<std::string> tokens;
  std::vector<std::int32_t> types(256, 6);
  std::vector<float> scores(256, 0);
  for (unsigned byte = 0; byte < 256; ++byte) tokens.push_back(std::string("<0x") + kHex[byte >> 4] + kHex[byte & 15] + ">");
  for (const auto& [token, score] : more) {
    tokens.push_back(token.text);
    types.push_back(token.type);
    scores.push_back(score);
  }
  writer.add("tokenizer.ggml.model", "llama").add_strings("tokenizer.ggml.tokens", tokens).add_i32s("tokenizer.ggml.token_type", types);
  writer.add_f32s("tokenizer.ggml.scores", scores).add_bool("tokenizer.ggml.add_space_prefix", space_prefix);
}

}  // namespace baton::test
