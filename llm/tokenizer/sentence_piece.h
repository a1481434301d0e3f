#pragma once
// SentencePiece-style BPE: any two neighbours whose union is a token may merge, highest score first. Internal to llm/tokenizer.
#include <array>

#include "merge.h"
#include "token_limit.h"
#include "vocabulary.h"

namespace baton::llm {

class SentencePiece {
 public:
  static Result<SentencePiece> from_gguf(const GgufFile& file, const Vocabulary& vocabulary);

  // Appends the tokens of `text`, which is valid UTF-8, has its space prefix, and contains no special token, if `out` accepts them.
  void encode(const Vocabulary& vocabulary, std::string_view text, TokenSink& out) const;

  bool adds_space_prefix() const { return space_prefix_; }
  const std::vector<std::uint8_t>& missing_bytes() const { return missing_bytes_; }

 private:
  bool space_prefix_ = true;
  std::size_t longest_ = 0;                // bytes of the longest ordinary token
  std::vector<std::uint32_t> priorities_;  // per token, smaller for a higher score
  std::array<std::int32_t, 256> id_of_byte_{};
  std::vector<std::uint8_t> missing_bytes_;
};

}  // namespace baton::llm
