#pragma once
// The proof of a derived syntax: calls that are hard to write, as the template writes them, read back.
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tool_syntax.h"

namespace baton::llm {

// An answer that is calls with these arguments, of the tools of CallRendering::kNames; nothing: the template refuses it.
using WrittenCalls = std::function<std::optional<std::string>(const std::vector<Json>& arguments)>;

// What is read as something else, in words; empty: nothing is.
std::string misread(const ToolSyntax& syntax, const WrittenCalls& written);

}  // namespace baton::llm
