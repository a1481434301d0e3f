#include "number_range.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "json_text.h"

namespace baton::llm {
namespace {

// One sign: magnitudes between low (at least zero) and high.
class Magnitudes {
 public:
  Magnitudes(Automaton& out, const NumberRange& range, std::optional<NumberBound> low, std::optional<NumberBound> high, int most_digits,
             NodeId next)
      : out_(out), range_(range), low_(std::move(low)), high_(std::move(high)), next_(next) {
    max_integer_ = static_cast<std::size_t>(range_.exact ? most_digits : kMaxIntegerDigits);
    for (const auto& bound : {low_, high_}) {
      if (bound) max_integer_ = std::max(max_integer_, bound->value.n_integer);
    }
  }

  NodeId build() {
    // The number of integer digits decides whether a bound can be met at all. Beyond the longer bound's, any number of digits will do.
    const std::size_t low_length = low_ ? low_->value.n_integer : 1;
    const std::size_t high_length = high_ ? high_->value.n_integer : low_length + 1;
    std::vector<NodeId> ways;
    for (std::size_t length = low_length; length <= std::min(high_length, max_integer_); ++length) {
      const bool low_tight = low_ && length == low_length, high_tight = high_ && length == high_length;
      if (!high_ && length == high_length) {
        ways.push_back(longer(length));
      } else {
        ways.push_back(integer_digits({length, 0, low_tight, high_tight, length == 1, 0}));
      }
    }
    if (ways.empty()) return Automaton::kDead;
    return out_.any_of(ways);
  }

 private:
  struct Place {
    std::size_t length, at;  // integer digits in all, and written
    bool low, high;          // all digits so far are the bound's
    bool zero;               // all digits so far are zero: only where there is one
    std::uint32_t remainder;
    bool operator<(const Place& o) const {
      return std::tie(length, at, low, high, zero, remainder) < std::tie(o.length, o.at, o.low, o.high, o.zero, o.remainder);
    }
  };

  static int digit_of(const Decimal& value, std::size_t i) { return i < value.digits.size() ? value.digits[i] - '0' : 0; }

  // A number of at least `length` digits, all of which are free.
  NodeId longer(std::size_t length) {
    const int more = static_cast<int>(max_integer_ - length);
    std::map<std::uint32_t, NodeId> loops;  // by remainder, once `length` digits are there
    const auto loop = [&](auto&& self, std::uint32_t remainder) -> NodeId {
      const auto [at, fresh] = loops.try_emplace(remainder, Automaton::kDead);
      if (!fresh) return at->second;
      const NodeId node = at->second = out_.add();
      for (unsigned d = 0; d <= 9; ++d)
        counted_digit(out_, node, '0' + d, '0' + d, self(self, (remainder * 10 + d) % range_.multiple_of), more);
      if (remainder == 0) out_.empty(node, after_integer(false, false, length, false));
      return node;
    };
    std::map<std::pair<std::size_t, std::uint32_t>, NodeId> known;
    const auto head = [&](auto&& self, std::size_t written, std::uint32_t remainder) -> NodeId {
      if (written == length) return loop(loop, remainder);
      const auto [at, fresh] = known.try_emplace({written, remainder}, Automaton::kDead);
      if (!fresh) return at->second;
      const NodeId node = at->second = out_.add();
      for (unsigned d = written == 0 ? 1 : 0; d <= 9; ++d)
        out_.byte(node, '0' + d, '0' + d, self(self, written + 1, (remainder * 10 + d) % range_.multiple_of));
      return node;
    };
    return head(head, 0, 0);
  }

  NodeId integer_digits(Place place) {
    // Where no bound is near, only the digits that are left count; so numbers of all lengths share their ends.
    if (!place.low && !place.high && !range_.exact && place.at > 1) {
      place.length -= place.at - 1;
      place.at = 1;
    }
    if (place.at == place.length) {
      return place.remainder == 0 ? after_integer(place.low, place.high, place.length, place.zero) : Automaton::kDead;
    }
    const auto [at, fresh] = integers_.try_emplace(place, Automaton::kDead);
    if (!fresh) return at->second;
    const NodeId node = at->second = out_.add();
    const int from = std::max(place.at == 0 && place.length > 1 ? 1 : 0, place.low ? digit_of(low_->value, place.at) : 0);
    const int to = place.high ? digit_of(high_->value, place.at) : 9;
    for (int d = from; d <= to; ++d) {
      const Place next{place.length,
                       place.at + 1,
                       place.low && d == digit_of(low_->value, place.at),
                       place.high && d == digit_of(high_->value, place.at),
                       place.zero && d == 0,
                       (place.remainder * 10 + static_cast<std::uint32_t>(d)) % range_.multiple_of};
      const NodeId there = integer_digits(next);
      if (there != Automaton::kDead) out_.byte(node, '0' + static_cast<unsigned>(d), '0' + static_cast<unsigned>(d), there);
    }
    return node;
  }

  // May the number end here, `at` digits being written? While it is the low bound's beginning it is less than the bound unless only zeros
  // follow there.
  bool may_end(bool low, bool high, std::size_t at) const {
    const auto rest_is_zero = [at](const Decimal& v) {
      return at >= v.digits.size() || v.digits.find_first_not_of('0', at) == std::string::npos;
    };
    if (low && (!rest_is_zero(low_->value) || low_->exclusive)) return false;
    return !(high && rest_is_zero(high_->value) && high_->exclusive);
  }

  NodeId after_integer(bool low, bool high, std::size_t n_integer, bool zero) {
    const NodeId node = out_.add();
    if (may_end(low, high, n_integer)) out_.empty(node, next_);
    const int left = !range_.exact ? kAny : zero ? kSignificant : std::max(0, kSignificant - static_cast<int>(n_integer));
    if (!range_.integer && range_.max_fraction != 0) out_.byte(node, '.', '.', fraction({low, high, zero, n_integer, 0, left}));
    return node;
  }

  // Within the fraction, of which the first digit is wanted.
  struct Behind {
    bool low, high, zero;
    std::size_t n_integer, written;
    int left;  // digits that may still be written, zeros at the beginning aside
    bool operator<(const Behind& o) const {
      return std::tie(low, high, zero, n_integer, written, left) < std::tie(o.low, o.high, o.zero, o.n_integer, o.written, o.left);
    }
  };
  NodeId fraction(const Behind& b) {
    if (range_.max_fraction >= 0 && b.written > static_cast<std::size_t>(range_.max_fraction)) return Automaton::kDead;
    const std::size_t i = b.n_integer + b.written;
    const std::size_t longest = std::max(b.low ? low_->value.digits.size() : 0, b.high ? high_->value.digits.size() : 0);
    const bool beyond = i >= longest;  // of the bounds only zeros are left
    Behind key = b;
    // Behind the bounds' digits every place is like the one before, unless places are counted.
    if (beyond && range_.max_fraction < 0) key.n_integer = 1, key.written = kBeyond + (b.written > 0);
    const auto [at, fresh] = fractions_.try_emplace(key, Automaton::kDead);
    if (!fresh) return at->second;
    const NodeId node = at->second = out_.add();
    if (b.written > 0 && may_end(b.low, b.high, i)) out_.empty(node, next_);
    const int from = b.low ? digit_of(low_->value, i) : 0, to = b.high ? digit_of(high_->value, i) : 9;
    for (int d = from; d <= to; ++d) {
      const bool zero = b.zero && d == 0;
      if (b.left == 0 && !zero) break;
      const int left = b.left == kAny || zero ? b.left : b.left - 1;
      const NodeId there = fraction({b.low && d == from, b.high && d == to, zero, b.n_integer, b.written + 1, left});
      const auto digit = '0' + static_cast<unsigned>(d);
      if (there == Automaton::kDead) continue;
      if (zero) {  // a reader makes 0 of 1e-400
        counted_digit(out_, node, digit, digit, there, kMaxLeadingZeros);
      } else {
        out_.byte(node, digit, digit, there);
      }
    }
    return node;
  }

  static constexpr std::size_t kBeyond = 1'000'000;
  static constexpr int kSignificant = 15, kMaxLeadingZeros = 300, kAny = -1;
  Automaton& out_;
  const NumberRange& range_;
  const std::optional<NumberBound> low_, high_;
  const NodeId next_;
  std::size_t max_integer_ = 0;
  std::map<Place, NodeId> integers_;
  std::map<Behind, NodeId> fractions_;
};

NumberBound zero() { return {{false, "0", 1}, false}; }

std::optional<NumberBound> magnitude(std::optional<NumberBound> bound) {
  if (bound) bound->value.negative = false;
  return bound;
}

}  // namespace

bool NumberRange::may_be_exact() const {
  for (const auto& bound : {low, high}) {
    if (!bound) continue;
    const Decimal& v = bound->value;
    const std::size_t first = std::min(v.digits.find_first_not_of('0'), v.digits.size());
    const bool has_fraction = v.digits.size() > v.n_integer;
    if (v.n_integer > static_cast<std::size_t>(kExactDigits - v.negative) || (has_fraction && v.digits.size() - first > 14)) return false;
  }
  return true;
}

std::optional<Decimal> Decimal::parse(const std::string& text) {
  Decimal out;
  std::size_t i = 0;
  if (i < text.size() && text[i] == '-') {
    out.negative = true;
    ++i;
  }
  const std::size_t point = std::min(text.find('.', i), text.size());
  std::string whole = text.substr(i, point - i), fraction = point < text.size() ? text.substr(point + 1) : "";
  const auto digits = [](const std::string& s) { return s.find_first_not_of("0123456789") == std::string::npos; };
  if (whole.empty() || !digits(whole) || !digits(fraction)) return std::nullopt;
  whole.erase(0, std::min(whole.find_first_not_of('0'), whole.size() - 1));
  fraction.erase(fraction.find_last_not_of('0') + 1);
  out.n_integer = whole.size();
  out.digits = whole + fraction;
  if (out.is_zero()) out.negative = false;
  return out;
}

NodeId json_number_in(Automaton& out, const NumberRange& range, NodeId next) {
  std::vector<NodeId> ways;
  const bool negatives = !range.low || range.low->value.negative;
  const bool positives = !range.high || !range.high->value.negative;
  if (positives) {
    const bool from_zero = !range.low || range.low->value.negative;
    ways.push_back(Magnitudes(out, range, from_zero ? zero() : range.low, range.high, NumberRange::kExactDigits, next).build());
  }
  if (negatives) {  // -5 <= x < -2 is 2 < |x| <= 5. "-0" is zero, and left out
    const bool to_zero = !range.high || !range.high->value.negative;
    NumberBound nearest = zero();
    nearest.exclusive = true;
    const NodeId magnitudes =
        Magnitudes(out, range, to_zero ? nearest : magnitude(range.high), magnitude(range.low), NumberRange::kExactDigits - 1, next)
            .build();
    if (magnitudes != Automaton::kDead) ways.push_back(out.bytes("-", magnitudes));
  }
  if (ways.empty()) return Automaton::kDead;
  return out.any_of(ways);
}

}  // namespace baton::llm
