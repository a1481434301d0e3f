#include "operators.h"

#include <cmath>

#include "builtins/format.h"
#include "python_text.h"

namespace baton::llm::jinja {
namespace {

Value unsupported(Interpreter& in, const std::string& op, const Value& left, const Value& right) {
  if (left.is_undefined()) return in.fail_undefined(left);
  if (right.is_undefined()) return in.fail_undefined(right);
  if (op == "+" && left.text()) {
    return in.fail("can only concatenate str (not \"" + right.type_name() + "\") to str");
  }
  return in.fail("unsupported operand type(s) for " + op + ": '" + left.type_name() + "' and '" + right.type_name() + "'");
}

Value overflow(Interpreter& in) { return in.fail("an integer grows past 127 bits"); }

Value integer_power(Interpreter& in, Integer base, Integer exponent, bool mark) {
  if (exponent < 0) {
    if (base == 0) return in.fail("0.0 cannot be raised to a negative power");
    return Value::floating(std::pow(static_cast<double>(base), static_cast<double>(exponent)), mark);
  }
  Integer result = 1;
  while (exponent > 0) {
    if ((exponent & 1) && __builtin_mul_overflow(result, base, &result)) return overflow(in);
    exponent >>= 1;
    if (exponent > 0 && __builtin_mul_overflow(base, base, &base)) return overflow(in);
  }
  return Value::integer(result, mark);
}

Value integer_arithmetic(Interpreter& in, const std::string& op, Integer a, Integer b, bool mark) {
  Integer result = 0;
  if (op == "+") return __builtin_add_overflow(a, b, &result) ? overflow(in) : Value::integer(result, mark);
  if (op == "-") return __builtin_sub_overflow(a, b, &result) ? overflow(in) : Value::integer(result, mark);
  if (op == "*") return __builtin_mul_overflow(a, b, &result) ? overflow(in) : Value::integer(result, mark);
  if (op == "**") return integer_power(in, a, b, mark);
  if (b == 0) return in.fail(op == "/" ? "division by zero" : "integer division or modulo by zero");
  if (op == "/") return Value::floating(static_cast<double>(a) / static_cast<double>(b), mark);
  if (b == -1)
    return op == "%"                                        ? Value::integer(0, mark)
           : __builtin_sub_overflow(Integer{0}, a, &result) ? overflow(in)
                                                            : Value::integer(result, mark);
  Integer quotient = a / b;
  Integer remainder = a % b;
  if (remainder != 0 && (remainder < 0) != (b < 0)) {  // Python rounds towards minus infinity
    --quotient;
    remainder += b;
  }
  return Value::integer(op == "//" ? quotient : remainder, mark);
}

Value float_arithmetic(Interpreter& in, const std::string& op, double a, double b, bool mark) {
  if (op == "+") return Value::floating(a + b, mark);
  if (op == "-") return Value::floating(a - b, mark);
  if (op == "*") return Value::floating(a * b, mark);
  if (op == "**") {
    if (a == 0 && b < 0) return in.fail("0.0 cannot be raised to a negative power");
    double power = std::pow(a, b);
    if (std::isnan(power) && !std::isnan(a) && !std::isnan(b)) return in.fail("complex numbers are not supported");
    if (std::isinf(power) && std::isfinite(a) && std::isfinite(b)) return in.fail("Numerical result out of range");
    return Value::floating(power, mark);
  }
  if (b == 0) return in.fail(op == "%" ? "float modulo" : op == "//" ? "float floor division by zero" : "float division by zero");
  if (op == "/") return Value::floating(a / b, mark);
  double remainder = std::fmod(a, b);
  double quotient = (a - remainder) / b;
  if (remainder != 0 && (remainder < 0) != (b < 0)) {
    remainder += b;
    quotient -= 1;
  }
  if (remainder == 0) remainder = std::copysign(0.0, b);
  if (op == "%") return Value::floating(remainder, mark);
  if (quotient == 0) return Value::floating(std::copysign(0.0, a / b), mark);
  double floor = std::floor(quotient);
  return Value::floating(quotient - floor > 0.5 ? floor + 1 : floor, mark);
}

Value repeated(Interpreter& in, const Value& what, Integer times, bool times_mark) {
  std::size_t limit = in.options().limits.max_output_bytes;
  std::size_t count = times <= 0 ? 0 : times > static_cast<Integer>(limit) ? limit + 1 : static_cast<std::size_t>(times);
  if (const Text* text = what.text()) {
    Text start({}, text->all_from_template());
    start.markup = text->markup;
    Builder builder(in, start);
    for (std::size_t i = 0; i < count && !text->empty() && in.charge() && builder.add(*text); ++i) continue;
    return builder.value();
  }
  Sequence* sequence = what.sequence();
  std::vector<Value> items;
  for (std::size_t i = 0; i < count && !sequence->items.empty() && in.charge(1 + sequence->items.size()); ++i) {
    items.insert(items.end(), sequence->items.begin(), sequence->items.end());
  }
  return in.make_sequence(sequence->type, std::move(items), what.from_template() && times_mark);
}

bool is_list_or_tuple(const Value& value) { return value.sequence(Sequence::Type::list) || value.sequence(Sequence::Type::tuple); }

Value add_others(Interpreter& in, const Value& left, const Value& right) {
  if (left.text() && right.text()) return Value::text(concatenated(in, *left.text(), *right.text()));
  if (is_list_or_tuple(left) && is_list_or_tuple(right) && left.sequence()->type == right.sequence()->type) {
    std::vector<Value> items = left.sequence()->items;
    if (!in.charge(items.size())) return {};
    items.insert(items.end(), right.sequence()->items.begin(), right.sequence()->items.end());
    return in.make_sequence(left.sequence()->type, std::move(items), left.from_template() && right.from_template());
  }
  if (is_list_or_tuple(left) && !right.is_undefined()) {
    return in.fail("can only concatenate " + left.type_name() + " (not \"" + right.type_name() + "\") to " + left.type_name());
  }
  return unsupported(in, "+", left, right);
}

}  // namespace

Text escaped(Interpreter& in, const Text& text) {
  Text start({}, text.all_from_template());
  start.markup = true;
  Builder builder(in, start);
  std::size_t plain = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text.bytes()[i];
    const char* entity = c == '&' ? "&amp;" : c == '<' ? "&lt;" : c == '>' ? "&gt;" : c == '\'' ? "&#39;" : c == '"' ? "&#34;" : nullptr;
    if (!entity) continue;
    builder.add(text, plain, i);
    if (!builder.add(entity, text.from_template(i))) break;
    plain = i + 1;
  }
  builder.add(text, plain, text.size());
  return builder.take();
}

Text concatenated(Interpreter& in, const Text& left, const Text& right) {
  bool markup = left.markup || right.markup;
  Text start({}, left.all_from_template() && right.all_from_template());
  start.markup = markup;
  Builder builder(in, start);
  builder.add(markup && !left.markup ? escaped(in, left) : left);
  builder.add(markup && !right.markup ? escaped(in, right) : right);
  return builder.take();
}

Value arithmetic(Interpreter& in, const std::string& op, const Value& left, const Value& right) {
  if (in.failed()) return {};
  bool mark = left.from_template() && right.from_template();
  Integer a = 0;
  Integer b = 0;
  if (left.to_integer(a) && right.to_integer(b)) return integer_arithmetic(in, op, a, b, mark);
  double x = 0;
  double y = 0;
  if (left.to_number(x) && right.to_number(y)) return float_arithmetic(in, op, x, y, mark);
  if (left.is_undefined()) return in.fail_undefined(left);
  if (op == "%" && left.text()) return format_percent(in, *left.text(), right);
  if (right.is_undefined()) return in.fail_undefined(right);
  if (op == "+") return add_others(in, left, right);
  if (op == "*") {
    if ((left.text() || is_list_or_tuple(left)) && right.to_integer(b)) return repeated(in, left, b, right.from_template());
    if ((right.text() || is_list_or_tuple(right)) && left.to_integer(a)) return repeated(in, right, a, left.from_template());
  }
  return unsupported(in, op, left, right);
}

Value negate(Interpreter& in, const Value& value) {
  if (in.failed()) return {};
  Integer i = 0;
  if (value.to_integer(i)) return integer_arithmetic(in, "-", 0, i, value.from_template());
  if (auto* d = value.floating()) return Value::floating(-*d, value.from_template());
  if (value.is_undefined()) return in.fail_undefined(value);
  return in.fail("bad operand type for unary -: '" + value.type_name() + "'");
}

Value positive(Interpreter& in, const Value& value) {
  if (in.failed()) return {};
  Integer i = 0;
  if (value.to_integer(i)) return Value::integer(i, value.from_template());
  if (value.floating()) return value;
  if (value.is_undefined()) return in.fail_undefined(value);
  return in.fail("bad operand type for unary +: '" + value.type_name() + "'");
}

Value absolute(Interpreter& in, const Value& value) {
  Integer i = 0;
  if (value.to_integer(i)) return i < 0 ? negate(in, value) : Value::integer(i, value.from_template());
  if (auto* d = value.floating()) return Value::floating(std::abs(*d), value.from_template());
  if (value.is_undefined()) return in.fail_undefined(value);
  return in.fail("bad operand type for abs(): '" + value.type_name() + "'");
}

}  // namespace baton::llm::jinja
