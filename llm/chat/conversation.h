#pragma once
// Messages and tools as the variables of a chat template, and other words for what a template has no place for.
#include <baton/llm/chat/types.h>
#include <baton/llm/chat_template/chat_template.h>

#include <functional>
#include <string>
#include <vector>

namespace baton::llm {

// What a template shows to the model, found out by rendering small conversations with it.
struct TemplateAbilities {
  // A system message; otherwise its text is put before the first user message.
  bool system = true;
  // `tools`; otherwise a system message describes them, and how to call them.
  bool tools = true;
  // tool_calls and messages of role tool; otherwise calls are the JSON that such a system message asks for, and results are user messages,
  // those that follow each other in one.
  bool results = true;
  // A user message right after a result; otherwise its text is added to the result.
  bool user_after_result = true;
  // Two user messages, or two answers, in a row; otherwise they are made one.
  bool repeated_roles = true;
};

using Render = std::function<Result<std::vector<Span>>(const Json& variables)>;
TemplateAbilities probe_abilities(const Render& render);

// {"messages": .., "tools": .., "add_generation_prompt": true, ..}, in the shape of OpenAI's chat API, arguments as objects.
// place_holders: one a message; where it is not empty the message is an assistant's text of just that.
Json template_variables(const ChatRequest& request, const TemplateAbilities& abilities, const std::vector<std::string>& place_holders);

}  // namespace baton::llm
