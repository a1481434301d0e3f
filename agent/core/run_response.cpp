// The response object of a run, in the protocol's form.
#include <cmath>

#include "run.h"

namespace baton::agent {
namespace {

Json tool_json(const std::string& name, bool client) {
  if (client) return {{"type", "function"}, {"name", name}};
  return {{"type", "mcp"}, {"server_label", "baton"}, {"name", name}};
}

Json tool_choice_json(const RunConfig& config) {
  using Mode = llm::ToolChoice::Mode;
  const llm::ToolChoice& choice = config.turn.tool_choice;
  if (choice.mode == Mode::named) return tool_json(choice.name, config.client_tools.contains(choice.name));
  const char* mode = choice.mode == Mode::none ? "none" : choice.mode == Mode::required ? "required" : "auto";
  if (config.allowed_tools.empty()) return mode;
  Json tools = Json::array();
  for (const std::string& name : config.allowed_tools) tools.push_back(tool_json(name, config.client_tools.contains(name)));
  return {{"type", "allowed_tools"}, {"mode", mode}, {"tools", std::move(tools)}};
}

Json tools_json(const RunConfig& config) {
  Json names = Json::array(), tools = Json::array();
  for (const llm::ToolSpec& tool : config.tools) {
    if (!config.client_tools.contains(tool.name)) names.push_back(tool.name);
  }
  if (!names.empty())
    tools.push_back({{"type", "mcp"},
                     {"server_label", "baton"},
                     {"server_url", nullptr},
                     {"allowed_tools", std::move(names)},
                     {"require_approval", "never"}});
  for (const llm::ToolSpec& tool : config.tools) {
    if (!config.client_tools.contains(tool.name)) continue;
    tools.push_back(
        {{"type", "function"}, {"name", tool.name}, {"description", tool.description}, {"parameters", tool.parameters}, {"strict", true}});
  }
  return tools;
}

// 0.7f as 0.7, not as 0.699999988.
double decimal(float value) { return std::round(static_cast<double>(value) * 1e6) / 1e6; }

}  // namespace

Json Run::usage_json() const {
  return {{"input_tokens", usage_.prompt_tokens},
          {"input_tokens_details", {{"cached_tokens", usage_.cached_tokens}, {"cache_write_tokens", 0}}},
          {"output_tokens", usage_.output_tokens},
          {"output_tokens_details", {{"reasoning_tokens", 0}}},
          {"total_tokens", usage_.prompt_tokens + usage_.output_tokens},
          {"baton.prefill_seconds", usage_.prefill_seconds},
          {"baton.decode_seconds", usage_.decode_seconds},
          {"baton.turns", turn_}};
}

Json Run::response_json(const std::string& status, const Moment& now) const {
  Json response = {{"id", config_.response_id},
                   {"object", "response"},
                   {"created_at", (config_.created_ms ? config_.created_ms : started_.wall_ms) / 1000},
                   {"completed_at", nullptr},
                   {"status", status},
                   {"model", config_.model},
                   {"output", Json::array()},
                   {"conversation", {{"id", config_.conversation_id}}},
                   {"previous_response_id", nullptr},
                   {"instructions", nullptr},
                   {"tools", tools_json(config_)},
                   {"tool_choice", tool_choice_json(config_)},
                   {"parallel_tool_calls", config_.turn.parallel_tool_calls},
                   {"temperature", decimal(config_.turn.sampling.temperature)},
                   {"top_p", decimal(config_.turn.sampling.top_p)},
                   {"max_output_tokens", config_.turn.max_output_tokens},
                   {"text", {{"format", config_.text_format.json}}},
                   {"truncation", config_.truncate ? "auto" : "disabled"},
                   {"metadata", config_.metadata},
                   {"store", config_.store},
                   {"error", nullptr},
                   {"incomplete_details", nullptr}};
  if (config_.turn.sampling.seed) response["baton.seed"] = *config_.turn.sampling.seed;
  if (n_left_out_ > 0) response["baton.truncated"] = {{"messages", n_left_out_}};
  if (!config_.ignored.empty()) response["baton.ignored"] = config_.ignored;
  if (!config_.parent_id.empty()) response["previous_response_id"] = config_.parent_id;
  if (!config_.instructions.empty()) response["instructions"] = config_.instructions;
  if (status == "completed") response["completed_at"] = now.wall_ms / 1000;
  return response;
}

}  // namespace baton::agent
