#include "number_range.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <nlohmann/json.hpp>
#include <tuple>
#include <utility>

#include "number_exponents.h"

namespace baton::llm {
namespace {

// The comparison of the digits so far with a bound's.
enum class Side : std::uint8_t { below, tight, above };

// A bound of a magnitude above zero.
struct Limit {
  std::string digits;
  int point = 0;
  bool exclusive = false;
  bool own = false;  // the schema's bound, and near enough for digits before the point; otherwise it equals the limit of doubles
};

// The numbers of one sign.
class Magnitudes {
 public:
  // low, high: of the magnitude, at least zero. zero: the magnitude may be zero.
  Magnitudes(Automaton& out, const NumberRange& range, std::optional<NumberBound> low, std::optional<NumberBound> high, bool zero,
             int exact_digits, Exponents& exponents, NodeId next)
      : out_(out), range_(range), next_(next), exponents_(exponents), zero_(zero) {
    // 4.9e-324 is the smallest number that is not read as zero.
    low_ = low && !low->value.is_zero() ? Limit{low->value.digits, low->value.point, low->exclusive, true} : Limit{"49", -323};
    // Without exponents, a large bound is reached by digits only.
    if (range.literal) most_digits_ = std::max(most_digits_, low_.point);
    high_ = high ? Limit{high->value.digits, high->value.point, high->exclusive, high->value.point <= most_digits_}
                 : Limit{"17976931348623157", 309};
    if (range.exact) most_digits_ = exact_digits;
    zero_only_ = high && high->value.is_zero();
  }

  NodeId build() {
    const NodeId start = out_.add();
    out_.byte(start, '0', '0', leading_zero());
    if (!zero_only_) integer_digits(start, {});
    return start;
  }

 private:
  struct Mantissa {
    int point = 0;  // digits before the point; below zero: the zeros after it
    int n = 0;      // significant digits, as long as they match a bound's
    Side low = Side::tight, high = Side::tight;
    std::uint32_t remainder = 0;
    int places = 0;  // after the point, if they are counted
    auto operator<=>(const Mantissa&) const = default;
  };

  static constexpr int kFar = 1000;  // a value of `point` that allows no exponent: such a number may only end
  static constexpr int kExactPlaces = 15, kPlacesBeforeExponent = 17, kMostBeforeExponent = 20, kMostZerosBeforeExponent = 8;
  static constexpr int kMostExponent = 280;  // of numbers that are not in scientific notation: far enough from the limits of doubles

  static Side side_of(Side before, const Limit& bound, int n, int digit) {
    if (before != Side::tight) return before;
    const int other = n < static_cast<int>(bound.digits.size()) ? bound.digits[static_cast<std::size_t>(n)] - '0' : 0;
    return digit < other ? Side::below : digit > other ? Side::above : Side::tight;
  }

  // The state after one more significant digit.
  Mantissa with(const Mantissa& m, int digit, bool behind_point) const {
    Mantissa to = m;
    to.low = side_of(m.low, low_, m.n, digit);
    to.high = side_of(m.high, high_, m.n, digit);
    if (behind_point) {
      to.places += range_.max_fraction >= 0;
    } else {
      ++to.point;
    }
    // The limits of doubles matter only to numbers in scientific notation.
    if (to.point != 1 && !low_.own) to.low = Side::below;
    if (to.point != 1 && !high_.own) to.high = Side::above;
    const bool tight = to.low == Side::tight || to.high == Side::tight;
    const int longest = static_cast<int>(std::max(low_.digits.size(), high_.digits.size()));
    to.n = tight ? std::min(m.n + 1, longest) : 0;
    to.remainder = (m.remainder * 10 + static_cast<std::uint32_t>(digit)) % range_.multiple_of;
    return to;
  }

  // Whether the value with an exponent of zero is within the range, or may become so by further digits after the point.
  bool may_stand(const Mantissa& m) const {
    const bool low = !low_.own || m.point > low_.point || (m.point == low_.point && m.low != Side::below);
    const bool high = !high_.own || m.point < high_.point || (m.point == high_.point && m.high != Side::above);
    return low && high;
  }
  bool is_scientific(const Mantissa& m) const { return m.point == 1; }

  // The exponents with which the number may end.
  std::pair<int, int> exponents_of(const Mantissa& m) const {
    const auto whole = [&](const Limit& bound) { return m.n >= static_cast<int>(bound.digits.size()); };
    const bool from_low = m.low == Side::above || (m.low == Side::tight && whole(low_) && !low_.exclusive);
    const bool to_high = m.high == Side::below || (m.high == Side::tight && (!whole(high_) || !high_.exclusive));
    int lo = -kMostExponent, hi = std::min(kMostExponent, high_.point - m.point - 1);  // certainly below the bound
    if (low_.own || is_scientific(m)) lo = low_.point - m.point + !from_low;
    if (high_.own || is_scientific(m)) hi = high_.point - m.point - !to_high;
    if (range_.integer) lo = std::max(lo, 0);
    if (range_.max_fraction >= 0) lo = std::max(lo, m.places - range_.max_fraction);
    std::uint32_t remainder = m.remainder;
    int power = 0;  // the power of ten that makes it a multiple
    for (; remainder != 0 && power < 8; ++power) remainder = remainder * 10 % range_.multiple_of;
    if (remainder != 0) return {0, -1};
    if (power > 0) lo = std::max(lo, power);
    return {lo, hi};
  }

  bool takes_exponent(const Mantissa& m) const {
    if (range_.literal || m.point < -kMostZerosBeforeExponent || m.point > kMostBeforeExponent) return false;
    return !(range_.exact || range_.integer) || m.point <= kExactPlaces;  // with an exponent, JSON readers produce a double
  }

  void end(NodeId node, const Mantissa& m) {
    if (m.point == kFar) return out_.empty(node, next_);
    const auto [lo, hi] = exponents_of(m);
    if (lo <= 0 && hi >= 0) out_.empty(node, next_);
    if (!takes_exponent(m)) return;
    if (const NodeId exponent = exponents_.between(lo, hi); exponent != Automaton::kDead) out_.empty(node, exponent);
  }

  using Targets = std::array<NodeId, 10>;  // by digit; kDead if it may not follow

  // most: of the digits that are counted in the frame's counter; null if they are not counted.
  void lay(NodeId from, const Targets& targets, std::optional<int> most = std::nullopt) {
    for (std::size_t d = 0; d < targets.size();) {
      std::size_t last = d;
      while (last + 1 < targets.size() && targets[last + 1] == targets[d]) ++last;
      Edge edge;
      edge.kind = Edge::Kind::byte;
      edge.lo = static_cast<std::uint8_t>('0' + d);
      edge.hi = static_cast<std::uint8_t>('0' + last);
      edge.target = targets[d];
      if (edge.target != Automaton::kDead) out_.edge(from, most ? Count{0, *most}.counted(edge) : edge);
      d = last + 1;
    }
  }

  void integer_digits(NodeId from, const Mantissa& m) {
    Targets targets{};
    for (int d = m.point == 0 ? 1 : 0; d <= 9; ++d) targets[static_cast<std::size_t>(d)] = integer(with(m, d, false));
    lay(from, targets);
  }

  NodeId integer(const Mantissa& m) {
    if (m.point > most_digits_ || (m.point > 1 && high_.own && !below_high(m))) return Automaton::kDead;
    const auto [at, fresh] = integers_.try_emplace(m, Automaton::kDead);
    if (!fresh) return at->second;
    const NodeId node = at->second = out_.add();
    end(node, m);
    if (const NodeId first = fraction(m, true); first != Automaton::kDead) out_.byte(node, '.', '.', first);
    integer_digits(node, m);
    return node;
  }
  bool below_high(const Mantissa& m) const { return m.point < high_.point || (m.point == high_.point && m.high != Side::above); }

  // The number of digits that may follow after the point, counted from there.
  int most_places(const Mantissa& m) const {
    if (range_.exact) return m.point == kFar ? kExactPlaces : kExactPlaces - std::max(m.point, 0);
    return may_stand(m) ? kMaxFractionDigits : kPlacesBeforeExponent;
  }

  // After the point; `first`: before the first digit there.
  NodeId fraction(Mantissa m, bool first) {
    if (range_.integer || range_.max_fraction == 0) return Automaton::kDead;
    if (m.point != kFar && !may_stand(m) && !is_scientific(m)) return Automaton::kDead;
    if (range_.max_fraction >= 0 && m.places > range_.max_fraction) return Automaton::kDead;
    // If neither a bound nor an exponent is near, all numbers continue in the same way.
    if (!range_.exact && m.point != kFar && !takes_exponent(m) && m.low != Side::tight && m.high != Side::tight) {
      const auto [lo, hi] = exponents_of({m.point, m.n, m.low, m.high, m.remainder, 0});
      if (lo > 0 || hi < 0) return Automaton::kDead;
      m = {kFar, 0, Side::above, Side::below, 0, m.places};
    }
    if (!range_.exact && m.point != kFar && !low_.own && !high_.own && !is_scientific(m) && takes_exponent(m))
      m.point = kMostBeforeExponent;
    const auto [at, fresh] = fractions_.try_emplace({m, first}, Automaton::kDead);
    if (!fresh) return at->second;
    const NodeId node = at->second = out_.add();
    if (!first) end(node, m);
    const int most = most_places(m);
    Targets targets{};
    for (int d = 0; d <= 9 && most > 0; ++d)
      targets[static_cast<std::size_t>(d)] = fraction(m.point == kFar ? far_with_place(m) : with(m, d, true), false);
    lay(node, targets, most);
    return node;
  }
  Mantissa far_with_place(Mantissa m) const {
    m.places += range_.max_fraction >= 0;
    return m;
  }

  NodeId leading_zero() {
    const NodeId node = out_.add();
    if (zero_) end_zero(node, true);
    if (!range_.integer && range_.max_fraction != 0) out_.byte(node, '.', '.', zeros());
    return node;
  }

  void end_zero(NodeId node, bool exponent) {
    out_.empty(node, next_);
    if (exponent && !range_.integer) out_.empty(node, exponents_.between(-Exponents::kMost, Exponents::kMost));
  }

  // After `0.`
  NodeId zeros() {
    const int most = range_.max_fraction >= 0 ? std::min(range_.max_fraction, kMaxZerosBehindPoint) : kMaxZerosBehindPoint;
    NodeId begin = Automaton::kDead;
    for (int n = most; n >= 0; --n) {  // zeros written so far
      const NodeId node = out_.add();
      if (zero_ && n > 0) end_zero(node, n <= kMostZerosBeforeExponent);
      lay(node, {begin});
      Mantissa m;
      m.point = -n;
      m.places = range_.max_fraction >= 0 ? n : 0;
      Targets targets{};
      for (int d = 1; d <= 9 && !zero_only_; ++d) {
        if (const Mantissa to = with(m, d, true); may_stand(to)) targets[static_cast<std::size_t>(d)] = fraction(to, false);
      }
      lay(node, targets, range_.exact ? kExactPlaces : kMaxFractionDigits);
      begin = node;
    }
    return begin;
  }

  Automaton& out_;
  const NumberRange& range_;
  const NodeId next_;
  Exponents& exponents_;
  Limit low_, high_;
  const bool zero_;
  bool zero_only_ = false;
  int most_digits_ = kMaxIntegerDigits;  // before the point
  std::map<Mantissa, NodeId> integers_;
  std::map<std::pair<Mantissa, bool>, NodeId> fractions_;
};

std::optional<NumberBound> magnitude(std::optional<NumberBound> bound) {
  if (bound) bound->value.negative = false;
  return bound;
}

}  // namespace

bool NumberRange::may_be_exact() const {
  for (const auto& bound : {low, high}) {
    if (!bound) continue;
    const Decimal& v = bound->value;
    const bool has_fraction = static_cast<int>(v.digits.size()) > v.point;
    if (v.point > kExactDigits - v.negative || (has_fraction && v.digits.size() > 14)) return false;
  }
  return true;
}

Decimal Decimal::of(const nlohmann::ordered_json& number) {
  Decimal out;
  std::array<char, 40> text{};
  std::string_view read;
  std::string integer;
  if (number.is_number_float()) {
    const auto end = std::to_chars(text.data(), text.data() + text.size(), number.get<double>(), std::chars_format::scientific).ptr;
    read = {text.data(), static_cast<std::size_t>(end - text.data())};
  } else {
    integer = number.dump();
    read = integer;
  }
  if (read.starts_with('-')) {
    out.negative = true;
    read.remove_prefix(1);
  }
  const auto e = std::min(read.find('e'), read.size());
  for (const char c : read.substr(0, e)) {
    if (c != '.') out.digits += c;
  }
  out.point = static_cast<int>(std::min(read.find('.'), e));
  if (e < read.size()) {
    int exponent = 0;
    const std::string_view rest = read.substr(e + (read[e + 1] == '+' ? 2 : 1));
    std::from_chars(rest.data(), rest.data() + rest.size(), exponent);
    out.point += exponent;
  }
  out.digits.erase(out.digits.find_last_not_of('0') + 1);
  const std::size_t zeros = std::min(out.digits.find_first_not_of('0'), out.digits.size());
  out.digits.erase(0, zeros);
  out.point -= static_cast<int>(zeros);
  if (out.is_zero()) out = {};
  return out;
}

NodeId json_number_in(Automaton& out, const NumberRange& range, NodeId next) {
  const auto &low = range.low, &high = range.high;
  const bool from_zero = !low || low->value.negative || (low->value.is_zero() && !low->exclusive);
  const bool to_zero = !high || !(high->value.negative || (high->value.is_zero() && high->exclusive));
  const bool zero = from_zero && to_zero;
  const bool negatives = !low || low->value.negative;
  const bool positives = !high || !high->value.negative;
  Exponents exponents(out, next);
  std::vector<NodeId> ways;
  if (positives) {
    const auto least = low && !low->value.negative ? low : std::nullopt;
    ways.push_back(Magnitudes(out, range, least, high, zero, NumberRange::kExactDigits, exponents, next).build());
  }
  if (negatives) {  // -5 <= x < -2 is 2 < |x| <= 5
    const auto least = high && high->value.negative ? magnitude(high) : std::nullopt;
    ways.push_back(
        out.bytes("-", Magnitudes(out, range, least, magnitude(low), zero, NumberRange::kExactDigits - 1, exponents, next).build()));
  }
  if (ways.empty()) return Automaton::kDead;
  return out.any_of(ways);
}

}  // namespace baton::llm
