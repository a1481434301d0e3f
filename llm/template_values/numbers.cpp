#include "numbers.h"

#include <charconv>
#include <limits>
#include <string>

#include "text.h"

namespace baton::llm::jinja {
namespace {

std::string trimmed(std::string_view text) { return stripped(Text(std::string(text), true), nullptr, true, true).bytes(); }

// Removes '_', which is allowed only between digits. False if it is elsewhere.
bool without_underscores(std::string& text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '_') {
      result += text[i];
      continue;
    }
    auto alnum = [&](std::size_t at) { return at < text.size() && std::isalnum(static_cast<unsigned char>(text[at])); };
    if (i == 0 || !alnum(i - 1) || !alnum(i + 1)) return false;
  }
  text = std::move(result);
  return true;
}

int prefix_base(std::string_view text) {
  if (text.size() < 2 || text[0] != '0') return 0;
  char letter = static_cast<char>(text[1] | 0x20);
  return letter == 'x' ? 16 : letter == 'o' ? 8 : letter == 'b' ? 2 : 0;
}

}  // namespace

Parsed parse_integer(std::string_view text, int base, Integer& value) {
  std::string digits = trimmed(text);
  bool negative = !digits.empty() && digits[0] == '-';
  if (!digits.empty() && (digits[0] == '-' || digits[0] == '+')) digits.erase(0, 1);
  int prefixed = prefix_base(digits);
  if (prefixed && (base == 0 || base == prefixed)) {
    base = prefixed;
    digits.erase(0, digits.size() > 2 && digits[2] == '_' ? 3 : 2);
  } else if (base == 0) {
    base = 10;
    if (digits.size() > 1 && digits[0] == '0' && digits.find_first_not_of("0_") != std::string::npos) return Parsed::malformed;
  }
  if (digits.empty() || !without_underscores(digits)) return Parsed::malformed;
  Integer result = 0;
  bool too_large = false;
  for (char c : digits) {
    int digit = c >= '0' && c <= '9' ? c - '0' : (c | 0x20) >= 'a' && (c | 0x20) <= 'z' ? (c | 0x20) - 'a' + 10 : 99;
    if (digit >= base) return Parsed::malformed;
    too_large =
        too_large || __builtin_mul_overflow(result, Integer{base}, &result) || __builtin_add_overflow(result, Integer{digit}, &result);
  }
  if (too_large) return Parsed::too_large;
  value = negative ? -result : result;
  return Parsed::ok;
}

bool parse_float(std::string_view text, double& value) {
  std::string digits = trimmed(text);
  bool negative = !digits.empty() && digits[0] == '-';
  if (!digits.empty() && (digits[0] == '-' || digits[0] == '+')) digits.erase(0, 1);
  std::string lower;
  for (char c : digits) lower += static_cast<char>(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
  if (lower == "inf" || lower == "infinity") {
    value = std::numeric_limits<double>::infinity();
  } else if (lower == "nan") {
    value = std::numeric_limits<double>::quiet_NaN();
  } else {
    if (!without_underscores(lower) || lower.empty() || !(std::isdigit(static_cast<unsigned char>(lower[0])) || lower[0] == '.'))
      return false;
    auto [end, error] = std::from_chars(lower.data(), lower.data() + lower.size(), value);
    if (end != lower.data() + lower.size() || error == std::errc::invalid_argument) return false;
    if (error == std::errc::result_out_of_range) {
      // Too large is infinite, too small is zero; the sign of the exponent tells which.
      std::size_t e = lower.find('e');
      bool tiny = e != std::string::npos ? lower[e + 1] == '-' : lower[0] == '0' || lower[0] == '.';
      value = tiny ? 0.0 : std::numeric_limits<double>::infinity();
    }
  }
  if (negative) value = -value;
  return true;
}

}  // namespace baton::llm::jinja
