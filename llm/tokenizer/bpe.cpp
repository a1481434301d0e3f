#include "bpe.h"

#include <bit>

#include "byte_letters.h"
#include "nfc.h"

namespace baton::llm {

namespace {
constexpr std::uint64_t kEmptyPair = ~std::uint64_t{0};  // ids are not negative, so no pair has this value
std::uint64_t pair_of(std::int32_t left, std::int32_t right) {
  return std::uint64_t{static_cast<std::uint32_t>(left)} << 32 | static_cast<std::uint32_t>(right);
}
}  // namespace

MergeTable::MergeTable(std::size_t n_merges) : slots_(std::bit_ceil(n_merges * 2 + 2), Slot{kEmptyPair, {0, -1}}) {}

std::size_t MergeTable::slot_of(std::uint64_t pair) const {
  auto hash = pair * 0x9E3779B97F4A7C15u;  // 2^64 / golden ratio
  hash ^= hash >> 32;
  auto at = hash & (slots_.size() - 1);
  while (slots_[at].pair != pair && slots_[at].pair != kEmptyPair) at = (at + 1) & (slots_.size() - 1);
  return at;
}

void MergeTable::insert(std::int32_t left, std::int32_t right, Merge merge) {
  const auto pair = pair_of(left, right);
  slots_[slot_of(pair)] = {pair, merge};
}

Merge MergeTable::find(std::int32_t left, std::int32_t right) const { return slots_[slot_of(pair_of(left, right))].merge; }

Result<ByteLevelBpe> ByteLevelBpe::from_gguf(const GgufFile& file, const Vocabulary& vocabulary) {
  const auto pre = file.get_string_or("tokenizer.ggml.pre", usual_pre_tokenizer(file.architecture(), vocabulary.size()));
  if (!pre) return pre.error();
  const auto* rule = find_pre_tokenizer(*pre);
  if (!rule) {
    return Error{errc::unsupported, file.path() + ": pre-tokenizer '" + std::string(pre->substr(0, 80)) +
                                        "' (tokenizer.ggml.pre) is not supported; Baton has " + known_pre_tokenizers()};
  }
  const auto prefix = file.get_bool_or("tokenizer.ggml.add_space_prefix", false);
  if (!prefix) return prefix.error();
  if (*prefix) return Error{errc::unsupported, file.path() + ": tokenizer.ggml.add_space_prefix is not supported for byte-level BPE"};
  ByteLevelBpe bpe(*rule);
  bpe.load_bytes(vocabulary);
  if (auto loaded = bpe.load_merges(file, vocabulary); !loaded) return loaded.error();
  return bpe;
}

void ByteLevelBpe::load_bytes(const Vocabulary& vocabulary) {
  for (unsigned byte = 0; byte < 256; ++byte) {
    std::string letter;
    append_letters(std::string(1, static_cast<char>(byte)), letter);
    const auto id = vocabulary.index.find(letter);
    id_of_byte_[byte] = id >= 0 && vocabulary.is_ordinary(id) ? id : -1;
    if (id_of_byte_[byte] < 0) missing_bytes_.push_back(static_cast<std::uint8_t>(byte));
  }
}

Result<void> ByteLevelBpe::load_merges(const GgufFile& file, const Vocabulary& vocabulary) {
  const auto stored = file.get_strings("tokenizer.ggml.merges");
  if (!stored) return stored.error();
  merges_ = MergeTable(stored->size());
  std::string joined;
  for (std::size_t rank = 0; rank < stored->size(); ++rank) {
    const auto text = (*stored)[rank];
    const auto space = text.find(' ', 1);  // byte letters contain no space
    const auto damaged = [&](const std::string& what) {
      return Error{errc::invalid_file,
                   file.path() + ": merge " + std::to_string(rank) + " ('" + std::string(text.substr(0, 80)) + "') " + what};
    };
    if (space == text.npos || space + 1 == text.size()) return damaged("is not two texts with a space between them");
    joined.assign(text.substr(0, space)).append(text.substr(space + 1));
    const auto left = vocabulary.index.find(text.substr(0, space));
    const auto right = vocabulary.index.find(text.substr(space + 1));
    const auto both = vocabulary.index.find(joined);
    if (left < 0 || right < 0 || both < 0) return damaged("names a text that is not in the vocabulary");
    // A special token must not come out of merging letters.
    if (!vocabulary.is_ordinary(left) || !vocabulary.is_ordinary(right) || !vocabulary.is_ordinary(both)) continue;
    merges_.insert(left, right, {static_cast<std::uint32_t>(rank), both});
  }
  return {};
}

struct ByteLevelBpe::Scratch {
  std::vector<Symbol> symbols;
  MergeLoop loop;
  std::string letters;
};

void ByteLevelBpe::encode(const Vocabulary& vocabulary, std::string_view text, TokenSink& out) const {
  std::string normalised;
  if (rule_->nfc && normalise_nfc(text, normalised)) text = normalised;
  Scratch scratch;
  pre_tokenizer_.split(text, [&](std::string_view word) {
    if (!out.has_room_for(word)) return false;
    encode_word(vocabulary, word, scratch, out.tokens);
    return true;
  });
}

void ByteLevelBpe::encode_word(const Vocabulary& vocabulary, std::string_view word, Scratch& scratch,
                               std::vector<std::int32_t>& out) const {
  if (rule_->whole_words) {
    scratch.letters.clear();
    append_letters(word, scratch.letters);
    const auto id = vocabulary.index.find(scratch.letters);
    if (id >= 0 && vocabulary.is_ordinary(id)) return out.push_back(id);
  }
  auto& symbols = scratch.symbols;
  symbols.clear();
  for (const char c : word) {
    const auto id = id_of_byte_[static_cast<std::uint8_t>(c)];
    if (id < 0) continue;
    const auto n = static_cast<std::int32_t>(symbols.size());
    symbols.push_back({static_cast<std::uint32_t>(n), 1, id, n - 1, n + 1});
  }
  if (symbols.empty()) return;
  symbols.back().next = -1;
  scratch.loop.run(symbols, [&](const Symbol& left, const Symbol& right) { return merges_.find(left.id, right.id); });
  for (std::int32_t i = 0; i >= 0; i = symbols[static_cast<std::size_t>(i)].next) out.push_back(symbols[static_cast<std::size_t>(i)].id);
}

}  // namespace baton::llm
