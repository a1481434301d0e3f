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
  // Tools; otherwise a system message describes them, and how to call them.
  bool tools = true;
  std::string tools_name = "tools";  // of the variable that has them
  // Tools whose parameters have no description; otherwise they get an empty one.
  bool bare_parameters = true;
  // Messages of role tool; otherwise results are user messages, those that follow each other in one, and calls the JSON that such a system
  // message asks for.
  bool results = true;
  // tool_calls; otherwise calls are the text of a message, as the family's models write them.
  bool calls = true;
  // Arguments as an object; otherwise as its JSON text, as OpenAI's API has them.
  bool object_arguments = true;
  // A call beside an empty text; otherwise the text is null, and one that is not empty a message of its own.
  bool empty_text = true;
  // Several calls a message; otherwise each is a message of its own, with its result behind it.
  bool several_calls = true;
  // Ids as they are; otherwise nine letters and digits, which are made of them.
  bool any_id = true;
  // Texts as strings; otherwise as the list of parts that OpenAI's API has, too.
  bool plain_text = true;
  // A user message right after a result; otherwise its text is added to the result.
  bool user_after_result = true;
  // Two user messages, or two answers, in a row; otherwise they are made one.
  bool repeated_roles = true;

  // What the system message that describes tools shows as a call, where the template itself has calls; empty: JSON.
  std::string example_of_call;
};

using Render = std::function<Result<std::vector<Span>>(const Json& variables)>;
TemplateAbilities probe_abilities(const Render& render);

// Messages and tools as the template takes them, into `variables`, in the shape of OpenAI's chat API.
void add_messages(const std::vector<Message>& messages, const TemplateAbilities& abilities, Json& variables);
void add_tools(const std::vector<ToolSpec>& tools, const TemplateAbilities& abilities, Json& variables);

// {"messages": .., "tools": .., "add_generation_prompt": true, ..}.
// Messages with calls that the template does not show must have a place holder, or their calls are lost.
// place_holders: one a message; where it is not empty the message is an assistant's text of just that.
Json template_variables(const ChatRequest& request, const TemplateAbilities& abilities, const std::vector<std::string>& place_holders);

}  // namespace baton::llm
