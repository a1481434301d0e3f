#include <algorithm>
#include <cmath>
#include <cstdio>

#include <baton/llm/chat_template/operators.h>
#include <baton/llm/chat_template/python_text.h>
#include <baton/llm/template_values/unicode.h>
#include "format.h"
#include "text_functions.h"

namespace baton::llm::jinja {
namespace {

// Precisions beyond this have no practical use, and a width is bounded by the size of the output anyway.
constexpr Integer kMaxPrecision = 400;

std::string in_base(Integer value, int base, bool upper) {
  const char* digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
  if (value == 0) return "0";
  std::string text;
  for (; value != 0; value /= base) text += digits[static_cast<int>(value % base < 0 ? -(value % base) : value % base)];
  return {text.rbegin(), text.rend()};
}

std::string grouped(const std::string& digits, char separator, std::size_t every) {
  std::string result;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i && (digits.size() - i) % every == 0) result += separator;
    result += digits[i];
  }
  return result;
}

// The digits of |value|, without a sign.
std::string float_digits(double value, const FormatSpec& spec) {
  value = std::abs(value);
  char type = spec.type;
  if (std::isnan(value) || std::isinf(value))
    return std::isnan(value) ? (type == 'F' || type == 'E' || type == 'G' ? "NAN" : "nan")
                             : (type == 'F' || type == 'E' || type == 'G' ? "INF" : "inf");
  if (type == '\0' && spec.precision < 0) return shortest(value);
  int precision = spec.precision < 0 ? 6 : static_cast<int>(spec.precision);
  if (type == '%') value *= 100;
  char c_type = type == '%' || type == 'F' ? 'f' : type == '\0' || type == 'n' ? 'g' : type;
  char pattern[16];
  std::snprintf(pattern, sizeof pattern, spec.alternate ? "%%#.*%c" : "%%.*%c", c_type);
  char buffer[1024];
  std::snprintf(buffer, sizeof buffer, pattern, precision, value);
  std::string text = buffer;
  if (type == '\0' && text.find_first_of(".en") == std::string::npos) text += ".0";
  if (type == '%') text += '%';
  return text;
}

void aligned(Builder& to, Interpreter& in, const Text& text, const FormatSpec& spec, char by_default) {
  char align = spec.align ? spec.align : by_default;
  Integer missing = lacking(text, spec.width);
  Integer before = align == '<' ? 0 : align == '^' ? missing / 2 : missing;
  to.add(padded(in, text, Text(spec.fill, true), before, missing - before));
}

void write_number(Builder& to, Interpreter& in, std::string digits, bool negative, const std::string& prefix, const FormatSpec& spec,
                  bool mark) {
  if (spec.grouping) {
    bool by_three = !(spec.type == 'x' || spec.type == 'X' || spec.type == 'o' || spec.type == 'b');
    std::size_t whole = std::min(digits.find_first_of(".e%"), digits.size());
    digits = grouped(digits.substr(0, whole), spec.grouping, by_three ? 3 : 4) + digits.substr(whole);
  }
  std::string sign = (negative ? "-" : spec.sign == '-' ? "" : std::string(1, spec.sign)) + prefix;
  Text text(sign + digits, mark);
  if (spec.align == '=') {
    to.add(sign, mark);
    to.add(padded(in, Text(digits, mark), Text(spec.fill, true), lacking(text, spec.width), 0));
  } else {
    aligned(to, in, text, spec, '>');
  }
}

void write_text(Builder& to, Interpreter& in, Text text, const FormatSpec& spec) {
  if (spec.precision >= 0) {
    auto limit = std::min(spec.precision, static_cast<Integer>(text.size()));
    text = text.slice(0, offset_of(text.bytes(), static_cast<std::size_t>(limit)));
  }
  aligned(to, in, text, spec, '<');
}

}  // namespace

void write_formatted(Builder& to, Interpreter& in, const Value& value, const FormatSpec& spec) {
  auto refuse = [&] { in.fail(std::string("Unknown format code '") + spec.type + "' for object of type '" + value.type_name() + "'"); };
  if (spec.precision > kMaxPrecision) {
    in.fail("a format's precision is above " + decimal(kMaxPrecision));
    return;
  }
  bool mark = value.from_template();
  std::string_view integer_types = "dbcoxXn";
  std::string_view float_types = "eEfFgG%";
  Integer i = 0;
  double d = 0;
  bool plain_bool = value.boolean() && spec.type == '\0';
  if (!plain_bool && value.to_integer(i) && (spec.type == '\0' || integer_types.find(spec.type) != std::string_view::npos)) {
    if (spec.type == 'c') {
      if (i < 0 || i > 0x10FFFF || (i >= 0xD800 && i < 0xE000)) {
        in.fail("%c arg not in range(0x110000)");
        return;
      }
      std::string character;
      append_utf8(character, static_cast<std::int32_t>(i));
      return write_text(to, in, Text(character, mark), spec);
    }
    int base = spec.type == 'b' ? 2 : spec.type == 'o' ? 8 : spec.type == 'x' || spec.type == 'X' ? 16 : 10;
    std::string prefix = spec.alternate && base != 10 ? std::string("0") + spec.type : "";
    std::string digits = in_base(i, base, spec.type == 'X');
    if (spec.precision > static_cast<Integer>(digits.size()))
      digits.insert(0, static_cast<std::size_t>(spec.precision) - digits.size(), '0');
    return write_number(to, in, digits, i < 0, prefix, spec, mark);
  }
  bool real = value.floating() && spec.type == '\0';
  if ((real || (spec.type && float_types.find(spec.type) != std::string_view::npos)) && value.to_number(d)) {
    return write_number(to, in, float_digits(d, spec), std::signbit(d) && !std::isnan(d), "", spec, mark);
  }
  if (value.is_undefined() && !spec.type) return write_text(to, in, Text({}, mark), spec);
  if (spec.type == 's' ? value.text() != nullptr : (!spec.type && (value.text() || plain_bool)))
    return write_text(to, in, to_str(in, value), spec);
  bool empty = !spec.type && spec.width == 0 && spec.precision < 0 && !spec.align;
  if (empty) {
    to.add(to_str(in, value));
  } else if (spec.type) {
    refuse();
  } else {
    in.fail("unsupported format string passed to " + value.type_name() + ".__format__");
  }
}

}  // namespace baton::llm::jinja
