#include "number_exponents.h"

#include <algorithm>

namespace baton::llm {
namespace {

constexpr std::array<int, 4> kPowers = {1, 10, 100, 1000};
constexpr std::pair<int, int> kNone = {1, 0};

// The part of a range within lo..hi, counted from lo.
std::pair<int, int> clipped(const std::pair<int, int>& range, int lo, int hi) {
  const int first = std::max(range.first, lo), last = std::min(range.second, hi);
  return first > last ? kNone : std::pair{first - lo, last - lo};
}

}  // namespace

NodeId Exponents::between(int lo, int hi) {
  lo = std::max(lo, -kMost);
  hi = std::min(hi, kMost);
  if (lo > hi) return Automaton::kDead;
  const auto [at, fresh] = between_.try_emplace({lo, hi}, Automaton::kDead);
  if (!fresh) return at->second;
  const NodeId begin = at->second = out_.add(), sign = out_.add();
  out_.byte(begin, 'e', 'e', sign);
  out_.byte(begin, 'E', 'E', sign);
  if (hi >= 0) {
    const NodeId number = digits(std::max(lo, 0), hi);
    out_.empty(sign, number);
    out_.byte(sign, '+', '+', number);
  }
  if (lo <= 0) out_.byte(sign, '-', '-', digits(std::max(-hi, 0), -lo));
  return begin;
}

NodeId Exponents::digits(int lo, int hi) {
  Rest wanted;
  wanted.fill(kNone);
  for (int n = 1; n <= 3; ++n) wanted[static_cast<std::size_t>(n)] = clipped({lo, hi}, 0, kPowers[n] - 1);
  return rest(wanted);
}

NodeId Exponents::rest(const Rest& wanted) {
  if (wanted == Rest{kNone, kNone, kNone, kNone}) return Automaton::kDead;
  const auto [at, fresh] = rests_.try_emplace(wanted, Automaton::kDead);
  if (!fresh) return at->second;
  const NodeId node = at->second = out_.add();
  if (wanted[0] != kNone) out_.empty(node, next_);
  std::array<NodeId, 10> targets{};
  for (int d = 0; d <= 9; ++d) {
    Rest behind;
    behind.fill(kNone);
    for (std::size_t n = 1; n < wanted.size(); ++n) behind[n - 1] = clipped(wanted[n], d * kPowers[n - 1], (d + 1) * kPowers[n - 1] - 1);
    targets[static_cast<std::size_t>(d)] = rest(behind);
  }
  for (unsigned d = 0; d < targets.size();) {
    unsigned last = d;
    while (last + 1 < targets.size() && targets[last + 1] == targets[d]) ++last;
    if (targets[d] != Automaton::kDead) out_.byte(node, '0' + d, '0' + last, targets[d]);
    d = last + 1;
  }
  return node;
}

}  // namespace baton::llm
