#include <cmath>
#include <cstdio>
#include <map>

#include <baton/llm/chat_template/bind.h>
#include <baton/llm/chat_template/operators.h>
#include <baton/llm/chat_template/python_text.h>
#include <baton/llm/template_values/numbers.h>
#include "filters.h"
#include "methods.h"

namespace baton::llm::jinja {
namespace {

// The largest double below 2^127.
constexpr double kIntegerLimit = 1.7e38;

Value abs(Interpreter& in, const Value& subject, Arguments& arguments) {
  return Parameters(in, "abs", arguments, {}) ? absolute(in, subject) : Value();
}

Value attr(Interpreter& in, const Value& subject, Arguments& arguments) {
  Parameters given(in, "attr", arguments, {"name"}, 1);
  const Text* name = given.text(0);
  if (!name) return {};
  if (subject.is_undefined()) return in.fail_undefined(subject);
  if (subject.loop()) return in.attribute(subject, name->bytes());
  if (std::optional<Value> found = method_of(in, subject, name->bytes())) return *found;
  return missing_attribute(subject, name->bytes());
}

Value default_value(Interpreter& in, const Value& subject, Arguments& arguments) {
  Parameters given(in, "default", arguments, {"default_value", "boolean"});
  bool boolean = false;
  if (!given.truth(1, boolean)) return {};
  if (!subject.is_undefined() && (!boolean || subject.truth())) return subject;
  return given[0] ? *given[0] : Value::text("", true);
}

Value from_float(Interpreter& in, double number, const Value& fallback, bool mark) {
  if (std::isnan(number) || std::isinf(number)) return fallback;
  if (std::abs(number) > kIntegerLimit) return in.fail("an integer grows past 127 bits");
  return Value::integer(static_cast<Integer>(number), mark);
}

Value to_int(Interpreter& in, const Value& subject, Arguments& arguments) {
  Parameters given(in, "int", arguments, {"default", "base"});
  Integer base = 10;
  if (!given.integer(1, base)) return {};
  Value fallback = given[0] ? *given[0] : Value::integer(0);
  bool mark = subject.from_template();
  if (subject.is_undefined()) return in.fail_undefined(subject);
  Integer whole = 0;
  double real = 0;
  if (subject.to_integer(whole)) return Value::integer(whole, mark);
  if (const double* number = subject.floating()) return from_float(in, *number, fallback, mark);
  const Text* text = subject.text();
  if (!text || !in.charge(text->size())) return fallback;
  if (base == 0 || (base >= 2 && base <= 36)) {
    Parsed parsed = parse_integer(text->bytes(), static_cast<int>(base), whole);
    if (parsed == Parsed::ok) return Value::integer(whole, mark);
    if (parsed == Parsed::too_large) return in.fail("an integer grows past 127 bits");
  }
  return parse_float(text->bytes(), real) ? from_float(in, real, fallback, mark) : fallback;
}

Value to_float(Interpreter& in, const Value& subject, Arguments& arguments) {
  Parameters given(in, "float", arguments, {"default"});
  if (!given) return {};
  if (subject.is_undefined()) return in.fail_undefined(subject);
  double number = 0;
  bool mark = subject.from_template();
  if (subject.to_number(number)) return Value::floating(number, mark);
  if (subject.text() && in.charge(subject.text()->size()) && parse_float(subject.text()->bytes(), number))
    return Value::floating(number, mark);
  return given[0] ? *given[0] : Value::floating(0.0);
}

// round(float, digits): to the nearest, exactly, ties to even. printf rounds the exact binary value in the same way.
double rounded(double number, int digits) {
  if (digits >= 0) {
    char buffer[800];
    std::snprintf(buffer, sizeof buffer, "%.*f", std::min(digits, 330), number);
    return std::strtod(buffer, nullptr);
  }
  double scale = std::pow(10.0, -digits);
  return std::nearbyint(number / scale) * scale;
}

Value round(Interpreter& in, const Value& subject, Arguments& arguments) {
  Parameters given(in, "round", arguments, {"precision", "method"});
  Integer digits = 0;
  if (!given.integer(0, digits)) return {};
  std::string method = given[1] ? to_str(in, *given[1]).bytes() : "common";
  if (method != "common" && method != "ceil" && method != "floor") return in.fail("method must be common, ceil or floor");
  if (digits > 300 || digits < -30) return in.fail("round(): the precision must be between -30 and 300");
  if (subject.is_undefined()) return in.fail_undefined(subject);
  double number = 0;
  bool mark = subject.from_template();
  if (!subject.to_number(number)) return in.fail("type " + subject.type_name() + " doesn't define __round__ method");
  if (!std::isfinite(number)) return subject;
  Integer whole = 0;
  if (method == "common" && subject.to_integer(whole)) {
    if (digits >= 0) return Value::integer(whole, mark);
    Integer scale = 1;
    for (Integer i = 0; i < -digits; ++i) scale *= 10;
    Integer rest = ((whole % scale) + scale) % scale;
    Integer down = whole - rest;
    bool up = rest * 2 > scale || (rest * 2 == scale && (down / scale) % 2 != 0);
    return Value::integer(up ? down + scale : down, mark);
  }
  if (method == "common") return Value::floating(rounded(number, static_cast<int>(digits)), mark);
  double scale = std::pow(10.0, static_cast<double>(digits));
  double scaled = method == "ceil" ? std::ceil(number * scale) : std::floor(number * scale);
  return Value::floating(scaled / scale, mark);
}

}  // namespace

Filter scalar_filter(std::string_view name) {
  static const std::map<std::string_view, Filter> kFilters = {
      {"abs", abs},        {"attr", attr},  {"d", default_value}, {"default", default_value},
      {"float", to_float}, {"int", to_int}, {"round", round},
  };
  auto found = kFilters.find(name);
  return found == kFilters.end() ? nullptr : found->second;
}

}  // namespace baton::llm::jinja
