#pragma once
// Merges neighbours, best pair first: the loop shared by both families. Internal to llm/tokenizer.
#include <algorithm>
#include <cstdint>
#include <vector>

namespace baton::llm {

// Part of a text that is or becomes one token. Linked to its neighbours by position in the vector of symbols.
struct Symbol {
  std::uint32_t begin;
  std::uint32_t size;  // bytes; 0: merged into another
  std::int32_t id;     // -1: not looked up yet
  std::int32_t previous, next;
};

// The result of merging a pair. The smaller priority goes first; among equals, the leftmost pair.
struct Merge {
  std::uint32_t priority;
  std::int32_t id;
};

// Keeps its memory between calls. O(n log n) for n symbols: a run of 100,000 equal letters is an ordinary input.
class MergeLoop {
 public:
  // `lookup(left, right)` returns the pair's Merge, or one with id -1. The remaining symbols are linked from symbols[0].
  template <class Lookup>
  void run(std::vector<Symbol>& symbols, const Lookup& lookup) {
    heap_.clear();
    for (std::size_t i = 0; i + 1 < symbols.size(); ++i) consider(symbols, static_cast<std::int32_t>(i), lookup);
    while (!heap_.empty()) {
      std::pop_heap(heap_.begin(), heap_.end(), later);
      const auto best = heap_.back();
      heap_.pop_back();
      const auto at = static_cast<std::uint32_t>(best.key);
      auto& left = symbols[at];
      if (left.size == 0 || left.next < 0) continue;
      auto& right = symbols[static_cast<std::size_t>(left.next)];
      // Symbols only grow, so the same total means the same pair.
      if (left.size + right.size != best.size) continue;
      left.size = best.size;
      left.id = best.id;
      left.next = right.next;
      right.size = 0;
      if (left.next >= 0) symbols[static_cast<std::size_t>(left.next)].previous = static_cast<std::int32_t>(at);
      if (left.previous >= 0) consider(symbols, left.previous, lookup);
      consider(symbols, static_cast<std::int32_t>(at), lookup);
    }
  }

 private:
  struct Candidate {
    std::uint64_t key;   // priority, then position
    std::uint32_t size;  // of both together
    std::int32_t id;
  };
  static bool later(const Candidate& a, const Candidate& b) { return a.key > b.key; }

  template <class Lookup>
  void consider(const std::vector<Symbol>& symbols, std::int32_t at, const Lookup& lookup) {
    const auto& left = symbols[static_cast<std::size_t>(at)];
    if (left.next < 0) return;
    const auto& right = symbols[static_cast<std::size_t>(left.next)];
    const Merge merge = lookup(left, right);
    if (merge.id < 0) return;
    heap_.push_back({std::uint64_t{merge.priority} << 32 | static_cast<std::uint32_t>(at), left.size + right.size, merge.id});
    std::push_heap(heap_.begin(), heap_.end(), later);
  }

  std::vector<Candidate> heap_;
};

}  // namespace baton::llm
