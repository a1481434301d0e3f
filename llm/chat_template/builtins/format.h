#pragma once
// Python's two ways of formatting: "%s" % values and "{}".format(values).
#include <baton/llm/chat_template/interpreter.h>

namespace baton::llm::jinja {

Value format_percent(Interpreter& in, const Text& format, const Value& values);
Value format_braces(Interpreter& in, const Text& format, Arguments& arguments);

// The part after the colon of a replacement field, or between '%' and its letter.
struct FormatSpec {
  std::string fill = " ";
  char align = '\0';  // < > ^ =, or none
  char sign = '-';    // '+', ' ' or '-'
  bool alternate = false;
  Integer width = 0;
  char grouping = '\0';  // ',' or '_'
  Integer precision = -1;
  char type = '\0';
};

// Appends a value formatted by a spec. Fails on a type that Python refuses for that value.
void write_formatted(Builder& to, Interpreter& in, const Value& value, const FormatSpec& spec);

}  // namespace baton::llm::jinja
