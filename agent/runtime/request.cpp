#include "request.h"

#include <baton/agent/core/items.h>
#include <baton/agent/core/text_format.h>
#include <baton/llm/constraint/output_format.h>
#include <baton/tools/text.h>

#include <algorithm>
#include <cmath>
#include <iterator>

namespace baton::agent {
namespace {

constexpr std::size_t kTitleBytes = 80;
constexpr const char* kSpace = " \t\r\n";
constexpr const char* kPermissions[] = {"allow", "ask", "deny"};  // in the order of Permission

const char* name_of(llm::ToolChoice::Mode mode) {
  switch (mode) {
    case llm::ToolChoice::Mode::automatic:
      return "auto";
    case llm::ToolChoice::Mode::none:
      return "none";
    case llm::ToolChoice::Mode::required:
      return "required";
    case llm::ToolChoice::Mode::named:
      return "named";
  }
  return "";
}

Json sampling_json(const llm::SamplingParams& s) {
  // Floats as they were written: 0.7, not 0.699999988.
  const auto decimal = [](float value) { return std::round(static_cast<double>(value) * 1e6) / 1e6; };
  Json bias = Json::array();
  for (const auto& [token, value] : s.logit_bias) bias.push_back({token, decimal(value)});
  Json json = {{"temperature", decimal(s.temperature)},
               {"top_k", s.top_k},
               {"typical_p", decimal(s.typical_p)},
               {"top_p", decimal(s.top_p)},
               {"min_p", decimal(s.min_p)},
               {"repeat_penalty", decimal(s.repeat_penalty)},
               {"presence_penalty", decimal(s.presence_penalty)},
               {"frequency_penalty", decimal(s.frequency_penalty)},
               {"repeat_last_n", s.repeat_last_n},
               {"logit_bias", std::move(bias)},
               {"top_logprobs", s.top_logprobs}};
  if (s.seed) json["seed"] = *s.seed;
  return json;
}

llm::SamplingParams sampling_from(const Json& json) {
  llm::SamplingParams s;
  s.temperature = json.value("temperature", s.temperature);
  s.top_k = json.value("top_k", s.top_k);
  s.typical_p = json.value("typical_p", s.typical_p);
  s.top_p = json.value("top_p", s.top_p);
  s.min_p = json.value("min_p", s.min_p);
  s.repeat_penalty = json.value("repeat_penalty", s.repeat_penalty);
  s.presence_penalty = json.value("presence_penalty", s.presence_penalty);
  s.frequency_penalty = json.value("frequency_penalty", s.frequency_penalty);
  s.repeat_last_n = json.value("repeat_last_n", s.repeat_last_n);
  for (const Json& pair : json.value("logit_bias", Json::array())) s.logit_bias[pair[0].get<std::int32_t>()] = pair[1].get<float>();
  s.top_logprobs = json.value("top_logprobs", s.top_logprobs);
  if (const auto seed = json.find("seed"); seed != json.end()) s.seed = seed->get<std::uint64_t>();
  return s;
}

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
  if (request.max_output_tokens < 1)
    return wrong("max_output_tokens is " + std::to_string(request.max_output_tokens) + " and must be at least 1");
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
  const Mode mode = request.tool_choice.mode;
  if (mode == Mode::required && specs.empty()) return wrong("tool_choice requires a call, and no tool is offered");
  if (mode == Mode::named && !names.contains(request.tool_choice.name))
    return wrong("tool_choice names '" + request.tool_choice.name + "', which is not offered");
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

RunConfig config_from(const RunRequest& request, const std::vector<llm::ToolSpec>& specs) {
  RunConfig config;
  config.instructions = request.instructions;
  config.tools = specs;
  for (const llm::ToolSpec& tool : request.client_tools) config.client_tools.insert(tool.name);
  config.allowed_tools = request.allowed_tools;
  config.text_format = request.text_format;
  if (const auto format = output_format(request.text_format))
    config.why_misfits = [format = *format](const std::string& answer) { return llm::misfit(format, answer); };
  config.tool_choice = request.tool_choice;
  config.parallel_tool_calls = request.parallel_tool_calls;
  config.sampling = request.sampling;
  config.stop = request.stop;
  config.logprobs = request.logprobs;
  config.max_output_tokens = request.max_output_tokens;
  config.history_form = request.history_form;
  config.after_tools = request.after_tools;
  config.budgets = request.budgets;
  config.metadata = request.metadata;
  config.store = request.store;
  config.client = request.share.empty() ? request.client : request.share;
  config.namespaced = request.namespaced;
  config.template_variables = request.template_variables;
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
               {"tool_choice", name_of(request.tool_choice.mode)},
               {"text_format", request.text_format},
               {"allowed_tools", request.allowed_tools},
               {"parallel_tool_calls", request.parallel_tool_calls},
               {"max_output_tokens", request.max_output_tokens},
               {"history", request.history_form == llm::HistoryForm::canonical ? "canonical" : "as_written"},
               {"after_tools", request.after_tools},
               {"sampling", sampling_json(request.sampling)},
               {"stop", request.stop},
               {"logprobs", request.logprobs},
               {"store", request.store},
               {"budgets",
                {{"max_turns", request.budgets.max_turns},
                 {"max_tool_calls", request.budgets.max_tool_calls},
                 {"max_output_tokens", request.budgets.max_output_tokens},
                 {"max_milliseconds", request.budgets.max_milliseconds}}}};
  if (request.truncate) json["truncate"] = true;
  if (!request.generate) json["generate"] = false;
  if (!request.ignored.empty()) json["ignored"] = request.ignored;
  if (!request.template_variables.empty()) json["template_variables"] = request.template_variables;
  for (const auto& [name, shown] : request.namespaced) json["namespaced"][name] = {shown.name_space, shown.name};
  if (request.tool_choice.mode == llm::ToolChoice::Mode::named) json["tool_choice"] = {{"name", request.tool_choice.name}};
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
  const Json choice = json.value("tool_choice", Json("auto"));
  using Mode = llm::ToolChoice::Mode;
  if (choice.is_object()) {
    request.tool_choice = {Mode::named, string_of(choice, "name")};
  } else {
    request.tool_choice.mode = choice == "none" ? Mode::none : choice == "required" ? Mode::required : Mode::automatic;
  }
  request.text_format = json.value("text_format", request.text_format);
  request.allowed_tools = json.value("allowed_tools", std::set<std::string>{});
  request.parallel_tool_calls = json.value("parallel_tool_calls", true);
  request.max_output_tokens = json.value("max_output_tokens", request.max_output_tokens);
  if (json.value("history", "") == "canonical") request.history_form = llm::HistoryForm::canonical;
  request.after_tools = json.value("after_tools", "");
  request.sampling = sampling_from(json.value("sampling", Json::object()));
  request.stop = json.value("stop", std::vector<std::string>{});
  request.logprobs = json.value("logprobs", false);
  request.store = json.value("store", true);
  request.truncate = json.value("truncate", false);
  request.generate = json.value("generate", true);
  request.ignored = json.value("ignored", std::vector<std::string>{});
  request.template_variables = json.value("template_variables", Json::object());
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
