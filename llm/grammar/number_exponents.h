#pragma once
// Exponents of numbers, as automata.
#include <array>
#include <map>
#include <utility>

#include "automaton.h"

namespace baton::llm {

class Exponents {
 public:
  static constexpr int kMost = 999;  // three digits

  Exponents(Automaton& out, NodeId next) : out_(out), next_(next) {}

  // `e` or `E`, a sign or none, and one to three digits of a number from lo to hi; kDead where there is none.
  NodeId between(int lo, int hi);

 private:
  // By how many digits are left: which numbers they may be. First above last: none.
  using Rest = std::array<std::pair<int, int>, 4>;

  NodeId digits(int lo, int hi);
  NodeId rest(const Rest& wanted);

  Automaton& out_;
  const NodeId next_;
  std::map<std::pair<int, int>, NodeId> between_;
  std::map<Rest, NodeId> rests_;
};

}  // namespace baton::llm
