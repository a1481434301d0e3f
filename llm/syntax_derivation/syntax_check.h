#pragma once
// The proof of a derived syntax: difficult calls, written by the template, are read back.
#include <baton/llm/tool_syntax/tool_syntax.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace baton::llm {

// The answer that consists of calls with these arguments, of the tools of CallRendering::kNames; null: the template refuses it.
using WrittenCalls = std::function<std::optional<std::string>(const std::vector<Json>& arguments)>;

// Describes the first call that is read back differently; empty: all are read back correctly.
std::string misread(const ToolSyntax& syntax, const WrittenCalls& written);

}  // namespace baton::llm
