#pragma once
// The numbers of calculate: exact fractions as long as they are cheap, otherwise decimals of 50 digits. Internal to the folder.
#include <baton/tools/error.h>

#include <boost/multiprecision/cpp_dec_float.hpp>
#include <boost/multiprecision/cpp_int.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace baton::tools {

using Integer = boost::multiprecision::cpp_int;
using Rational = boost::multiprecision::cpp_rational;
using Real = boost::multiprecision::cpp_dec_float_50;

// Every operation keeps the result bounded: an exact number past kMaxExactBits in numerator or denominator becomes a Real, and a Real past
// 10^kMaxExponent is an error. Errors contain no position; the caller adds it.
class Number {
 public:
  static constexpr unsigned kMaxExactBits = 16384;  // 4932 digits: holds 1700!
  static constexpr int kMaxExponent = 1'000'000;

  Number() = default;
  Number(Rational exact);                         // NOLINT(google-explicit-constructor): the two are numbers
  Number(Real real) : value_(std::move(real)) {}  // NOLINT(google-explicit-constructor)
  Number(int n) : value_(Rational(n)) {}          // NOLINT(google-explicit-constructor)

  // Digits with at most one '.' and an optional exponent, as checked by the lexer.
  static Result<Number> parse(std::string_view digits);

  bool exact() const { return std::holds_alternative<Rational>(value_); }
  const Rational& rational() const { return std::get<Rational>(value_); }
  Real real() const;
  bool is_integer() const { return exact() && denominator(rational()) == 1; }
  bool is_zero() const;
  bool is_negative() const;

  // Integers and terminating decimals are printed exactly, everything else with 16 significant digits.
  std::string text() const;

 private:
  std::variant<Rational, Real> value_{Rational(0)};
};

Result<Number> add(const Number& a, const Number& b);
Result<Number> subtract(const Number& a, const Number& b);
Result<Number> multiply(const Number& a, const Number& b);
Result<Number> divide(const Number& a, const Number& b);
Result<Number> floor_divide(const Number& a, const Number& b);
Result<Number> modulo(const Number& a, const Number& b);  // the sign of b, so that a == b * floor(a / b) + modulo
Result<Number> power(const Number& base, const Number& exponent);
Result<Number> negate(const Number& a);
Result<Number> floor(const Number& a);
int compare(const Number& a, const Number& b);  // < 0, 0, > 0

// `real` as a result: an error if it is NaN, infinite or too large. A value closer to 0 than 10^-kMaxExponent becomes 0.
Result<Number> checked(Real real);

}  // namespace baton::tools
