#pragma once
// jinja2's tests: what may stand behind `is`.
#include <string_view>

#include "interpreter.h"

namespace baton::llm::jinja {

using Test = bool (*)(Interpreter&, const Value& subject, Arguments&);
Test find_test(std::string_view name);  // null: none of that name

}  // namespace baton::llm::jinja
