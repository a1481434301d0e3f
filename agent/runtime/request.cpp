#include "request.h"

#include <baton/agent/core/items.h>
#include <baton/agent/core/turn_settings.h>
#include <baton/llm/constraint/compiled_format.h>
#include <baton/tools/text.h>

#include <algorithm>
#include <iterator>

#include "compile_format.h"

namespace baton::agent {
namespace {

constexpr std::size_t kTitleBytes = 80;
constexpr const char* kSpace = " \t\r\n";
constexpr const char* kPermissions[] = {"allow", "ask", "deny"};  // in the order of Permission

}  // namespace

RunRequest RunRequest::of_text(const std::string& user_text) {
  RunRequest request;
  request.input.push_back(user_message_item("", user_text));
  return request;
}

Result<std::vector<llm::ToolSpec>> offered_tools(const Agent& agent, const RunRequest& request) {
  std::vector<llm::ToolSpec> specs;
  for (const tools::ToolSpec* spec : agent.tools().specs()) {
    const bool named = std::find(request.tools.begin(), request.tools.end(), spec->name) != request.tools.end();
    if (!request.all_tools && !named) continue;
    if (agent.permission(*spec) == Permission::deny) {
      if (named) return Error{errc::invalid_argument, "the tool '" + spec->name + "' is denied by this daemon's configuration"};
      continue;
    }
    specs.push_back({spec->name, spec->description, spec->parameters});
  }
  for (const std::string& name : request.tools) {
    if (!agent.tools().find(name)) return Error{errc::not_found, "there is no tool '" + name + "'; `baton tools` lists the tools"};
  }
  return specs;
}

Result<void> check_request(const RunRequest& request, const std::vector<llm::ToolSpec>& specs) {
  const auto wrong = [](const std::string& message) { return Error{errc::invalid_argument, message}; };
  if (request.turn.max_output_tokens < 1)
    return wrong("max_output_tokens is " + std::to_string(request.turn.max_output_tokens) + " and must be at least 1");
  const Budgets& b = request.budgets;
  if (b.max_turns < 0 || b.max_tool_calls < 0 || b.max_output_tokens < 1 || b.max_milliseconds < 1) {
    return wrong("budgets: max_turns and max_tool_calls must be at least 0, max_output_tokens and max_milliseconds at least 1");
  }
  std::set<std::string> names;
  for (const llm::ToolSpec& spec : specs) {
    if (!names.insert(spec.name).second)
      return wrong("two tools are named '" + spec.name +
                   "': each of the client's functions needs a name that neither another function nor a tool of the agent has");
  }
  using Mode = llm::ToolChoice::Mode;
  const Mode mode = request.turn.tool_choice.mode;
  if (mode == Mode::required && specs.empty()) return wrong("tool_choice requires a call, and no tool is offered");
  if (mode == Mode::named && !names.contains(request.turn.tool_choice.name))
    return wrong("tool_choice names '" + request.turn.tool_choice.name + "', which is not offered");
  for (const std::string& name : request.allowed_tools) {
    if (!names.contains(name)) return wrong("tool_choice allows '" + name + "', which is not offered");
  }
  return {};
}

Result<void> check_asks(const RunRequest& request) {
  if (!request.input.empty() || !request.generate || !request.prompt.empty()) return {};
  return Error{errc::invalid_argument, "there is no message: say what the agent should do"};
}

namespace {

// The calls and approvals that the items so far leave open.
class OpenSoFar {
 public:
  void see(const Json& item) {
    const std::string type = string_of(item, "type");
    // Servers give ids that are unique in an answer only; and a client may have reported of a call that was cut off that it did not run it.
    if (type == "function_call") ++waiting_[string_of(item, "call_id")];
    if (type == "function_call_output") --waiting_[string_of(item, "call_id")];
    if (type == "mcp_approval_request") approvals_.emplace(string_of(item, "id"), &item);
    if (type == "mcp_approval_response") answered_.insert(string_of(item, "approval_request_id"));
  }
  bool waits_for_output(const std::string& call_id) const {
    const auto waiting = waiting_.find(call_id);
    return waiting != waiting_.end() && waiting->second > 0;
  }
  // Returns null if no such approval waits.
  const Json* waiting_approval(const std::string& id) const {
    const auto asked = approvals_.find(id);
    return asked == approvals_.end() || answered_.contains(id) ? nullptr : asked->second;
  }

 private:
  std::map<std::string, int> waiting_;  // calls without an output, by id
  std::set<std::string> answered_;
  std::map<std::string, const Json*> approvals_;
};

}  // namespace

// An approval that a client replays may have no deadline; one of an older Baton has a time of day only.
bool approval_expired(const Json& approval, const Moment& now) {
  if (const Json deadline = approval.value("baton.deadline_ms", Json()); deadline.is_number_integer() && deadline != 0)
    return deadline.get<std::int64_t>() < now.steady_ms;
  const Json expires = approval.value("baton.expires_at", Json());
  return expires.is_number_integer() && expires.get<std::int64_t>() < now.wall_ms / 1000;
}

Result<void> check_answers(const std::vector<StoredItem>& history, const std::vector<Json>& input, const Moment& now) {
  const auto wrong = [](std::size_t i, const std::string& message) {
    return Error{errc::invalid_argument, "input[" + std::to_string(i) + "]: " + message};
  };
  OpenSoFar open;
  std::map<std::string, const Json*> earlier;
  for (const StoredItem& item : history) {
    open.see(item.content);
    earlier.emplace(string_of(item.content, "id"), &item.content);
  }
  for (std::size_t i = 0; i < input.size(); ++i) {
    const Json& item = input[i];
    const std::string type = string_of(item, "type");
    if (type == "function_call_output") {
      const std::string id = string_of(item, "call_id");
      if (!open.waits_for_output(id)) return wrong(i, "no function call '" + id + "' waits for an output");
    } else if (type == "mcp_approval_response") {
      const std::string id = string_of(item, "approval_request_id");
      const Json* asked = open.waiting_approval(id);
      if (!asked) return wrong(i, "no call waits for the approval '" + id + "'");
      if (approval_expired(*asked, now))
        return wrong(i, "the approval '" + id + "' has expired; send a message instead, and the agent will ask again");
    } else if (type == "baton.retry_tool") {
      const std::string id = string_of(item, "item_id");
      const auto call = earlier.find(id);
      if (call == earlier.end() || string_of(*call->second, "type") != "mcp_call")
        return wrong(i, "this conversation has no mcp_call item '" + id + "' to run again");
      if (!call_item_failed(*call->second)) return wrong(i, "the call '" + id + "' has a result; only failed calls are run again");
    }
    open.see(item);
  }
  return {};
}

std::vector<std::string> answered_approvals(const std::vector<Json>& input) {
  std::set<std::string> seen;
  for (const Json& item : input) {
    if (string_of(item, "type") == "mcp_call") seen.insert(string_of(item, "approval_request_id"));
  }
  std::vector<std::string> ids;
  for (const Json& item : input) {
    if (string_of(item, "type") != "mcp_approval_response") continue;
    std::string id = string_of(item, "approval_request_id");
    if (seen.insert(id).second) ids.push_back(std::move(id));
  }
  return ids;
}

std::vector<std::string> remembered_tools(const std::vector<StoredItem>& history, const std::vector<Json>& input) {
  std::set<std::string> approvals;
  for (const Json& item : input) {
    if (string_of(item, "type") == "mcp_approval_response" && item.value("approve", Json()) == true &&
        item.value("baton.remember", Json()) == true)
      approvals.insert(string_of(item, "approval_request_id"));
  }
  std::vector<std::string> tools;
  if (approvals.empty()) return tools;
  for (const StoredItem& item : history) {
    if (approvals.contains(string_of(item.content, "id"))) tools.push_back(string_of(item.content, "name"));
  }
  return tools;
}

Result<RunConfig> config_from(const RunRequest& request, const std::vector<llm::ToolSpec>& specs) {
  RunConfig config;
  config.instructions = request.instructions;
  config.tools = specs;
  for (const llm::ToolSpec& tool : request.client_tools) config.client_tools.insert(tool.name);
  config.allowed_tools = request.allowed_tools;
  config.text_format = request.text_format;
  if (const auto compiled = compile_format(config.text_format); !compiled)
    return Error{errc::invalid_argument, "text_format: " + compiled.error().message};
  if (const auto& format = config.text_format.compiled)
    config.why_misfits = [format](const std::string& answer) { return format->misfit(answer); };
  config.turn = request.turn;
  config.after_tools = request.after_tools;
  config.budgets = request.budgets;
  config.metadata = request.metadata;
  config.store = request.storage == Storage::stored;
  config.client = request.share.empty() ? request.client : request.share;
  config.namespaced = request.namespaced;
  config.truncate = request.truncate;
  config.generate = request.generate;
  config.prompt = request.prompt;
  config.ignored = request.ignored;
  return config;
}

Json request_json(const RunRequest& request, const std::vector<llm::ToolSpec>& specs) {
  const auto is_client = [&](const std::string& name) {
    return std::any_of(request.client_tools.begin(), request.client_tools.end(), [&](const llm::ToolSpec& t) { return t.name == name; });
  };
  Json tools = Json::array(), permissions = Json::object();
  for (const llm::ToolSpec& spec : specs) {
    Json tool = {{"type", "function"}, {"name", spec.name}, {"description", spec.description}, {"parameters", spec.parameters}};
    if (is_client(spec.name)) tool["client"] = true;
    tools.push_back(std::move(tool));
  }
  for (const auto& [name, permission] : request.permissions) permissions[name] = kPermissions[static_cast<int>(permission)];
  Json json = {{"input", request.input},
               {"instructions", request.instructions},
               {"tools", std::move(tools)},
               {"permissions", std::move(permissions)},
               {"text_format", request.text_format.json},
               {"allowed_tools", request.allowed_tools},
               {"after_tools", request.after_tools},
               {"store", request.storage == Storage::stored},
               {"budgets",
                {{"max_turns", request.budgets.max_turns},
                 {"max_tool_calls", request.budgets.max_tool_calls},
                 {"max_output_tokens", request.budgets.max_output_tokens},
                 {"max_milliseconds", request.budgets.max_milliseconds}}}};
  json.update(turn_settings_json(request.turn));
  if (request.truncate) json["truncate"] = true;
  if (!request.generate) json["generate"] = false;
  if (!request.ignored.empty()) json["ignored"] = request.ignored;
  for (const auto& [name, shown] : request.namespaced) json["namespaced"][name] = {shown.name_space, shown.name};
  return json;
}

RunRequest request_from_json(const Json& json) {
  RunRequest request;
  request.input = json.value("input", std::vector<Json>{});
  request.instructions = json.value("instructions", "");
  request.all_tools = false;
  for (const Json& tool : json.value("tools", Json::array())) {
    if (tool.value("client", false)) {
      request.client_tools.push_back({string_of(tool, "name"), string_of(tool, "description"), tool.value("parameters", Json::object())});
    } else {
      request.tools.push_back(string_of(tool, "name"));
    }
  }
  const Json permissions = json.value("permissions", Json::object());
  for (const auto& [name, permission] : permissions.items()) {
    const auto at = std::find(std::begin(kPermissions), std::end(kPermissions), permission.get<std::string>());
    request.permissions[name] = static_cast<Permission>(at == std::end(kPermissions) ? 1 : at - std::begin(kPermissions));
  }
  request.turn = turn_settings_from(json);
  request.text_format.json = json.value("text_format", request.text_format.json);
  request.allowed_tools = json.value("allowed_tools", std::set<std::string>{});
  request.after_tools = json.value("after_tools", "");
  request.storage = json.value("store", true) ? Storage::stored : Storage::continuable;
  request.truncate = json.value("truncate", false);
  request.generate = json.value("generate", true);
  request.ignored = json.value("ignored", std::vector<std::string>{});
  const Json namespaced = json.value("namespaced", Json::object());
  for (const auto& [name, shown] : namespaced.items())
    request.namespaced[name] = {shown[0].get<std::string>(), shown[1].get<std::string>()};
  const Json budgets = json.value("budgets", Json::object());
  Budgets& b = request.budgets;
  b.max_turns = budgets.value("max_turns", b.max_turns);
  b.max_tool_calls = budgets.value("max_tool_calls", b.max_tool_calls);
  b.max_output_tokens = budgets.value("max_output_tokens", b.max_output_tokens);
  b.max_milliseconds = budgets.value("max_milliseconds", b.max_milliseconds);
  return request;
}

std::string title_of(const std::vector<Json>& input) {
  for (const Json& item : input) {
    if (string_of(item, "role") != "user") continue;
    const std::string text = text_of_message(item);
    const std::size_t begin = text.find_first_not_of(kSpace);
    if (begin == std::string::npos) continue;
    std::string title = text.substr(begin, text.find('\n', begin) - begin);
    title.erase(title.find_last_not_of(kSpace) + 1);
    if (title.size() <= kTitleBytes) return title;
    return title.substr(0, tools::utf8_prefix(title, kTitleBytes)) + "…";
  }
  return "";
}

}  // namespace baton::agent
