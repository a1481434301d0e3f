#include "vocabulary.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "byte_letters.h"

namespace baton::llm {
namespace {

Result<std::optional<std::int32_t>> special_id(const GgufFile& file, std::string_view name, std::size_t n_vocab) {
  const auto key = "tokenizer.ggml." + std::string(name) + "_token_id";
  if (!file.find(key)) return std::optional<std::int32_t>{};
  const auto id = file.get_u32(key);
  if (!id) return id.error();
  if (*id == std::numeric_limits<std::uint32_t>::max()) return std::optional<std::int32_t>{};  // converters write "none" in this way
  if (*id >= n_vocab) {
    return Error{errc::invalid_file, file.path() + ": " + key + " is " + std::to_string(*id) + ", but the vocabulary has only " +
                                         std::to_string(n_vocab) + " tokens"};
  }
  return std::optional(static_cast<std::int32_t>(*id));
}

}  // namespace

std::string with_spaces(std::string_view text) {
  std::string out;
  for (std::size_t at; (at = text.find(kSpaceMark)) != text.npos; text.remove_prefix(at + kSpaceMark.size())) {
    out.append(text.substr(0, at));
    out += ' ';
  }
  return out.append(text);
}

std::optional<std::uint8_t> byte_token_value(std::string_view text) {
  if (text.size() != 6 || !text.starts_with("<0x") || text.back() != '>') return std::nullopt;
  unsigned value = 0;
  const auto* end = text.data() + 5;
  const auto [stop, error] = std::from_chars(text.data() + 3, end, value, 16);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return static_cast<std::uint8_t>(value);
}

Result<Vocabulary> Vocabulary::from_gguf(const GgufFile& file) {
  const auto model = file.get_string("tokenizer.ggml.model");
  if (!model) return model.error();
  if (*model != "gpt2" && *model != "llama") {
    return Error{errc::unsupported, file.path() + ": tokenizer model '" + std::string(model->substr(0, 80)) +
                                        "' is not supported; Baton has gpt2 (byte-level BPE) and llama (SentencePiece-style)"};
  }
  Vocabulary vocabulary;
  vocabulary.byte_level = *model == "gpt2";
  if (auto loaded = vocabulary.load_tokens(file); !loaded) return loaded.error();
  if (auto loaded = vocabulary.load_special_ids(file); !loaded) return loaded.error();
  return vocabulary;
}

Result<void> Vocabulary::load_tokens(const GgufFile& file) {
  auto tokens = file.get_strings("tokenizer.ggml.tokens");
  if (!tokens) return tokens.error();
  texts = std::move(*tokens);
  const auto damaged = [&](const std::string& what) { return Error{errc::invalid_file, file.path() + ": " + what}; };
  const auto n = texts.size();
  if (n == 0 || n > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max())) {
    return damaged("the vocabulary has " + std::to_string(n) + " tokens");
  }
  types.assign(n, TokenType::normal);
  if (file.find("tokenizer.ggml.token_type")) {
    const auto stored = file.get_i32_array("tokenizer.ggml.token_type");
    if (!stored) return stored.error();
    if (stored->size() != n) return damaged(std::to_string(stored->size()) + " token types for " + std::to_string(n) + " tokens");
    for (std::size_t i = 0; i < n; ++i) {
      const auto type = (*stored)[i];
      if (type < 0 || type > static_cast<std::int32_t>(TokenType::byte)) {
        return damaged("token " + std::to_string(i) + " has type " + std::to_string(type) + ", only 0 to 6 are known");
      }
      types[i] = static_cast<TokenType>(type);
    }
  }
  if (file.find("tokenizer.ggml.scores")) {
    auto stored = file.get_f32_array("tokenizer.ggml.scores");
    if (!stored) return stored.error();
    if (stored->size() != n) return damaged(std::to_string(stored->size()) + " scores for " + std::to_string(n) + " tokens");
    if (std::any_of(stored->begin(), stored->end(), [](float score) { return std::isnan(score); }))
      return damaged("a token's score is not a number");
    scores = std::move(*stored);
  }
  index = StringIndex(texts);
  for (const bool ordinary : {true, false}) {
    for (std::size_t i = 0; i < n; ++i) {
      const auto id = static_cast<std::int32_t>(i);
      if (is_ordinary(id) == ordinary) index.insert(id);
    }
  }
  return {};
}

Result<void> Vocabulary::load_special_ids(const GgufFile& file) {
  struct Field {
    std::string_view name;
    std::optional<std::int32_t>& value;
  };
  for (const auto& field :
       {Field{"bos", bos}, Field{"eos", eos}, Field{"eot", eot}, Field{"eom", eom}, Field{"padding", padding}, Field{"unknown", unknown}}) {
    const auto id = special_id(file, field.name, size());
    if (!id) return id.error();
    field.value = *id;
  }
  return {};
}

std::string Vocabulary::bytes(std::int32_t id) const {
  const auto text = texts[static_cast<std::size_t>(id)];
  if (type(id) == TokenType::byte) {
    if (const auto value = byte_token_value(text)) return {static_cast<char>(*value)};
  }
  if (byte_level) return is_ordinary(id) ? bytes_of_letters(text) : std::string(text);
  return with_spaces(text);
}

bool Vocabulary::is_white_space(std::int32_t id) const {
  if (type(id) != TokenType::user_defined) return false;
  const auto text = bytes(id);
  return !text.empty() && text.find_first_not_of(" \t\n\r\v\f") == text.npos;
}

}  // namespace baton::llm
