#pragma once
// Writes calls in a model's syntax where no template renders them: in examples, and in answers if the template has no place for calls.
#include <baton/llm/chat/types.h>
#include <baton/llm/chat_template/chat_template.h>

#include <vector>

#include "tool_syntax.h"

namespace baton::llm {

// The syntax's own words are marked as the template's, names and arguments are not. Holes become zeros; JSON forms have only the name and
// the arguments.
std::vector<Span> written_calls(const ToolSyntax& syntax, const std::vector<ToolCall>& calls);

}  // namespace baton::llm
