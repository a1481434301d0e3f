#include "conversation.h"

namespace baton::llm {
namespace {

// Words that no template has of its own.
constexpr std::string_view kProbe = "zq7probe";
constexpr std::string_view kProbeTool = "zq7tool";
constexpr std::string_view kProbeArgument = "zq7argument";

Json function_json(const ToolSpec& tool) {
  Json function = {{"name", tool.name}, {"description", tool.description}, {"parameters", tool.parameters}};
  return {{"type", "function"}, {"function", std::move(function)}};
}

Json call_json(const ToolCall& call) {
  Json function = {{"name", call.name}, {"arguments", call.arguments}};
  return {{"id", call.id}, {"type", "function"}, {"function", std::move(function)}};
}

// Never throws: invalid UTF-8 becomes U+FFFD.
std::string written(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

// For templates that know no tools. The form asked for is the one that models write anyway when nothing else was trained into them.
std::string tool_instructions(const std::vector<ToolSpec>& tools) {
  std::string text = "You can call functions. These exist:\n";
  for (const ToolSpec& tool : tools) text += written(function_json(tool)["function"]) + "\n";
  text +=
      "To call functions, answer with one JSON object a call, each on a line of its own, and nothing else:\n"
      "{\"name\": \"FUNCTION\", \"arguments\": {\"PARAMETER\": VALUE}}\n"
      "You are then told the results. If no function helps, answer in plain words.";
  return text;
}

std::string written_call(const ToolCall& call) { return written(Json{{"name", call.name}, {"arguments", call.arguments}}); }

std::string written_result(const Message& message) { return "Result of " + message.name + ":\n" + message.content; }

Json message_json(const Message& message) {
  static constexpr const char* kRoles[] = {"system", "user", "assistant", "tool"};
  Json json = {{"role", kRoles[static_cast<int>(message.role)]}, {"content", message.content}};
  if (message.role == Role::assistant && !message.reasoning.empty()) json["reasoning_content"] = message.reasoning;
  for (const ToolCall& call : message.tool_calls) json["tool_calls"].push_back(call_json(call));
  if (message.role == Role::tool) {
    json["name"] = message.name;
    json["tool_call_id"] = message.tool_call_id;
  }
  return json;
}

// Calls and results in words.
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

void add_system(std::vector<Message>& messages, const std::string& text) {
  if (!messages.empty() && messages.front().role == Role::system) {
    messages.front().content += "\n\n" + text;
    return;
  }
  Message system;
  system.role = Role::system;
  system.content = text;
  messages.insert(messages.begin(), std::move(system));
}

// The texts of system messages, before the user message that follows them (or as one, if none does).
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
  if (!pending.empty()) {
    Message user;
    user.content = pending;
    out.push_back(std::move(user));
  }
  return out;
}

// Joins messages to the one before them where the template would not have them follow it.
std::vector<Message> joined_where_needed(std::vector<Message> messages, const TemplateAbilities& abilities) {
  std::vector<Message> out;
  for (Message& message : messages) {
    const Message* before = out.empty() ? nullptr : &out.back();
    const bool plain = before && before->tool_calls.empty() && message.tool_calls.empty() && message.role != Role::tool;
    const bool repeated = plain && message.role == before->role && !abilities.repeated_roles;
    const bool after_result = plain && message.role == Role::user && before->role == Role::tool && !abilities.user_after_result;
    if (repeated || after_result) {
      out.back().content += "\n\n" + message.content;
    } else {
      out.push_back(std::move(message));
    }
  }
  return out;
}

bool shows(const Render& render, const Json& variables, std::initializer_list<std::string_view> words) {
  const auto spans = render(variables);
  if (!spans) return false;
  const std::string text = joined(*spans);
  for (const std::string_view word : words) {
    if (text.find(word) == std::string::npos) return false;
  }
  return true;
}

}  // namespace

TemplateAbilities probe_abilities(const Render& render) {
  Message system, user, assistant, result;
  system.role = Role::system;
  system.content = kProbe;
  user.content = "hello";
  assistant.role = Role::assistant;
  assistant.tool_calls.push_back({"call00001", std::string(kProbeTool), {{"x", kProbeArgument}}});
  result.role = Role::tool;
  result.name = kProbeTool;
  result.tool_call_id = "call00001";
  result.content = kProbe;
  ChatRequest request;
  const auto shown = [&](std::vector<Message> messages, std::initializer_list<std::string_view> words) {
    request.messages = std::move(messages);
    return shows(render, template_variables(request, {}, {}), words);
  };
  TemplateAbilities all;
  all.system = shown({system, user}, {kProbe});
  all.repeated_roles = shown({user, user}, {});
  request.tools = {{std::string(kProbeTool), "Tells.", {{"type", "object"}, {"properties", Json::object()}}}};
  all.tools = shown({user}, {kProbeTool});
  all.results = all.tools && shown({user, assistant, result}, {kProbe, kProbeArgument});
  all.user_after_result = !all.results || shown({user, assistant, result, user}, {});
  return all;
}

Json template_variables(const ChatRequest& request, const TemplateAbilities& abilities, const std::vector<std::string>& place_holders) {
  std::vector<Message> messages = request.messages;
  for (std::size_t i = 0; i < place_holders.size(); ++i) {
    if (place_holders[i].empty()) continue;
    messages[i] = Message();
    messages[i].role = Role::assistant;
    messages[i].content = place_holders[i];
  }
  const bool describe = !request.tools.empty() && !abilities.tools;
  if (describe) add_system(messages, tool_instructions(request.tools));
  if (!abilities.results) messages = without_results(std::move(messages));
  if (!abilities.system) messages = without_system(std::move(messages));
  messages = joined_where_needed(std::move(messages), abilities);

  Json variables = request.template_variables;
  variables["messages"] = Json::array();
  for (const Message& message : messages) variables["messages"].push_back(message_json(message));
  if (!request.tools.empty() && abilities.tools) {
    variables["tools"] = Json::array();
    for (const ToolSpec& tool : request.tools) variables["tools"].push_back(function_json(tool));
  }
  variables["add_generation_prompt"] = true;
  return variables;
}

}  // namespace baton::llm
