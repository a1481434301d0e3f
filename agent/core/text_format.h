#pragma once
// text.format of the protocol: {"type": "text"}, {"type": "json_object"}, {"type": "json_schema", "schema": ..}, and of Baton's own
// {"type": "baton.regex", "pattern": ..} and {"type": "baton.grammar", "syntax": "gbnf", "definition": ..}.
#include <baton/llm/chat/types.h>

#include <optional>

#include "items.h"

namespace baton::agent {

Json plain_text_format();  // {"type": "text"}

// The format that constrains the model; nothing: the model writes freely. The format has been checked before.
std::optional<llm::OutputFormat> output_format(const Json& text_format);

}  // namespace baton::agent
