#include "text_request.h"

#include <baton/llm/chat/truncation.h>

#include <algorithm>

#include "fields.h"
#include "request_limits.h"
#include "sampling_fields.h"

namespace baton::agent::protocol {
namespace {

bool is_list_of_numbers(const Json& value) {
  return value.is_array() && !value.empty() && std::all_of(value.begin(), value.end(), [](const Json& one) { return one.is_number(); });
}

struct TextPrompt {
  std::vector<std::int32_t> ids;
  std::string text;
};

ApiError too_long(const std::string& param, const ModelFacts& facts, const std::string& n_tokens) {
  return ApiError::invalid(param,
                           "This model's maximum context length is " + std::to_string(facts.n_ctx()) + " tokens. However, '" + param +
                               "' has " + n_tokens + " tokens, and the answer needs one at least",
                           "context_length_exceeded");
}

Parsed<TextPrompt> prompt_of(const Json& value, const std::string& param, const ModelFacts& facts) {
  TextPrompt prompt;
  if (value.is_array()) {
    auto ids = parse_tokens(value, param, facts);
    if (!ids) return ids.error();
    if (ids->size() >= static_cast<std::size_t>(facts.n_ctx())) return too_long(param, facts, std::to_string(ids->size()));
    prompt.text = facts.detokenize(*ids);
    prompt.ids = std::move(*ids);
  } else if (value.is_string()) {
    prompt.text = value.get<std::string>();
    const std::size_t most =
        std::min(kMaxPromptTokens, static_cast<std::size_t>(llm::kCountedContexts) * static_cast<std::size_t>(facts.n_ctx()));
    auto ids = facts.tokenize(prompt.text, false, true, most);
    if (!ids) return too_long(param, facts, "more than " + std::to_string(most));
    prompt.ids = std::move(*ids);
  } else {
    return ApiError::invalid(param, "'" + param + "' must be a string or a list of token ids", "invalid_type");
  }
  if (prompt.ids.empty())
    return ApiError::invalid(param, "'" + param + "' is empty, and the model has no token that begins a text; send at least one character");
  if (prompt.ids.size() >= static_cast<std::size_t>(facts.n_ctx())) return too_long(param, facts, std::to_string(prompt.ids.size()));
  return prompt;
}

}  // namespace

Parsed<std::vector<std::int32_t>> parse_tokens(const Json& list, const std::string& param, const ModelFacts& facts) {
  if (auto error = more_than(kMaxPromptTokens, param, list.size(), "tokens")) return *error;
  std::vector<std::int32_t> ids;
  ids.reserve(list.size());
  for (std::size_t i = 0; i < list.size(); ++i) {
    const Json& id = list[i];
    const bool fits = id.is_number_integer() && id >= 0 && id <= std::numeric_limits<std::int32_t>::max();
    if (!fits || !facts.is_token(id.get<std::int32_t>())) {
      const std::string at = param + "[" + std::to_string(i) + "]";
      return ApiError::invalid(at, "'" + at + "' is not a token of this model");
    }
    ids.push_back(id.get<std::int32_t>());
  }
  return ids;
}

Parsed<CompletionRequest> parse_text(const Json& body, const Offer& offer, const ModelFacts* facts, Notes& notes) {
  Fields fields(body, "", notes);
  CompletionRequest request;
  request.shape = CompletionRequest::Shape::text;
  RunRequest run;
  run.all_tools = false;
  run.turn.max_output_tokens = offer.max_output_tokens;
  run.storage = Storage::temporary;
  const auto model = fields.string("model", 256);
  if (model && !model->empty() && *model != offer.model && *model != "baton")
    return ApiError{404, "invalid_request_error", "model_not_found",
                    "there is no model '" + *model + "' here that continues a text; the model is '" + offer.model + "'", "model"};
  request.model = offer.model;
  const Json* prompt = fields.any("prompt");
  if (!prompt && !fields.error()) return ApiError::invalid("prompt", "'prompt' is missing", "missing_required_parameter");
  read_sampling(fields, run);
  const std::int64_t n = fields.integer("n", 1, 16).value_or(1);
  request.stream = fields.boolean("stream").value_or(false);
  const bool echo = fields.boolean("echo").value_or(false);
  if (const auto top = fields.integer("logprobs", 0, 20)) {
    run.turn.logprobs = true;
    run.turn.sampling.top_logprobs = static_cast<int>(*top);
  }
  if (const Json* options = fields.any("stream_options")) {
    Fields inner(*options, "stream_options", notes);
    request.include_usage = inner.boolean("include_usage").value_or(false);
    inner.no_effect("include_obfuscation", {false});
    if (auto error = inner.finish()) return *error;
  }
  fields.unsupported("suffix", "the model continues a text and cannot fill a gap in it", {""});
  for (const char* key : {"grammar", "json_schema", "response_format", "guided_json", "guided_regex", "guided_choice", "guided_grammar"})
    fields.unsupported(key, "send it to /v1/chat/completions", {"", Json::object(), {{"type", "text"}}});
  fields.no_effect("user");
  if (auto error = fields.finish()) return *error;
  if (!facts) return ApiError::unsupported("prompt", "this daemon's model only continues conversations");

  const bool several = prompt->is_array() && !is_list_of_numbers(*prompt);
  if (several && prompt->empty()) return ApiError::invalid("prompt", "'prompt' is empty");
  const std::size_t n_prompts = several ? prompt->size() : 1;
  if (auto error = more_than(kMaxChoices, "prompt", n_prompts * static_cast<std::size_t>(n), "choices (prompts times n)")) return *error;
  if (!run.turn.sampling.seed) run.turn.sampling.seed = llm::draw_seed();
  std::size_t n_tokens = 0;
  for (std::size_t i = 0; i < n_prompts; ++i) {
    auto read = prompt_of(several ? (*prompt)[i] : *prompt, several ? "prompt[" + std::to_string(i) + "]" : "prompt", *facts);
    if (!read) return read.error();
    n_tokens += read->ids.size();
    if (auto error = more_than(kMaxPromptTokens, "prompt", n_tokens, "tokens")) return *error;
    request.prompts.push_back(std::move(read->ids));
    if (echo) request.echo.push_back(std::move(read->text));
  }
  run.ignored = notes.ignored();
  request.n = static_cast<std::size_t>(n);
  request.run = std::move(run);
  return request;
}

}  // namespace baton::agent::protocol
