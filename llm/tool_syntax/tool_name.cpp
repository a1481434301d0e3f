#include "tool_name.h"

#include <baton/llm/json_schema/json_value.h>

#include <algorithm>

namespace baton::llm {

std::string wrong_with_tool_name(std::string_view name) {
  if (name.empty()) return "is empty";
  if (code_points(name) > kMaxToolNameCharacters) return "is longer than " + std::to_string(kMaxToolNameCharacters) + " characters";
  const auto bad = [](unsigned char c) { return c < 0x20 || c == 0x7F || c == '"' || c == '\\' || c == '<' || c == '>'; };
  if (std::any_of(name.begin(), name.end(), bad)) return "holds a control character, a double quote, a backslash or an angle bracket";
  if (name.front() == ' ' || name.back() == ' ') return "begins or ends with a space";
  return {};
}

}  // namespace baton::llm
