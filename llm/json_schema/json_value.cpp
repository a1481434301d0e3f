#include "json_value.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <utility>
#include <vector>

namespace baton::llm {
namespace {

// x86's long double and the others' quad hold every int64, uint64 and double exactly; on platforms where it is a double, large integers may
// round.
long double exact(const Json& number) {
  if (number.is_number_unsigned()) return static_cast<long double>(number.get<std::uint64_t>());
  if (number.is_number_integer()) return static_cast<long double>(number.get<std::int64_t>());
  return static_cast<long double>(number.get<double>());
}

std::string canonical_number(const Json& number) {
  if (number.is_number_integer()) return number.dump();  // signed or unsigned
  const double value = number.get<double>();
  if (std::isfinite(value) && std::floor(value) == value) {
    if (value >= -0x1p63 && value < 0x1p63) return std::to_string(static_cast<std::int64_t>(value));
    if (value >= 0 && value < 0x1p64) return std::to_string(static_cast<std::uint64_t>(value));
  }
  char text[32];
  std::snprintf(text, sizeof text, "%.17g", value);
  return text;
}

std::string quoted(const std::string& text) { return Json(text).dump(-1, ' ', false, Json::error_handler_t::replace); }

// digits * 10^exponent
struct Decimal {
  std::uint64_t digits = 0;
  int exponent = 0;
};

Decimal to_decimal(const Json& number) {
  if (number.is_number_unsigned()) return {number.get<std::uint64_t>(), 0};
  if (number.is_number_integer()) {
    const std::int64_t value = number.get<std::int64_t>();
    return {value < 0 ? 0 - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value), 0};
  }
  char text[40];  // the shortest form that reads back: d.ddde[+-]dd
  const auto end = std::to_chars(text, text + sizeof text, std::fabs(number.get<double>()), std::chars_format::scientific).ptr;
  Decimal decimal;
  const char* at = text;
  bool fraction = false;
  for (; at != end && *at != 'e'; ++at) {
    if (*at == '.') {
      fraction = true;
    } else {
      decimal.digits = decimal.digits * 10 + static_cast<std::uint64_t>(*at - '0');  // at most 17 digits
      decimal.exponent -= fraction;
    }
  }
  int exponent = 0;
  if (at != end) std::from_chars(at + (at[1] == '+' ? 2 : 1), end, exponent);
  decimal.exponent += exponent;
  return decimal;
}

}  // namespace

JsonSize measure(const Json& json, int max_depth, std::size_t max_values) {
  JsonSize size;
  std::vector<std::pair<const Json*, int>> open = {{&json, 0}};
  while (!open.empty()) {
    const auto [value, depth] = open.back();
    open.pop_back();
    ++size.values;
    size.depth = std::max(size.depth, depth);
    if (size.depth > max_depth || size.values + open.size() > max_values) {
      size.values += open.size();
      return size;
    }
    if (value->is_structured())
      for (const Json& child : *value) open.emplace_back(&child, depth + 1);
  }
  return size;
}

std::string canonical(const Json& json) {
  switch (json.type()) {
    case Json::value_t::string:
      return quoted(json.get_ref<const std::string&>());
    case Json::value_t::number_integer:
    case Json::value_t::number_unsigned:
    case Json::value_t::number_float:
      return canonical_number(json);
    case Json::value_t::array: {
      std::string text = "[";
      for (const Json& element : json) text += canonical(element) + ',';
      return text + ']';
    }
    case Json::value_t::object: {
      std::vector<std::string> members;
      for (const auto& [key, value] : json.items()) members.push_back(quoted(key) + ':' + canonical(value));
      std::sort(members.begin(), members.end());
      std::string text = "{";
      for (const std::string& member : members) text += member + ',';
      return text + '}';
    }
    default:
      return json.dump();
  }
}

bool is_integer(const Json& number) {
  if (number.is_number_integer()) return true;
  if (!number.is_number_float()) return false;
  const double value = number.get<double>();
  return std::isfinite(value) && std::floor(value) == value;
}

bool exceeds_64_bits(const Json& number) {
  if (!number.is_number_float()) return false;
  const double value = number.get<double>();
  return std::isfinite(value) && (value >= 0x1p64 || value <= -0x1p63);
}

int compare_numbers(const Json& a, const Json& b) {
  const long double x = exact(a), y = exact(b);
  return x < y ? -1 : x > y ? 1 : 0;
}

bool is_multiple(const Json& number, const Json& of) {
  if (number.is_number_float() && !std::isfinite(number.get<double>())) return false;
  const Decimal a = to_decimal(number), b = to_decimal(of);
  if (a.digits == 0) return true;
  if (b.digits == 0) return false;
  using Wide = unsigned __int128;
  if (a.exponent < b.exponent) {
    // a = digits, b = digits * 10^shift. Beyond 19 digits more b is the larger of the two.
    const int shift = b.exponent - a.exponent;
    if (shift > 19) return false;
    Wide divisor = b.digits;
    for (int i = 0; i < shift; ++i) divisor *= 10;
    return a.digits % divisor == 0;
  }
  Wide rest = a.digits % b.digits;
  for (int i = a.exponent - b.exponent; i > 0 && rest != 0; --i) rest = rest * 10 % b.digits;
  return rest == 0;
}

std::size_t code_points(std::string_view utf8) {
  return static_cast<std::size_t>(std::count_if(utf8.begin(), utf8.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

std::string shown(const Json& json, std::size_t max_bytes) {
  if (json.is_string() && json.get_ref<const std::string&>().size() > max_bytes) {
    std::string text = json.get_ref<const std::string&>().substr(0, max_bytes);
    while (!text.empty() && (text.back() & 0xc0) == 0x80) text.pop_back();  // the character that the cut may have split
    if (!text.empty() && (text.back() & 0x80) != 0) text.pop_back();
    return quoted(text + "...");
  }
  constexpr std::size_t kFewValues = 20;
  if (!json.is_structured() || measure(json, static_cast<int>(kFewValues), kFewValues).values <= kFewValues) {
    std::string text = json.dump(-1, ' ', false, Json::error_handler_t::replace);
    if (text.size() <= max_bytes || !json.is_structured()) return text;
  }
  return json.is_array() ? "an array of " + std::to_string(json.size()) + " elements"
                         : "an object of " + std::to_string(json.size()) + " members";
}

}  // namespace baton::llm
