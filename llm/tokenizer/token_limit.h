#pragma once
// Stops encoding a text that has more tokens than its reader accepts, before most of it was merged. Internal to llm/tokenizer.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include "token_matcher.h"

namespace baton::llm {

// A lower bound on the number of tokens of a word. Merging a long word takes time and memory that grow with its length; this reads only as
// much of it as `enough` tokens hold. Any thread.
class FewestTokens {
 public:
  // `missing_bytes`: bytes without a token, which therefore count as no token.
  FewestTokens(const Vocabulary& vocabulary, bool any_missing_bytes) : vocabulary_(vocabulary), useless_(any_missing_bytes) {}

  // At most enough + 1.
  std::size_t of(std::string_view word, std::size_t enough) const;

 private:
  const TokenMatcher& ordinary() const;

  const Vocabulary& vocabulary_;
  const bool useless_;
  mutable std::once_flag built_;
  mutable std::unique_ptr<TokenMatcher> ordinary_;  // built for the first long word: most vocabularies never need it
};

// Receives tokens, up to a maximum number.
class TokenSink {
 public:
  TokenSink(const FewestTokens& fewest, std::size_t max_tokens) : fewest_(fewest), max_tokens_(max_tokens) {}

  std::vector<std::int32_t> tokens;
  // Whether there are, or would be, more tokens than the limit: then the rest need not be encoded.
  bool over() const { return over_ || tokens.size() > max_tokens_; }
  // Called before a word is merged.
  bool has_room_for(std::string_view word) {
    const std::size_t left = over() ? 0 : max_tokens_ - tokens.size();
    if (!over_ && word.size() > left) over_ = fewest_.of(word, left) > left;
    return !over();
  }

 private:
  const FewestTokens& fewest_;
  const std::size_t max_tokens_;
  bool over_ = false;
};

}  // namespace baton::llm
