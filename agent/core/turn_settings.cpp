#include "turn_settings.h"

#include <cmath>

namespace baton::agent {
namespace {

using llm::Json;

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

Json tool_choice_json(const llm::ToolChoice& choice) {
  if (choice.mode == llm::ToolChoice::Mode::named) return {{"name", choice.name}};
  return name_of(choice.mode);
}

llm::ToolChoice tool_choice_from(const Json& json) {
  using Mode = llm::ToolChoice::Mode;
  if (json.is_object()) return {Mode::named, json.value("name", "")};
  return {json == "none" ? Mode::none : json == "required" ? Mode::required : Mode::automatic, {}};
}

}  // namespace

Json turn_settings_json(const llm::TurnSettings& settings) {
  Json json = {{"tool_choice", tool_choice_json(settings.tool_choice)},
               {"parallel_tool_calls", settings.parallel_tool_calls},
               {"max_output_tokens", settings.max_output_tokens},
               {"history", settings.history == llm::HistoryForm::canonical ? "canonical" : "as_written"},
               {"sampling", sampling_json(settings.sampling)},
               {"stop", settings.stop},
               {"logprobs", settings.logprobs}};
  if (!settings.template_variables.empty()) json["template_variables"] = settings.template_variables;
  return json;
}

llm::TurnSettings turn_settings_from(const Json& json) {
  llm::TurnSettings settings;
  settings.tool_choice = tool_choice_from(json.value("tool_choice", Json("auto")));
  settings.parallel_tool_calls = json.value("parallel_tool_calls", settings.parallel_tool_calls);
  settings.max_output_tokens = json.value("max_output_tokens", settings.max_output_tokens);
  if (json.value("history", "") == "canonical") settings.history = llm::HistoryForm::canonical;
  settings.sampling = sampling_from(json.value("sampling", Json::object()));
  settings.stop = json.value("stop", settings.stop);
  settings.logprobs = json.value("logprobs", settings.logprobs);
  settings.template_variables = json.value("template_variables", settings.template_variables);
  return settings;
}

}  // namespace baton::agent
