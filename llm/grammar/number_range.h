#pragma once
// Decimal numbers between two bounds, as automata: digit by digit it is known whether what was written is still the beginning of a bound.
#include <cstdint>
#include <optional>
#include <string>

#include "automaton.h"

namespace baton::llm {

// |value| = digits, a point behind the first `n_integer` of them. No leading zeros but for one before the point; no trailing ones behind
// it.
struct Decimal {
  bool negative = false;
  std::string digits;
  std::size_t n_integer = 0;

  static std::optional<Decimal> parse(const std::string& text);  // [-]digits[.digits]; nothing: something else
  bool is_zero() const { return digits.find_first_not_of('0') == std::string::npos; }
};

struct NumberBound {
  Decimal value;
  bool exclusive = false;
};

struct NumberRange {
  std::optional<NumberBound> low, high;
  bool integer = false;
  int max_fraction = -1;          // digits behind the point at most; -1: any number
  std::uint32_t multiple_of = 1;  // of integers: at most kMaxMultiple
  // What a reader makes a double of must not become another number, such as an exclusive bound itself: 15 significant digits where there is
  // a fraction, and before the point what 64 bits hold, 19 digits or, of negative numbers, 18. The bounds have no more (may_be_exact).
  bool exact = false;
  static constexpr int kExactDigits = 19;
  bool may_be_exact() const;

  static constexpr std::uint32_t kMaxMultiple = 64;
};

// Every decimal writing (no exponent, json_text.h's kMaxIntegerDigits) of every number in the range.
// kDead where there is none.
NodeId json_number_in(Automaton& out, const NumberRange& range, NodeId next);

}  // namespace baton::llm
