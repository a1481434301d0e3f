#pragma once
// Converts messages and tools to the variables of a chat template, and rewords the parts that the template does not support.
#include <baton/llm/chat/types.h>
#include <baton/llm/chat_template/chat_template.h>

#include <functional>
#include <string>
#include <vector>

namespace baton::llm {

// The parts of a conversation that a template shows to the model, determined by rendering small conversations with it.
struct TemplateAbilities {
  // A system message; otherwise its text is put before the first user message.
  bool system = true;
  // Tools; otherwise a system message describes them, and how to call them.
  bool tools = true;
  std::string tools_name = "tools";  // of the variable that has them
  // Tools whose parameters have no description; otherwise they get an empty one.
  bool bare_parameters = true;
  // Messages of role tool; otherwise results are user messages (consecutive results in one), and calls are written as the JSON that such a
  // system message asks for.
  bool results = true;
  // tool_calls; otherwise calls are the text of a message, as the family's models write them.
  bool calls = true;
  // Arguments as an object; otherwise as its JSON text, as OpenAI's API has them.
  bool object_arguments = true;
  // A call with an empty text; otherwise an empty text becomes null, and a non-empty text a message of its own.
  bool empty_text = true;
  // Several calls per message; otherwise each call is a message of its own, followed by its result.
  bool several_calls = true;
  // Any ids; otherwise ids of nine letters and digits, derived from the original ones.
  bool any_id = true;
  // Texts as strings; otherwise as the list of parts that OpenAI's API also has.
  bool plain_text = true;
  // A user message right after a result; otherwise its text is added to the result.
  bool user_after_result = true;
  // Two user messages, or two answers, in a row; otherwise they are merged into one.
  bool repeated_roles = true;

  // The example call in the system message that describes tools, if the template itself supports calls; empty: JSON.
  std::string example_of_call;
};

using Render = std::function<Result<std::vector<Span>>(const Json& variables)>;

// Writes messages and tools into `variables` as the template expects them, in the shape of OpenAI's chat API.
void add_messages(const std::vector<Message>& messages, const TemplateAbilities& abilities, Json& variables);
void add_tools(const std::vector<ToolSpec>& tools, const TemplateAbilities& abilities, Json& variables);

// {"messages": .., "tools": .., "add_generation_prompt": true, ..}.
// Messages with calls that the template does not show must have a placeholder, or their calls are lost.
// place_holders: one per message; if it is not empty, it replaces the message as an assistant's text.
Json template_variables(const ChatRequest& request, const TemplateAbilities& abilities, const std::vector<std::string>& place_holders);

}  // namespace baton::llm
