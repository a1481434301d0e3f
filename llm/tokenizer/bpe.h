#pragma once
// Byte-level BPE: words to tokens by ranked merges. Internal to llm/tokenizer.
#include <array>

#include "merge.h"
#include "pre_tokenizer.h"
#include "token_limit.h"
#include "vocabulary.h"

namespace baton::llm {

// (left id, right id) -> rank and merged id. A flat table, because there are as many entries as tokens and each word needs many look-ups.
class MergeTable {
 public:
  explicit MergeTable(std::size_t n_merges = 0);
  void insert(std::int32_t left, std::int32_t right, Merge merge);  // replaces an existing pair
  Merge find(std::int32_t left, std::int32_t right) const;

 private:
  struct Slot {
    std::uint64_t pair;
    Merge merge;
  };
  std::size_t slot_of(std::uint64_t pair) const;
  std::vector<Slot> slots_;
};

class ByteLevelBpe {
 public:
  static Result<ByteLevelBpe> from_gguf(const GgufFile& file, const Vocabulary& vocabulary);

  // Appends the tokens of `text`, which is valid UTF-8 without special tokens, as long as `out` accepts them.
  void encode(const Vocabulary& vocabulary, std::string_view text, TokenSink& out) const;

  std::string_view pre() const { return rule_->name; }
  bool adds_bos() const { return rule_->adds_bos; }
  const std::vector<std::uint8_t>& missing_bytes() const { return missing_bytes_; }

 private:
  explicit ByteLevelBpe(const PreTokenizerRule& rule) : rule_(&rule), pre_tokenizer_(rule) {}
  Result<void> load_merges(const GgufFile& file, const Vocabulary& vocabulary);
  void load_bytes(const Vocabulary& vocabulary);
  struct Scratch;
  void encode_word(const Vocabulary& vocabulary, std::string_view word, Scratch& scratch, std::vector<std::int32_t>& out) const;

  const PreTokenizerRule* rule_;
  PreTokenizer pre_tokenizer_;
  MergeTable merges_;
  std::array<std::int32_t, 256> id_of_byte_{};
  std::vector<std::uint8_t> missing_bytes_;
};

}  // namespace baton::llm
