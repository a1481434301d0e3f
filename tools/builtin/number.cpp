#include "number.h"

#include <algorithm>
#include <charconv>

namespace baton::tools {
namespace {

constexpr int kShownDigits = 16;
constexpr unsigned kMaxDecimals = 60;  // digits of a terminating decimal; longer ones are rounded

unsigned bits(const Integer& n) { return n == 0 ? 1 : msb(abs(n)) + 1; }
unsigned bits(const Rational& r) { return std::max(bits(numerator(r)), bits(denominator(r))); }

Error outside(std::string message) { return Error{errc::invalid_argument, std::move(message)}; }

Integer floor_of(const Rational& r) {
  Integer quotient, remainder;
  divide_qr(numerator(r), denominator(r), quotient, remainder);
  return remainder < 0 ? Integer(quotient - 1) : quotient;
}

// "123.450" -> "123.45", "5." -> "5"
void trim_decimals(std::string& text) {
  if (text.find('.') == std::string::npos) return;
  while (text.back() == '0') text.pop_back();
  if (text.back() == '.') text.pop_back();
}

// The exact text of r, or empty if its decimals do not terminate soon.
std::string exact_text(const Rational& r) {
  if (denominator(r) == 1) return numerator(r).str();
  Integer rest = denominator(r);
  unsigned twos = 0, fives = 0;
  for (; rest % 2 == 0 && twos <= kMaxDecimals; ++twos) rest /= 2;
  for (; rest % 5 == 0 && fives <= kMaxDecimals; ++fives) rest /= 5;
  const unsigned decimals = std::max(twos, fives);
  if (rest != 1 || decimals > kMaxDecimals) return "";
  std::string digits = Integer(abs(numerator(r)) * pow(Integer(10), decimals) / denominator(r)).str();
  if (digits.size() <= decimals) digits.insert(0, decimals + 1 - digits.size(), '0');
  digits.insert(digits.size() - decimals, 1, '.');
  trim_decimals(digits);
  if (r < 0) digits.insert(digits.begin(), '-');
  return digits;
}

std::string real_text(const Real& value) {
  if (value == 0) return "0";
  const std::string scientific = value.str(kShownDigits - 1, std::ios_base::scientific);
  const std::size_t e = scientific.find('e');
  const bool negative = scientific.front() == '-';
  std::string digits = scientific.substr(negative ? 1 : 0, e - (negative ? 1 : 0));
  int exponent = 0;
  const std::size_t number = e + 1 + (scientific[e + 1] == '+' ? 1 : 0);
  std::from_chars(scientific.data() + number, scientific.data() + scientific.size(), exponent);
  std::erase(digits, '.');
  std::string text;
  if (exponent >= 21 || exponent < -7) {
    text = digits.substr(0, 1).append(".").append(digits, 1);
    trim_decimals(text);
    text.append("e").append(std::to_string(exponent));
  } else if (exponent < 0) {
    text = std::string("0.").append(static_cast<std::size_t>(-exponent - 1), '0').append(digits);
    trim_decimals(text);
  } else {
    if (digits.size() < static_cast<std::size_t>(exponent) + 1) digits.append(exponent + 1 - digits.size(), '0');
    text = digits.substr(0, exponent + 1).append(".").append(digits, exponent + 1);
    trim_decimals(text);
  }
  return negative ? std::string("-").append(text) : text;
}

}  // namespace

Number::Number(Rational exact) {
  if (bits(exact) <= kMaxExactBits) {
    value_ = std::move(exact);
  } else {
    value_ = Real(numerator(exact)) / Real(denominator(exact));
  }
}

Result<Number> Number::parse(std::string_view digits) {
  Integer mantissa = 0;
  long exponent = 0;
  std::string plain;
  bool after_point = false;
  std::size_t i = 0;
  for (; i < digits.size() && digits[i] != 'e' && digits[i] != 'E'; ++i) {
    if (digits[i] == '.') {
      after_point = true;
    } else {
      plain += digits[i];
      if (after_point) --exponent;
    }
  }
  // cpp_int reads a leading zero as octal.
  plain.erase(0, std::min(plain.find_first_not_of('0'), plain.size()));
  if (!plain.empty()) mantissa = Integer(plain);
  if (i < digits.size()) {
    ++i;
    if (i < digits.size() && digits[i] == '+') ++i;
    int written = 0;
    const auto [end, ec] = std::from_chars(digits.data() + i, digits.data() + digits.size(), written);
    if (ec != std::errc() || std::abs(written) > kMaxExponent) return outside("the exponent is too large");
    exponent += written;
  }
  if (mantissa == 0) return Number(0);
  constexpr long kExactExponent = kMaxExactBits * 3 / 10;  // about as many digits as an exact number may have
  if (std::labs(exponent) > kExactExponent) return checked(Real(mantissa) * pow(Real(10), exponent));
  const Integer scale = pow(Integer(10), static_cast<unsigned>(std::labs(exponent)));
  return Number(exponent < 0 ? Rational(mantissa, scale) : Rational(mantissa * scale));
}

Real Number::real() const {
  if (!exact()) return std::get<Real>(value_);
  return Real(numerator(rational())) / Real(denominator(rational()));
}

bool Number::is_zero() const { return exact() ? rational() == 0 : std::get<Real>(value_) == 0; }
bool Number::is_negative() const { return exact() ? rational() < 0 : std::get<Real>(value_) < 0; }

std::string Number::text() const {
  if (exact()) {
    if (std::string text = exact_text(rational()); !text.empty()) return text;
  }
  return real_text(real());
}

Result<Number> checked(Real real) {
  if (!isfinite(real)) return outside("the result is too large or not a number");
  static const Real largest = pow(Real(10), Number::kMaxExponent);
  static const Real smallest = 1 / largest;
  if (abs(real) > largest) return outside("the result is too large: past 10^1000000");
  if (abs(real) < smallest) return Number(0);
  return Number(std::move(real));
}

Result<Number> add(const Number& a, const Number& b) {
  if (a.exact() && b.exact()) return Number(Rational(a.rational() + b.rational()));
  const Real left = a.real(), right = b.real();
  Real sum = left + right;
  // The difference of equal numbers is the error of their 50 digits: atan2(1, 1) * 4 - pi is 0.
  static const Real tolerance("1e-45");
  if (abs(sum) <= tolerance * abs(left)) return Number(0);
  return checked(std::move(sum));
}

Result<Number> subtract(const Number& a, const Number& b) {
  return add(a, b.exact() ? Number(Rational(-b.rational())) : Number(Real(-b.real())));
}

Result<Number> multiply(const Number& a, const Number& b) {
  if (a.exact() && b.exact()) return Number(Rational(a.rational() * b.rational()));
  return checked(a.real() * b.real());
}

Result<Number> divide(const Number& a, const Number& b) {
  if (b.is_zero()) return outside("division by zero");
  if (a.exact() && b.exact()) return Number(Rational(a.rational() / b.rational()));
  return checked(a.real() / b.real());
}

Result<Number> negate(const Number& a) { return subtract(Number(0), a); }

Result<Number> floor(const Number& a) {
  if (a.exact()) return Number(Rational(floor_of(a.rational())));
  const Real value = a.real();
  // The 50 digits of an irrational operand may end just below the integer that the result is: sqrt(2)^2 is 2.
  static const Real tolerance("1e-40");
  const Real nearest = boost::multiprecision::round(value);
  if (abs(value - nearest) <= tolerance * std::max(Real(1), Real(abs(value)))) return checked(nearest);
  return checked(boost::multiprecision::floor(value));
}

Result<Number> floor_divide(const Number& a, const Number& b) {
  const Result<Number> quotient = divide(a, b);
  return quotient ? floor(*quotient) : quotient;
}

Result<Number> modulo(const Number& a, const Number& b) {
  const Result<Number> quotient = floor_divide(a, b);
  if (!quotient) return quotient;
  const Result<Number> whole = multiply(*quotient, b);
  return whole ? subtract(a, *whole) : whole;
}

Result<Number> power(const Number& base, const Number& exponent) {
  if (exponent.is_zero()) return Number(1);
  if (base.is_zero()) return exponent.is_negative() ? Result<Number>(outside("division by zero: 0 to a negative power")) : Number(0);
  if (base.exact() && (base.rational() == 1 || (base.rational() == -1 && exponent.is_integer()))) {
    return base.rational() == 1 || numerator(exponent.rational()) % 2 == 0 ? Number(1) : Number(-1);
  }
  if (base.exact() && exponent.is_integer() && abs(exponent.rational()) * bits(base.rational()) <= 2 * Number::kMaxExactBits) {
    const auto n = static_cast<unsigned>(abs(numerator(exponent.rational())));
    Rational result(pow(numerator(base.rational()), n), pow(denominator(base.rational()), n));
    return Number(exponent.is_negative() ? Rational(1 / result) : std::move(result));
  }
  const bool odd = exponent.is_integer() && numerator(exponent.rational()) % 2 != 0;
  if (base.is_negative() && !exponent.is_integer()) {
    return outside("a negative number to a power that is not whole has no real result");
  }
  const Real magnitude = abs(base.real());
  const Real digits = exponent.real() * log10(magnitude);  // decides before the work is done: 9^9^9 has 369 million of them
  if (digits > Number::kMaxExponent) return outside("the result is too large: past 10^1000000");
  if (digits < -Number::kMaxExponent) return Number(0);
  const Real result = pow(magnitude, exponent.real());
  return checked(base.is_negative() && odd ? Real(-result) : result);
}

int compare(const Number& a, const Number& b) {
  if (a.exact() && b.exact()) return a.rational().compare(b.rational());
  return a.real().compare(b.real());
}

}  // namespace baton::tools
