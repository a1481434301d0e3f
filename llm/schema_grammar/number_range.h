#pragma once
// Numbers between two bounds, as automata over their notations, with or without a point and an exponent. Each state knows whether the
// digits so far are a prefix of a bound, and therefore which exponents may follow.
#include <nlohmann/json_fwd.hpp>

#include <compare>
#include <cstdint>
#include <optional>
#include <string>

#include <baton/llm/grammar/automaton.h>

namespace baton::llm {

// |value| = 0.digits * 10^point. The digits have no zeros at either end; zero has none.
struct Decimal {
  bool negative = false;
  std::string digits;
  int point = 0;

  static Decimal of(const nlohmann::ordered_json& number);
  bool is_zero() const { return digits.empty(); }
  auto operator<=>(const Decimal&) const = default;
};

struct NumberBound {
  Decimal value;
  bool exclusive = false;
  auto operator<=>(const NumberBound&) const = default;
};

struct NumberRange {
  std::optional<NumberBound> low, high;
  bool integer = false;
  bool literal = false;           // of integers: without an exponent, with which a reader would treat it as another kind of number
  int max_fraction = -1;          // decimal places of the value at most; -1: any number
  std::uint32_t multiple_of = 1;  // of integers: at most kMaxMultiple
  // A number that is read as a double must not become another number, such as an exclusive bound itself. So it has at most 15 significant
  // digits with a fraction or an exponent, and otherwise as many as 64 bits hold: 19 digits, or 18 for negative numbers. The bounds have no
  // more digits (may_be_exact).
  bool exact = false;
  auto operator<=>(const NumberRange&) const = default;

  static constexpr int kExactDigits = 19;
  bool may_be_exact() const;

  static constexpr std::uint32_t kMaxMultiple = 64;
};

// Digits are bounded, so that a confused model does not write them for ever.
inline constexpr int kMaxIntegerDigits = 80;   // an integer of 256 bits has 78; more only if an integer without an exponent needs them
inline constexpr int kMaxFractionDigits = 60;  // after the zeros after the point; the longest common fraction, the binary 0.1, has 55
inline constexpr int kMaxZerosBehindPoint = 45;

// The notations of every number of the range that a double can hold: JSON's own, with `e` or `E`, an optional sign, and up to three digits.
// Unusual notations, which would lead a model astray, are left out:
// - an integer has no point, and no exponent below zero;
// - digits that are beyond the range without an exponent, except for one digit before the point (5e-2);
// - an exponent after more than 20 digits before the point (15 of an integer, which is then read as a double), or more than 8 zeros after
//   it;
// - unless there is exactly one digit before the point: an exponent beyond 280 if there is no bound, and one that makes a number as long as
//   a bound of more than 80 digits.
// kDead if there is no number in the range.
NodeId json_number_in(Automaton& out, const NumberRange& range, NodeId next);

}  // namespace baton::llm
