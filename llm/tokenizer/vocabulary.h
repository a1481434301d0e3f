#pragma once
// The checked tokens of a model file, shared by both families. Internal to llm/tokenizer.
#include <optional>
#include <string>
#include <vector>

#include "string_index.h"
#include "tokenizer.h"

namespace baton::llm {

struct Vocabulary {
  static Result<Vocabulary> from_gguf(const GgufFile& file);

  Vocabulary() = default;
  Vocabulary(Vocabulary&&) noexcept = default;  // the index points into `texts`, whose buffer moves along
  Vocabulary& operator=(Vocabulary&&) noexcept = default;

  bool byte_level = false;  // texts are written in byte letters; otherwise with U+2581 for a space
  std::vector<std::string_view> texts;
  std::vector<TokenType> types;
  std::vector<float> scores;  // empty: none in the file
  StringIndex index;          // ordinary tokens before others, then the lowest id

  std::optional<std::int32_t> bos, eos, eot, eom, padding, unknown;

  std::size_t size() const { return texts.size(); }
  TokenType type(std::int32_t id) const { return types[static_cast<std::size_t>(id)]; }
  // Whether merging may produce the token: it is not a control, user-defined, byte, unknown or unused token.
  bool is_ordinary(std::int32_t id) const { return type(id) == TokenType::normal || type(id) == TokenType::undefined; }
  // The text of the token. For a control token, its name.
  std::string bytes(std::int32_t id) const;
  // A user-defined token of white space only (tokenizer.h).
  bool is_white_space(std::int32_t id) const;

 private:
  Result<void> load_tokens(const GgufFile& file);
  Result<void> load_special_ids(const GgufFile& file);
};

inline constexpr std::string_view kSpaceMark = "\xE2\x96\x81";  // U+2581, SentencePiece's space
std::string with_spaces(std::string_view marked);

// The value of a byte token's text, "<0x0A>".
std::optional<std::uint8_t> byte_token_value(std::string_view text);

}  // namespace baton::llm
