#include "sentence_piece.h"

#include <bit>
#include <limits>
#include <stdexcept>

#include "utf8.h"

namespace baton::llm {
namespace {

// Order-reversing map from floats to unsigned integers: flip the sign bit of positive IEEE numbers and all bits of negative ones.
std::uint32_t priority_of(float score) {
  const auto bits = std::bit_cast<std::uint32_t>(score == 0 ? 0.0f : score);  // -0 equals 0
  const auto ascending = bits & 0x80000000u ? ~bits : bits | 0x80000000u;
  return ~ascending;
}

std::string mark_spaces(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 2);
  for (const char c : text) {
    if (c == ' ') {
      out += kSpaceMark;
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

Result<SentencePiece> SentencePiece::from_gguf(const GgufFile& file, const Vocabulary& vocabulary) {
  SentencePiece piece;
  const auto prefix = file.get_bool_or("tokenizer.ggml.add_space_prefix", true);
  if (!prefix) return prefix.error();
  piece.space_prefix_ = *prefix;
  if (vocabulary.scores.empty())
    return Error{errc::invalid_file, file.path() + ": metadata 'tokenizer.ggml.scores' is missing; it says which tokens merge first"};
  piece.id_of_byte_.fill(-1);
  piece.priorities_.resize(vocabulary.size());
  for (std::size_t i = 0; i < vocabulary.size(); ++i) {
    const auto id = static_cast<std::int32_t>(i);
    const auto text = vocabulary.texts[i];
    piece.priorities_[i] = priority_of(vocabulary.scores[i]);
    if (vocabulary.is_ordinary(id)) piece.longest_ = std::max(piece.longest_, text.size());
    if (vocabulary.type(id) != TokenType::byte) continue;
    const auto value = byte_token_value(text);
    if (!value) {
      return Error{errc::invalid_file, file.path() + ": token " + std::to_string(i) + " ('" + std::string(text.substr(0, 80)) +
                                           "') is of type byte, but its text is not like <0x0A>"};
    }
    if (piece.id_of_byte_[*value] < 0) piece.id_of_byte_[*value] = id;
  }
  for (unsigned byte = 0; byte < 256; ++byte) {
    if (piece.id_of_byte_[byte] < 0) piece.missing_bytes_.push_back(static_cast<std::uint8_t>(byte));
  }
  return piece;
}

void SentencePiece::encode(const Vocabulary& vocabulary, std::string_view text, TokenSink& sink) const {
  if (text.empty() || !sink.has_room_for(text)) return;
  std::vector<std::int32_t>& out = sink.tokens;
  const auto marked = mark_spaces(text);
  if (marked.size() > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max()))
    throw std::length_error("text of more than 2 GiB");
  const std::string_view view = marked;
  const auto ordinary = [&](std::uint32_t begin, std::uint32_t size) {
    const auto id = vocabulary.index.find(view.substr(begin, size));
    return id >= 0 && vocabulary.is_ordinary(id) ? id : -1;
  };
  std::vector<Symbol> symbols;
  symbols.reserve(view.size());
  for (std::size_t at = 0; at < view.size();) {
    const auto size = first_unit(view.substr(at)).size;
    const auto n = static_cast<std::int32_t>(symbols.size());
    symbols.push_back({static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(size), -1, n - 1, n + 1});
    at += size;
  }
  symbols.back().next = -1;
  MergeLoop().run(symbols, [&](const Symbol& left, const Symbol& right) {
    const auto size = left.size + right.size;
    const auto id = size <= longest_ ? ordinary(left.begin, size) : -1;
    return Merge{id < 0 ? 0 : priorities_[static_cast<std::size_t>(id)], id};
  });
  for (std::int32_t i = 0; i >= 0; i = symbols[static_cast<std::size_t>(i)].next) {
    const auto& symbol = symbols[static_cast<std::size_t>(i)];
    const auto id = symbol.id >= 0 ? symbol.id : ordinary(symbol.begin, symbol.size);
    if (id >= 0) {
      out.push_back(id);
      continue;
    }
    for (const char c : view.substr(symbol.begin, symbol.size)) {
      const auto byte_id = id_of_byte_[static_cast<std::uint8_t>(c)];
      if (byte_id >= 0) out.push_back(byte_id);
    }
  }
}

}  // namespace baton::llm
