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

// However the word is cut, its first n tokens end at or before `reach`: each of them begins at or before the end that the ones before it
// can reach, and none is longer than the longest token there. What no token spells is one token a byte.
std::size_t FewestTokens::of(std::string_view word, std::size_t enough) const {
  if (useless_) return 0;
  const TokenMatcher& tokens = ordinary();
  std::size_t n = 0, reach = 0, next = 0;
  for (std::size_t at = 0; at < word.size() && n <= enough; ++at) {
    next = std::max(next, at + std::max<std::size_t>(1, tokens.longest(word.substr(at)).size));
    if (at < reach) continue;
    ++n;
    reach = next;
  }
  return n;
}

}  // namespace baton::llm
