#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace baton::llm {

constexpr std::size_t kMaxToolNameCharacters = 200;
constexpr std::size_t kMaxToolNameBytes = 4 * kMaxToolNameCharacters;

// Whether a client's function may have this name (UTF-8). A call's name is a JSON string, so a name need not be an identifier:
// `math.hypot`, spaces and any script are allowed. Control characters and the characters of quotes and tags are refused, so that a name
// reads the same in every form in which a model writes calls. Empty: it may; otherwise the fault, for "its name ..".
std::string wrong_with_tool_name(std::string_view name);

}  // namespace baton::llm
