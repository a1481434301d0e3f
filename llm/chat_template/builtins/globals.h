#pragma once
// The functions that every template can call: range, dict, namespace, joiner, cycler, raise_exception, strftime_now.
#include <ctime>
#include <string_view>

#include <baton/llm/chat_template/interpreter.h>

namespace baton::llm::jinja {

Value global_named(Interpreter& in, std::string_view name);  // undefined: no global of that name

// strftime in the C locale, for a naive local time without a zone, as Python's datetime.now() returns.
Text formatted_time(Interpreter& in, const Text& format, const std::tm& time);

}  // namespace baton::llm::jinja
