#pragma once
// A model's syntax of calls, from what its template makes of them: what is alike in all renderings belongs to the syntax.
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "call_rendering.h"
#include "tool_syntax.h"

namespace baton::llm {

// Without the tags of reasoning. Form::unknown has its reason in `why`; so has a syntax in which what the template writes is read back as
// something else.
ToolSyntax derive_from_renderings(const CallRendering& rendering);

// What the template puts around reasoning; nothing: it does not show any.
std::optional<std::pair<std::string, std::string>> reasoning_tags(const CallRendering& rendering, const ToolSyntax& syntax);

// What stands around a result.
void add_results(const CallRendering& rendering, ToolSyntax& syntax);

}  // namespace baton::llm
