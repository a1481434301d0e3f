#include "functions.h"

#include <boost/math/constants/constants.hpp>

namespace baton::tools {
namespace {

namespace mp = boost::multiprecision;
using Arguments = std::vector<Number>;

constexpr int kMaxFactorial = 1700;  // the largest whose value is still exact

Error domain(std::string message) { return Error{errc::invalid_argument, std::move(message)}; }

Result<Integer> whole(const Number& n, std::string_view of) {
  if (!n.is_integer()) return domain(std::string(of) + " needs whole numbers, not " + n.text());
  return numerator(n.rational());
}

// With 50 digits of pi, sin(pi) is about 1e-51 instead of 0.
Result<Number> snapped(const Real& value) {
  static const Real tiny("1e-45");
  return abs(value) < tiny ? Result<Number>(Number(0)) : checked(value);
}

Result<Real> angle(const Number& x) {
  static const Real largest("1e15");  // beyond it, too few of the 50 digits would be left for the result
  const Real value = x.real();
  if (abs(value) > largest) return domain("the angle " + x.text() + " is too large; angles are in radians");
  return value;
}

template <Real (*F)(const Real&)>
Result<Number> trigonometric(const Arguments& a) {
  const Result<Real> x = angle(a[0]);
  if (!x) return x.error();
  return snapped(F(*x));
}

Real sine(const Real& x) { return sin(x); }
Real cosine(const Real& x) { return cos(x); }

Result<Number> tangent(const Arguments& a) {
  const Result<Real> x = angle(a[0]);
  if (!x) return x.error();
  const Result<Number> cosine_of = snapped(cos(*x));
  if (cosine_of && cosine_of->is_zero()) return domain("tan is not defined at " + a[0].text());
  return snapped(tan(*x));
}

template <Real (*F)(const Real&)>
Result<Number> arc(const Arguments& a) {
  if (compare(a[0], 1) > 0 || compare(a[0], -1) < 0) return domain("asin and acos need a number from -1 to 1, not " + a[0].text());
  return snapped(F(a[0].real()));
}

Real arc_sine(const Real& x) { return asin(x); }
Real arc_cosine(const Real& x) { return acos(x); }

Result<Number> exponential(const Number& x) {
  // e^x beyond the range of Number is detected before the work is done.
  static const Real limit = Real(Number::kMaxExponent) * log(Real(10));
  if (x.real() > limit) return domain("the result is too large: past 10^1000000");
  if (x.real() < -limit) return Number(0);
  return x.is_zero() ? Result<Number>(Number(1)) : checked(exp(x.real()));
}

template <int Sign>  // +1: cosh, -1: sinh
Result<Number> hyperbolic(const Arguments& a) {
  const Result<Number> up = exponential(a[0]);
  if (!up) return up;
  const Result<Number> down = exponential(*negate(a[0]));
  if (!down) return down;
  const Result<Number> both = Sign > 0 ? add(*up, *down) : subtract(*up, *down);
  return both ? divide(*both, 2) : both;
}

Result<Number> logarithm(const Number& x) {
  if (x.is_zero() || x.is_negative()) return domain("a logarithm needs a number above 0, not " + x.text());
  return snapped(log(x.real()));
}

Result<Number> logarithm(const Number& x, const Number& base) {
  const Result<Number> upper = logarithm(x), lower = logarithm(base);
  if (!upper) return upper;
  if (!lower) return lower;
  return divide(*upper, *lower);
}

Result<Number> log_function(const Arguments& a) {
  if (a.size() == 1) return domain("log is ambiguous: write ln(x), log10(x), log2(x) or log(x, base)");
  return logarithm(a[0], a[1]);
}

Result<Number> cube_root(const Arguments& a) {
  if (a[0].is_zero()) return Number(0);
  const Real root = pow(Real(abs(a[0].real())), Real(1) / 3);
  return checked(a[0].is_negative() ? Real(-root) : root);
}

Result<Number> ceiling(const Number& x) {
  const Result<Number> below = floor(*negate(x));
  return below ? negate(*below) : below;
}

// Halves are rounded away from zero, as people do it.
Result<Number> rounded(const Arguments& a) {
  if (a.size() == 2 && (!a[1].is_integer() || abs(a[1].rational()) > 1000)) {
    return domain("the second argument of round, the number of decimals, must be a whole number from -1000 to 1000");
  }
  const Result<Number> scale = power(10, a.size() == 2 ? a[1] : Number(0));
  const Result<Number> magnitude = multiply(a[0].is_negative() ? *negate(a[0]) : a[0], *scale);
  if (!magnitude) return magnitude;
  const Result<Number> nearest = floor(*add(*magnitude, Rational(1, 2)));
  if (!nearest) return nearest;
  const Result<Number> result = divide(*nearest, *scale);
  return result && a[0].is_negative() ? negate(*result) : result;
}

Result<Number> total(const Arguments& a) {
  Number sum;
  for (const Number& x : a) {
    const Result<Number> next = add(sum, x);
    if (!next) return next;
    sum = *next;
  }
  return sum;
}

template <int Sign>  // +1: max, -1: min
Result<Number> extreme(const Arguments& a) {
  Number best = a[0];
  for (const Number& x : a) {
    if (Sign * compare(x, best) > 0) best = x;
  }
  return best;
}

template <bool Least>  // lcm or gcd
Result<Number> common(const Arguments& a) {
  Integer result = Least ? 1 : 0;
  for (const Number& x : a) {
    const Result<Integer> n = whole(x, Least ? "lcm" : "gcd");
    if (!n) return n.error();
    result = Least ? Integer(mp::lcm(result, *n)) : Integer(mp::gcd(result, *n));
    if (result != 0 && msb(result) > Number::kMaxExactBits) return domain("the result is too large");
  }
  return Number(Rational(abs(result)));
}

// n * (n-1) * ... * (n-k+1), over k! for combinations.
template <bool Ordered>
Result<Number> choices(const Arguments& a) {
  const Result<Integer> n = whole(a[0], Ordered ? "perm" : "comb"), k = whole(a[1], Ordered ? "perm" : "comb");
  if (!n) return n.error();
  if (!k) return k.error();
  if (*n < 0 || *k < 0) return domain("perm and comb need numbers that are not negative");
  if (*k > *n) return Number(0);
  Integer steps = *k;
  if (!Ordered && *n - *k < steps) steps = *n - *k;
  if (steps > kMaxFactorial) return domain("perm and comb are limited to " + std::to_string(kMaxFactorial) + " factors");
  Integer result = 1;
  for (int i = 0; i < steps; ++i) {
    result *= *n - i;
    if (!Ordered) result /= i + 1;
    if (msb(result) > 2 * Number::kMaxExactBits) return domain("the result is too large");
  }
  return Number(Rational(result));
}

Result<Number> hypotenuse(const Arguments& a) {
  const Result<Number> x = multiply(a[0], a[0]), y = multiply(a[1], a[1]);
  if (!x) return x;
  if (!y) return y;
  const Result<Number> sum = add(*x, *y);
  return sum ? square_root(*sum) : sum;
}

constexpr int kMany = MathFunction::kMany;

const MathFunction kFunctions[] = {
    {"sqrt", 1, 1, [](const Arguments& a) { return square_root(a[0]); }},
    {"cbrt", 1, 1, cube_root},
    {"abs", 1, 1, [](const Arguments& a) { return a[0].is_negative() ? negate(a[0]) : Result<Number>(a[0]); }},
    {"min", 1, kMany, extreme<-1>},
    {"max", 1, kMany, extreme<1>},
    {"sum", 1, kMany, total},
    {"avg", 1, kMany,
     [](const Arguments& a) {
       const Result<Number> sum = total(a);
       return sum ? divide(*sum, static_cast<int>(a.size())) : sum;
     }},
    {"sin", 1, 1, trigonometric<sine>},
    {"cos", 1, 1, trigonometric<cosine>},
    {"tan", 1, 1, tangent},
    {"asin", 1, 1, arc<arc_sine>},
    {"acos", 1, 1, arc<arc_cosine>},
    {"atan", 1, 1, [](const Arguments& a) { return snapped(atan(a[0].real())); }},
    {"atan2", 2, 2, [](const Arguments& a) { return snapped(atan2(a[0].real(), a[1].real())); }},
    {"sinh", 1, 1, hyperbolic<-1>},
    {"cosh", 1, 1, hyperbolic<1>},
    {"degrees", 1, 1, [](const Arguments& a) { return checked(a[0].real() * 180 / pi()); }},
    {"radians", 1, 1, [](const Arguments& a) { return checked(a[0].real() * pi() / 180); }},
    {"ln", 1, 1, [](const Arguments& a) { return logarithm(a[0]); }},
    {"log", 1, 2, log_function},
    {"log10", 1, 1, [](const Arguments& a) { return logarithm(a[0], 10); }},
    {"log2", 1, 1, [](const Arguments& a) { return logarithm(a[0], 2); }},
    {"exp", 1, 1, [](const Arguments& a) { return exponential(a[0]); }},
    {"pow", 2, 2, [](const Arguments& a) { return power(a[0], a[1]); }},
    {"floor", 1, 1, [](const Arguments& a) { return floor(a[0]); }},
    {"ceil", 1, 1, [](const Arguments& a) { return ceiling(a[0]); }},
    {"trunc", 1, 1, [](const Arguments& a) { return a[0].is_negative() ? ceiling(a[0]) : floor(a[0]); }},
    {"round", 1, 2, rounded},
    {"factorial", 1, 1, [](const Arguments& a) { return factorial(a[0]); }},
    {"gcd", 1, kMany, common<false>},
    {"lcm", 1, kMany, common<true>},
    {"mod", 2, 2, [](const Arguments& a) { return modulo(a[0], a[1]); }},
    {"comb", 2, 2, choices<false>},
    {"perm", 2, 2, choices<true>},
    {"hypot", 2, 2, hypotenuse},
};

}  // namespace

Real pi() { return boost::math::constants::pi<Real>(); }

const MathFunction* find_function(std::string_view name) {
  if (name == "mean" || name == "average") name = "avg";
  if (name == "ceiling") name = "ceil";
  for (const MathFunction& function : kFunctions) {
    if (function.name == name) return &function;
  }
  return nullptr;
}

Result<Number> constant(std::string_view name) {
  if (name == "pi") return Number(pi());
  if (name == "e") return Number(boost::math::constants::e<Real>());
  if (name == "tau") return Number(Real(2 * pi()));
  return Error{errc::not_found, ""};
}

std::vector<std::string> known_names() {
  std::vector<std::string> names = {"pi", "e", "tau"};
  for (const MathFunction& function : kFunctions) names.emplace_back(function.name);
  return names;
}

Result<Number> factorial(const Number& n) {
  if (!n.is_integer() || n.is_negative()) return domain("a factorial needs a whole number that is not negative, not " + n.text());
  if (compare(n, kMaxFactorial) > 0) return domain("a factorial is limited to " + std::to_string(kMaxFactorial) + "!");
  Integer result = 1;
  for (int i = 2; i <= numerator(n.rational()); ++i) result *= i;
  return Number(Rational(result));
}

Result<Number> square_root(const Number& x) {
  if (x.is_negative()) return domain("the square root of a negative number, " + x.text() + ", is not real");
  if (x.exact()) {
    const Integer upper = sqrt(numerator(x.rational())), lower = sqrt(denominator(x.rational()));
    const Rational root(upper, lower);
    if (root * root == x.rational()) return Number(root);
  }
  return checked(sqrt(x.real()));
}

}  // namespace baton::tools
