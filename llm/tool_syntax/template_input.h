#pragma once
// Converts messages and tools to the variables of a chat template, and rewords the parts that the template does not support.
#include <baton/llm/chat/types.h>
#include <baton/llm/chat_template/chat_template.h>

#include <functional>
#include <string>
#include <vector>

#include "template_abilities.h"

namespace baton::llm {

using Render = std::function<Result<std::vector<Span>>(const Json& variables)>;

// Writes messages and tools into `variables` as the template expects them, in the shape of OpenAI's chat API.
void add_messages(const std::vector<Message>& messages, const TemplateAbilities& abilities, Json& variables);
void add_tools(const std::vector<ToolSpec>& tools, const TemplateAbilities& abilities, Json& variables);

// {"messages": .., "tools": .., "add_generation_prompt": true, ..}.
// Messages with calls that the template does not show must have a placeholder, or their calls are lost.
// place_holders: one per message; if it is not empty, it replaces the message as an assistant's text.
Json template_variables(const ChatRequest& request, const TemplateAbilities& abilities, const std::vector<std::string>& place_holders);

}  // namespace baton::llm
