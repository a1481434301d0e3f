#include "request.h"

#include <baton/tools/text.h>

#include <algorithm>
#include <cmath>

namespace baton::agent {
namespace {

constexpr std::size_t kTitleBytes = 80;
constexpr const char* kSpace = " \t\r\n";

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
  return {{"temperature", decimal(s.temperature)},
          {"top_k", s.top_k},
          {"top_p", decimal(s.top_p)},
          {"min_p", decimal(s.min_p)},
          {"repetition_penalty", decimal(s.repetition_penalty)},
          {"presence_penalty", decimal(s.presence_penalty)},
          {"frequency_penalty", decimal(s.frequency_penalty)},
          {"penalty_window", s.penalty_window},
          {"seed", s.seed}};
}

}  // namespace

Result<std::vector<llm::ToolSpec>> offered_tools(const tools::ToolSet& set, const RunRequest& request) {
  std::vector<llm::ToolSpec> specs;
  for (const tools::ToolSpec* spec : set.specs()) {
    const bool named = std::find(request.tools.begin(), request.tools.end(), spec->name) != request.tools.end();
    if (request.all_tools || named) specs.push_back({spec->name, spec->description, spec->parameters});
  }
  for (const std::string& name : request.tools) {
    if (!set.find(name)) return Error{errc::not_found, "there is no tool '" + name + "': `baton tools` lists those there are"};
  }
  return specs;
}

Result<void> check_request(const RunRequest& request, const std::vector<llm::ToolSpec>& specs) {
  const auto wrong = [](const std::string& message) { return Error{errc::invalid_argument, message}; };
  if (request.user_text.empty()) return wrong("the message is empty: say what the agent shall do");
  if (request.max_output_tokens < 1)
    return wrong("max_output_tokens is " + std::to_string(request.max_output_tokens) + " and must be at least 1");
  const Budgets& b = request.budgets;
  if (b.max_turns < 0 || b.max_tool_calls < 0 || b.max_output_tokens < 1 || b.max_milliseconds < 1) {
    return wrong("budgets: max_turns and max_tool_calls must be at least 0, max_output_tokens and max_milliseconds at least 1");
  }
  using Mode = llm::ToolChoice::Mode;
  const Mode mode = request.tool_choice.mode;
  if (mode == Mode::required && specs.empty()) return wrong("tool_choice requires a call, and no tool is offered");
  const auto chosen = std::find_if(specs.begin(), specs.end(), [&](const llm::ToolSpec& s) { return s.name == request.tool_choice.name; });
  if (mode == Mode::named && chosen == specs.end())
    return wrong("tool_choice names '" + request.tool_choice.name + "', which is not offered");
  return {};
}

RunConfig config_from(const RunRequest& request, const std::vector<llm::ToolSpec>& specs) {
  RunConfig config;
  config.instructions = request.instructions;
  config.tools = specs;
  config.tool_choice = request.tool_choice;
  config.parallel_tool_calls = request.parallel_tool_calls;
  config.sampling = request.sampling;
  config.max_output_tokens = request.max_output_tokens;
  config.history_form = request.history_form;
  config.after_tools = request.after_tools;
  config.budgets = request.budgets;
  return config;
}

Json request_json(const RunRequest& request, const std::vector<llm::ToolSpec>& specs) {
  Json tools = Json::array();
  for (const llm::ToolSpec& spec : specs) {
    tools.push_back({{"type", "function"}, {"name", spec.name}, {"description", spec.description}, {"parameters", spec.parameters}});
  }
  Json json = {{"instructions", request.instructions},
               {"tools", std::move(tools)},
               {"tool_choice", name_of(request.tool_choice.mode)},
               {"parallel_tool_calls", request.parallel_tool_calls},
               {"max_output_tokens", request.max_output_tokens},
               {"history", request.history_form == llm::HistoryForm::canonical ? "canonical" : "as_written"},
               {"after_tools", request.after_tools},
               {"sampling", sampling_json(request.sampling)},
               {"budgets",
                {{"max_turns", request.budgets.max_turns},
                 {"max_tool_calls", request.budgets.max_tool_calls},
                 {"max_output_tokens", request.budgets.max_output_tokens},
                 {"max_milliseconds", request.budgets.max_milliseconds}}}};
  if (request.tool_choice.mode == llm::ToolChoice::Mode::named) json["tool_choice"] = {{"name", request.tool_choice.name}};
  return json;
}

std::string title_of(const std::string& text) {
  const std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string::npos) return "";
  std::string title = text.substr(begin, text.find('\n', begin) - begin);
  title.erase(title.find_last_not_of(kSpace) + 1);
  if (title.size() <= kTitleBytes) return title;
  return title.substr(0, tools::utf8_prefix(title, kTitleBytes)) + "…";
}

}  // namespace baton::agent
