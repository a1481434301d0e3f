#include "forced_text.h"

#include <algorithm>
#include <iterator>

namespace baton::llm {
std::string forced_text(Grammar& grammar, StateId from, JsonLayout so_far, std::size_t limit) {
  constexpr std::size_t kMaxWays = 24;  // the number of characters that may begin a JSON value, and white space
  std::string out;
  while (out.size() < limit && !grammar.accepts(from)) {
    std::string ways = grammar.next_bytes(from, kMaxWays);
    if (ways.empty()) break;
    if (ways.size() > 1) std::erase(ways, '\\');  // a character that may be escaped: that is rare
    char next = ways.front();
    if (ways.size() > 1) {
      std::string signs;
      std::remove_copy_if(ways.begin(), ways.end(), std::back_inserter(signs), is_json_space);
      const bool one = signs.size() == 1;
      if (!one && signs.size() == ways.size()) break;
      const std::string usual = so_far.before(one ? std::optional(signs[0]) : std::nullopt);
      const std::string_view space = so_far.space();
      const bool more = usual.size() > space.size() && usual.starts_with(space);
      if (!more && !(one && usual == space)) break;
      next = more ? usual[space.size()] : signs[0];
    }
    from = grammar.step(from, {&next, 1});
    if (from == kDeadState) break;
    out += next;
    so_far.observe({&next, 1});
  }
  return out;
}

}  // namespace baton::llm
