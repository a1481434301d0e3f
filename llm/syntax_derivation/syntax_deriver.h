#pragma once
// Derives a model's syntax of calls from its template's renderings: the common parts of all renderings belong to the syntax.
#include <baton/llm/tool_syntax/tool_syntax.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "call_rendering.h"

namespace baton::llm {

// Does not derive the tags of reasoning. `why` has the reason for Form::unknown, and for a syntax in which the template's own calls are
// read back differently.
ToolSyntax derive_from_renderings(const CallRendering& rendering);

// The text that the template puts around reasoning; null: it does not show any.
std::optional<std::pair<std::string, std::string>> reasoning_tags(const CallRendering& rendering, const ToolSyntax& syntax);

// Adds the text around a result.
void add_results(const CallRendering& rendering, ToolSyntax& syntax);

}  // namespace baton::llm
