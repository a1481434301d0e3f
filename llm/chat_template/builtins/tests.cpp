#include "tests.h"

#include <map>

#include <baton/llm/chat_template/bind.h>
#include <baton/llm/chat_template/operators.h>
#include <baton/llm/chat_template/python_text.h>
#include <baton/llm/template_values/unicode.h>
#include "filters.h"

namespace baton::llm::jinja {
namespace {

// A test without arguments.
template <bool (*holds)(const Value&)>
bool plain(Interpreter& in, const Value& subject, Arguments& arguments) {
  return Parameters(in, "test", arguments, {}) && holds(subject);
}

template <char first, char second>
bool comparison(Interpreter& in, const Value& subject, Arguments& arguments) {
  Parameters given(in, "test", arguments, {""}, 1);
  std::string op(1, first);
  if (second) op += second;
  return given && compare(in, op, subject, *given[0]);
}

bool is_in(Interpreter& in, const Value& subject, Arguments& arguments) {
  Parameters given(in, "in", arguments, {"seq"}, 1);
  return given && contains(in, *given[0], subject);
}

// value % divisor == wanted
bool remainder_is(Interpreter& in, const Value& subject, const Value& divisor, Integer wanted) {
  Value remainder = arithmetic(in, "%", subject, divisor);
  return !in.failed() && equals(in, remainder, Value::integer(wanted));
}

template <int wanted>
bool is_odd_or_even(Interpreter& in, const Value& subject, Arguments& arguments) {
  return Parameters(in, "test", arguments, {}) && remainder_is(in, subject, Value::integer(2), wanted);
}

bool is_divisible_by(Interpreter& in, const Value& subject, Arguments& arguments) {
  Parameters given(in, "divisibleby", arguments, {"num"}, 1);
  return given && remainder_is(in, subject, *given[0], 0);
}

bool is_same_as(Interpreter& in, const Value& subject, Arguments& arguments) {
  Parameters given(in, "sameas", arguments, {"other"}, 1);
  return given && subject.same_as(*given[0]);
}

template <bool upper>
bool is_text_case(Interpreter& in, const Value& subject, Arguments& arguments) {
  if (!Parameters(in, "test", arguments, {})) return false;
  Text text = to_str(in, subject);
  return upper ? is_upper_text(text.bytes()) : is_lower_text(text.bytes());
}

bool names_filter(Interpreter& in, const Value& subject, Arguments& arguments) {
  return Parameters(in, "filter", arguments, {}) && subject.text() && has_filter(subject.text()->bytes());
}

bool names_test(Interpreter& in, const Value& subject, Arguments& arguments) {
  return Parameters(in, "test", arguments, {}) && subject.text() && find_test(subject.text()->bytes());
}

bool is_defined(const Value& v) { return !v.is_undefined(); }
bool is_undefined(const Value& v) { return v.is_undefined(); }
bool is_none(const Value& v) { return v.is_none(); }
bool is_boolean(const Value& v) { return v.boolean() != nullptr; }
bool is_true(const Value& v) { return v.boolean() && *v.boolean(); }
bool is_false(const Value& v) { return v.boolean() && !*v.boolean(); }
bool is_integer(const Value& v) { return v.integer() != nullptr; }
bool is_float(const Value& v) { return v.floating() != nullptr; }
bool is_number(const Value& v) { return v.is_number(); }
bool is_string(const Value& v) { return v.text() != nullptr; }
bool is_mapping(const Value& v) { return v.dict() != nullptr; }
bool is_callable(const Value& v) { return v.callable() != nullptr || v.loop() != nullptr || v.is_undefined(); }
bool is_escaped(const Value& v) { return v.text() && v.text()->markup; }
bool is_iterable(const Value& v) { return v.text() || v.dict() || v.sequence() || v.is_undefined() || v.loop(); }
// Whether len() and [] both work, which excludes views of a dict.
bool is_sequence(const Value& v) {
  if (Sequence* sequence = v.sequence()) {
    return sequence->type == Sequence::Type::list || sequence->type == Sequence::Type::tuple || sequence->type == Sequence::Type::range;
  }
  return v.text() || v.dict() || v.is_undefined();
}

}  // namespace

Test find_test(std::string_view name) {
  static const std::map<std::string_view, Test> kTests = {
      {"!=", comparison<'!', '='>},
      {"<", comparison<'<', '\0'>},
      {"<=", comparison<'<', '='>},
      {"==", comparison<'=', '='>},
      {">", comparison<'>', '\0'>},
      {">=", comparison<'>', '='>},
      {"boolean", plain<is_boolean>},
      {"callable", plain<is_callable>},
      {"defined", plain<is_defined>},
      {"divisibleby", is_divisible_by},
      {"eq", comparison<'=', '='>},
      {"equalto", comparison<'=', '='>},
      {"escaped", plain<is_escaped>},
      {"even", is_odd_or_even<0>},
      {"false", plain<is_false>},
      {"filter", names_filter},
      {"float", plain<is_float>},
      {"ge", comparison<'>', '='>},
      {"greaterthan", comparison<'>', '\0'>},
      {"gt", comparison<'>', '\0'>},
      {"in", is_in},
      {"integer", plain<is_integer>},
      {"iterable", plain<is_iterable>},
      {"le", comparison<'<', '='>},
      {"lessthan", comparison<'<', '\0'>},
      {"lower", is_text_case<false>},
      {"lt", comparison<'<', '\0'>},
      {"mapping", plain<is_mapping>},
      {"ne", comparison<'!', '='>},
      {"none", plain<is_none>},
      {"number", plain<is_number>},
      {"odd", is_odd_or_even<1>},
      {"sameas", is_same_as},
      {"sequence", plain<is_sequence>},
      {"string", plain<is_string>},
      {"test", names_test},
      {"true", plain<is_true>},
      {"undefined", plain<is_undefined>},
      {"upper", is_text_case<true>},
  };
  auto found = kTests.find(name);
  return found == kTests.end() ? nullptr : found->second;
}

}  // namespace baton::llm::jinja
