#include "template_input.h"

#include <algorithm>
#include <cstdint>
#include <iterator>

#include "json_dump.h"

namespace baton::llm {
namespace {

constexpr char kToolsName[] = "tools";

Message message_of(Role role, std::string_view content) {
  Message message;
  message.role = role;
  message.content = content;
  return message;
}

Json function_json(const ToolSpec& tool, const TemplateAbilities& abilities) {
  Json function = {{"name", tool.name}, {"description", tool.description}, {"parameters", tool.parameters}};
  if (!abilities.tools.bare_parameters && function["parameters"].contains("properties")) {
    for (Json& parameter : function["parameters"]["properties"]) {
      if (parameter.is_object() && !parameter.contains("description")) parameter["description"] = "";
    }
  }
  return function;
}

// The same result for the same id, whatever else is in the conversation.
std::string id_of(const std::string& id, const TemplateAbilities& abilities) {
  static constexpr std::string_view kDigits = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  constexpr std::size_t kLength = 9;
  const bool plain = id.find_first_not_of(kDigits) == std::string::npos;
  if (abilities.calls.any_id || (plain && id.size() == kLength)) return id;
  std::uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
  for (const char c : id) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  std::string made;
  for (; made.size() < kLength; hash /= kDigits.size()) made += kDigits[hash % kDigits.size()];
  return made;
}

Json text_json(const std::string& text, const TemplateAbilities& abilities) {
  if (abilities.plain_text) return text;
  return Json::array({{{"type", "text"}, {"text", text}}});
}

Json call_json(const ToolCall& call, const TemplateAbilities& abilities) {
  Json function = {{"name", call.name}, {"arguments", abilities.calls.object_arguments ? call.arguments : Json(dumped(call.arguments))}};
  return {{"id", id_of(call.id, abilities)}, {"type", "function"}, {"function", std::move(function)}};
}

// For templates without tools. The requested form is the template's own, or the one that models write if they were not trained on another.
std::string tool_instructions(const std::vector<ToolSpec>& tools, const TemplateAbilities& abilities) {
  std::string text = "You can call functions. These exist:\n";
  for (const ToolSpec& tool : tools) text += dumped(function_json(tool, abilities)) + "\n";
  if (abilities.example_of_call.empty()) {
    text +=
        "To call functions, answer with one JSON object a call, each on a line of its own, and nothing else:\n"
        "{\"name\": \"FUNCTION\", \"arguments\": {\"PARAMETER\": VALUE}}\n";
  } else {
    text += "To call functions, answer like this, and with nothing else:\n" + abilities.example_of_call + "\n";
  }
  return text + "You are then told the results. If no function helps, answer in plain words.";
}

std::string written_call(const ToolCall& call) { return dumped(Json{{"name", call.name}, {"arguments", call.arguments}}); }

std::string written_result(const Message& message) { return "Result of " + message.name + ":\n" + message.content; }

Json message_json(const Message& message, const TemplateAbilities& abilities) {
  static constexpr const char* kRoles[] = {"system", "user", "assistant", "tool"};
  Json json = {{"role", kRoles[static_cast<int>(message.role)]}, {"content", text_json(message.content, abilities)}};
  if (message.role == Role::assistant && !message.reasoning.empty()) json["reasoning_content"] = message.reasoning;
  for (const ToolCall& call : message.tool_calls) json["tool_calls"].push_back(call_json(call, abilities));
  if (!message.tool_calls.empty() && message.content.empty() && !abilities.calls.empty_text) json["content"] = nullptr;
  if (message.role == Role::tool) {
    json["name"] = message.name;
    json["tool_call_id"] = id_of(message.tool_call_id, abilities);
  }
  return json;
}

// Rewrites calls and results as text.
std::vector<Message> without_results(std::vector<Message> messages) {
  std::vector<Message> out;
  bool after_result = false;
  for (Message& message : messages) {
    for (const ToolCall& call : message.tool_calls) message.content += (message.content.empty() ? "" : "\n") + written_call(call);
    message.tool_calls.clear();
    const bool result = message.role == Role::tool;
    if (result) {
      message.content = written_result(message);
      message.role = Role::user;
    }
    if (result && after_result) {
      out.back().content += "\n\n" + message.content;
    } else {
      out.push_back(std::move(message));
    }
    after_result = result;
  }
  return out;
}

// Moves text into a message of its own, for templates that show calls only without text.
std::vector<Message> with_text_before_calls(std::vector<Message> messages) {
  std::vector<Message> out;
  for (Message& message : messages) {
    if (!message.tool_calls.empty() && !message.content.empty()) {
      Message text = message_of(message.role, std::exchange(message.content, {}));
      text.reasoning = std::exchange(message.reasoning, {});
      out.push_back(std::move(text));
    }
    out.push_back(std::move(message));
  }
  return out;
}

// One message per call, followed by its results.
std::vector<Message> with_one_call_each(std::vector<Message> messages) {
  std::vector<Message> out;
  for (auto message = messages.begin(); message != messages.end();) {
    auto rest = message + 1;  // the results that were not placed yet
    const auto next = std::find_if(rest, messages.end(), [](const Message& one) { return one.role != Role::tool; });
    const std::vector<ToolCall> calls = std::exchange(message->tool_calls, {});
    out.push_back(std::move(*message));
    for (std::size_t i = 0; i < calls.size(); ++i) {
      if (i > 0) out.push_back(message_of(Role::assistant, ""));
      out.back().tool_calls = {calls[i]};
      const auto its = std::stable_partition(rest, next, [&](const Message& result) { return result.tool_call_id == calls[i].id; });
      out.insert(out.end(), std::move_iterator(rest), std::move_iterator(its));
      rest = its;
    }
    out.insert(out.end(), std::move_iterator(rest), std::move_iterator(next));
    message = next;
  }
  return out;
}

void add_system(std::vector<Message>& messages, const std::string& text) {
  if (!messages.empty() && messages.front().role == Role::system) {
    messages.front().content += "\n\n" + text;
    return;
  }
  messages.insert(messages.begin(), message_of(Role::system, text));
}

// Puts the texts of system messages before the next user message (or makes them one, if none follows).
std::vector<Message> without_system(std::vector<Message> messages) {
  std::vector<Message> out;
  std::string pending;
  for (Message& message : messages) {
    if (message.role == Role::system) {
      pending += message.content + "\n\n";
      continue;
    }
    if (message.role == Role::user) message.content.insert(0, std::exchange(pending, {}));
    out.push_back(std::move(message));
  }
  if (!pending.empty()) out.push_back(message_of(Role::user, pending));
  return out;
}

// Joins messages with the previous one if the template does not accept them after it.
std::vector<Message> joined_where_needed(std::vector<Message> messages, const TemplateAbilities& abilities) {
  std::vector<Message> out;
  for (Message& message : messages) {
    const Message* before = out.empty() ? nullptr : &out.back();
    const bool plain = before && before->tool_calls.empty() && message.tool_calls.empty() && message.role != Role::tool;
    const bool repeated = plain && message.role == before->role && !abilities.roles.repeated;
    const bool after_result = plain && message.role == Role::user && before->role == Role::tool && !abilities.roles.user_after_result;
    if (repeated || after_result) {
      out.back().content += "\n\n" + message.content;
    } else {
      out.push_back(std::move(message));
    }
  }
  return out;
}

}  // namespace

void add_messages(const std::vector<Message>& messages, const TemplateAbilities& abilities, Json& variables) {
  variables["messages"] = Json::array();
  for (const Message& message : messages) variables["messages"].push_back(message_json(message, abilities));
}

void add_tools(const std::vector<ToolSpec>& tools, const TemplateAbilities& abilities, Json& variables) {
  if (!tools.empty()) variables[abilities.tools.name] = Json::array();
  for (const ToolSpec& tool : tools) {
    Json function = function_json(tool, abilities);
    // If the template's variable for tools has another name than OpenAI's, the tools are not wrapped as in its API either.
    if (abilities.tools.name == kToolsName) function = {{"type", "function"}, {"function", std::move(function)}};
    variables[abilities.tools.name].push_back(std::move(function));
  }
}

Json template_variables(const ChatRequest& request, const TemplateAbilities& abilities, const std::vector<std::string>& place_holders) {
  std::vector<Message> messages = request.messages;
  for (std::size_t i = 0; i < place_holders.size(); ++i) {
    if (place_holders[i].empty()) continue;
    // Raw tokens contain the reasoning already.
    std::string reasoning = messages[i].raw ? std::string() : std::move(messages[i].reasoning);
    messages[i] = message_of(Role::assistant, place_holders[i]);
    messages[i].reasoning = std::move(reasoning);
  }
  const bool describe = !request.tools.empty() && !abilities.tools.shown;
  if (describe) add_system(messages, tool_instructions(request.tools, abilities));
  if (!abilities.results) messages = without_results(std::move(messages));
  if (!abilities.calls.several) messages = with_one_call_each(std::move(messages));
  if (!abilities.calls.empty_text) messages = with_text_before_calls(std::move(messages));
  if (!abilities.roles.system) messages = without_system(std::move(messages));
  messages = joined_where_needed(std::move(messages), abilities);

  Json variables = request.turn.template_variables;
  add_messages(messages, abilities, variables);
  if (abilities.tools.shown) add_tools(request.tools, abilities, variables);
  variables["add_generation_prompt"] = true;
  return variables;
}

}  // namespace baton::llm
