#pragma once
// Exponents of numbers, as automata.
#include <array>
#include <map>
#include <utility>

#include <baton/llm/grammar/automaton.h>

namespace baton::llm {

class Exponents {
 public:
  static constexpr int kMost = 999;  // three digits

  Exponents(Automaton& out, NodeId next) : out_(out), next_(next) {}

  // `e` or `E`, an optional sign, and one to three digits of a number from lo to hi; kDead if there is none.
  NodeId between(int lo, int hi);

 private:
  // The possible values for each number of remaining digits. First above last: none.
  using Rest = std::array<std::pair<int, int>, 4>;

  NodeId digits(int lo, int hi);
  NodeId rest(const Rest& wanted);

  Automaton& out_;
  const NodeId next_;
  std::map<std::pair<int, int>, NodeId> between_;
  std::map<Rest, NodeId> rests_;
};

}  // namespace baton::llm
