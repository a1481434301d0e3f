#pragma once
// Python's int() and float() of a text.
#include <string_view>

#include "value.h"

namespace baton::llm::jinja {

enum class Parsed { ok, malformed, too_large };

// `base` 2..36, or 0 for the base given by a prefix.
Parsed parse_integer(std::string_view text, int base, Integer& value);
bool parse_float(std::string_view text, double& value);

}  // namespace baton::llm::jinja
