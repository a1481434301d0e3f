#pragma once
// jinja2's tests: the names that may follow `is`.
#include <string_view>

#include <baton/llm/chat_template/interpreter.h>

namespace baton::llm::jinja {

using Test = bool (*)(Interpreter&, const Value& subject, Arguments&);
Test find_test(std::string_view name);  // null: unknown

}  // namespace baton::llm::jinja
