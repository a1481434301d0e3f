#include "token_limit.h"

#include <algorithm>

namespace baton::llm {

const TokenMatcher& FewestTokens::ordinary() const {
  std::call_once(built_, [this] {
    std::vector<std::int32_t> ids;
    for (std::size_t i = 0; i < vocabulary_.size(); ++i) {
      if (vocabulary_.is_ordinary(static_cast<std::int32_t>(i))) ids.push_back(static_cast<std::int32_t>(i));
    }
    ordinary_ = std::make_unique<TokenMatcher>(vocabulary_, ids);
  });
  return *ordinary_;
}

// However the word is split, its first n tokens end at or before `reach`: each of them begins at or before the end that the previous ones
// can reach, and none is longer than the longest token there. Bytes without a longer token are one token each. The last beginnings usually
// reach furthest, so they are looked up first, and those that cannot reach further are not looked up at all.
std::size_t FewestTokens::of(std::string_view word, std::size_t enough) const {
  if (useless_) return 0;
  const TokenMatcher& tokens = ordinary();
  std::size_t n = 0, begin = 0, reach = 0;  // the positions from `begin` on have not been looked up
  while (reach < word.size() && n <= enough) {
    std::size_t next = reach + 1;
    for (std::size_t at = reach + 1; at-- > begin;) {
      if (at + tokens.most_bytes(word[at]) > next) next = std::max(next, at + tokens.longest(word.substr(at)).size);
    }
    begin = reach + 1;
    reach = next;
    ++n;
  }
  return n;
}

}  // namespace baton::llm
