#pragma once
#include <string>
#include <string_view>

namespace baton::llm::jinja {

// The value of a string literal without its quotes: Python's escapes, unknown ones kept as they are. False, with `problem` set, for an
// escape that Python refuses too.
bool unescape(std::string_view literal, std::string& value, std::string& problem);

}  // namespace baton::llm::jinja
