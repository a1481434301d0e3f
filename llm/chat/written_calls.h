#pragma once
// Calls as a model writes them in its syntax, for what no template renders: examples, and answers where the template has no place for
// calls.
#include <baton/llm/chat/types.h>
#include <baton/llm/chat_template/chat_template.h>

#include <vector>

#include "tool_syntax.h"

namespace baton::llm {

// The syntax's own words come from the template, names and arguments do not. Holes are zeros; JSON forms have the name and the arguments
// only.
std::vector<Span> written_calls(const ToolSyntax& syntax, const std::vector<ToolCall>& calls);

}  // namespace baton::llm
