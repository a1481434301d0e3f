#pragma once
// Methods of Python's types, as templates call them.
#include <optional>
#include <string_view>

#include <baton/llm/chat_template/interpreter.h>

namespace baton::llm::jinja {

// getattr(object, name): the bound method, or null if Python has none of that name. A method that would change the object is undefined, as
// in jinja2's immutable sandbox.
std::optional<Value> method_of(Interpreter& in, const Value& object, std::string_view name);

// The undefined value of a missing attribute.
Value missing_attribute(const Value& object, std::string_view name);

std::optional<Value> text_method(Interpreter& in, const Value& object, std::string_view name);

}  // namespace baton::llm::jinja
