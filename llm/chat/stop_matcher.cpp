#include "stop_matcher.h"

#include <algorithm>

namespace baton::llm {

StopMatcher::StopMatcher(const std::vector<std::string>& stops) {
  for (const std::string& stop : stops) {
    if (stop.empty()) continue;
    Automaton a{stop, std::vector<std::size_t>(stop.size() + 1, 0), 0};
    for (std::size_t n = 2, border = 0; n <= stop.size(); ++n) {
      while (border > 0 && stop[border] != stop[n - 1]) border = a.fallback[border];
      if (stop[border] == stop[n - 1]) ++border;
      a.fallback[n] = border;
    }
    automata_.push_back(std::move(a));
  }
}

void StopMatcher::push(std::string_view text, std::string& out) {
  const std::size_t before = out.size();
  for (const char c : text) {
    if (stopped_) break;
    held_ += c;
    std::size_t longest = 0, complete = 0;
    for (Automaton& a : automata_) {
      while (a.matched > 0 && a.stop[a.matched] != c) a.matched = a.fallback[a.matched];
      if (a.stop[a.matched] == c) ++a.matched;
      longest = std::max(longest, a.matched);
      if (a.matched == a.stop.size()) complete = std::max(complete, a.matched);
    }
    stopped_ = complete > 0;
    const std::size_t keep = stopped_ ? complete : longest;
    out.append(held_, 0, held_.size() - keep);
    held_.erase(0, held_.size() - keep);
  }
  length_ += out.size() - before;
}

void StopMatcher::flush(std::string& out) {
  if (stopped_) return;
  out += held_;
  length_ += held_.size();
  held_.clear();
  for (Automaton& a : automata_) a.matched = 0;
}

}  // namespace baton::llm
