#include "sampling_fields.h"

#include <charconv>
#include <initializer_list>
#include <limits>

#include "create_request.h"
#include "request_limits.h"

namespace baton::agent::protocol {
namespace {

// The context is the only limit.
constexpr int kNoLimit = 1 << 24;

// Whole numbers of this size are kept by every JSON reader, including those whose numbers are doubles.
constexpr std::uint64_t kSafeBits = (std::uint64_t{1} << 53) - 1;

constexpr const char* kReadNames[] = {
    "temperature",
    "top_p",
    "top_k",
    "min_p",
    "typical_p",
    "repeat_penalty",
    "repeat_last_n",
    "seed",
    "repetition_penalty",
    "presence_penalty",
    "stop",
    "frequency_penalty",
    "logit_bias",
    "top_logprobs",
    "max_completion_tokens",
    "max_output_tokens",
    "max_tokens",
    "n_predict",
    // The tables below, in their order.
    "mirostat",
    "dry_multiplier",
    "xtc_probability",
    "dynatemp_range",
    "tfs_z",
    "top_n_sigma",
    "top_a",
    "ignore_eos",
    "min_tokens",
    "stop_token_ids",
    "bad_words",
    "allowed_token_ids",
    "use_beam_search",
    "best_of",
    "lora",
    "id_slot",
    "cache_prompt",
    "mirostat_tau",
    "mirostat_eta",
    "n_keep",
    "n_probs",
    "samplers",
    "penalize_nl",
    "timings_per_token",
    "return_progress",
    "min_keep",
    "keep_alive",
};

// Fields that would change the sampling and are not implemented.
void refuse(Fields& fields) {
  const std::string leave = "omit it, or send the value that switches it off";
  fields.unsupported("mirostat", "omit it, or send 0", {0});
  fields.unsupported("dry_multiplier", leave, {0});
  fields.unsupported("xtc_probability", leave, {0});
  fields.unsupported("dynatemp_range", leave, {0});
  fields.unsupported("tfs_z", leave, {1});
  fields.unsupported("top_n_sigma", leave, {-1, 0});
  fields.unsupported("top_a", leave, {0});
  fields.unsupported("ignore_eos", "the model alone decides where an answer ends", {false});
  fields.unsupported("min_tokens", "the model alone decides where an answer ends", {0});
  fields.unsupported("stop_token_ids", "send stop", {Json::array()});
  fields.unsupported("bad_words", "send logit_bias", {Json::array()});
  fields.unsupported("allowed_token_ids", "send response_format or grammar", {Json::array()});
  fields.unsupported("use_beam_search", leave, {false});
  fields.unsupported("best_of", "send n", {1});
  fields.unsupported("lora", "adapters are not loaded by requests", {Json::array()});
}

// Fields about the place and method of the computation, which the daemon decides itself.
void pass_over(Fields& fields) {
  for (const char* key : {"id_slot", "cache_prompt", "mirostat_tau", "mirostat_eta", "n_keep", "n_probs", "samplers", "penalize_nl",
                          "timings_per_token", "return_progress", "min_keep", "keep_alive"})
    fields.no_effect(key);
}

Parsed<std::pair<std::int32_t, float>> bias_of(const std::string& key, const Json& value) {
  const std::string at = "logit_bias." + key;
  std::int32_t id = -1;
  const auto [end, failed] = std::from_chars(key.data(), key.data() + key.size(), id);
  if (failed != std::errc() || end != key.data() + key.size() || id < 0)
    return ApiError::invalid(at, "'" + key + "' is not a token id; POST /tokenize returns token ids");
  if (value == false) return std::pair{id, -100.0f};  // never, as llama.cpp's server has it
  if (!value.is_number() || value.get<double>() < -100 || value.get<double>() > 100)
    return ApiError::invalid(at, "'" + at + "' must be a number from -100 to 100");
  return std::pair{id, value.get<float>()};
}

// {"1234": -100}, or [[1234, -100]].
Parsed<std::map<std::int32_t, float>> logit_bias_of(const Json& given) {
  const std::string wrong = "'logit_bias' must be an object from token ids to numbers, or a list of [id, number]";
  if (!given.is_structured()) return ApiError::invalid("logit_bias", wrong, "invalid_type");
  if (auto error = more_than(kMaxLogitBias, "logit_bias", given.size(), "tokens")) return *error;
  std::map<std::int32_t, float> biases;
  const auto add = [&](const std::string& key, const Json& value) -> std::optional<ApiError> {
    const auto bias = bias_of(key, value);
    if (!bias) return bias.error();
    biases.insert_or_assign(bias->first, bias->second);
    return std::nullopt;
  };
  if (given.is_array()) {
    for (const Json& pair : given) {
      if (!pair.is_array() || pair.size() != 2 || !pair[0].is_number_integer())
        return ApiError::invalid("logit_bias", wrong, "invalid_type");
      if (auto error = add(pair[0].dump(), pair[1])) return *error;
    }
  } else {
    for (const auto& [key, value] : given.items()) {
      if (auto error = add(key, value)) return *error;
    }
  }
  return biases;
}

// -1 is the value with which clients of local servers ask for any seed. Another negative number is a seed like any other: it is read as the
// number with the same low bits, which the response shows and which gives the same answer when it is sent.
void read_seed(Fields& fields, llm::SamplingParams& sampling) {
  const auto seed = fields.integer("seed", std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max());
  if (!seed || *seed == -1) return;
  const auto bits = static_cast<std::uint64_t>(*seed);
  sampling.seed = *seed < 0 ? bits & kSafeBits : bits;
}

void read_max_tokens(Fields& fields, RunRequest& run) {
  std::optional<int> most;
  for (const char* key : {"max_output_tokens", "max_completion_tokens", "max_tokens", "n_predict"}) {
    auto value = fields.integer(key, -2, kNoLimit);
    if (!value) continue;
    if (*value == 0)
      return fields.fail(ApiError::invalid(fields.path(key),
                                           "'" + fields.path(key) + "' must be at least 1, or -1 for as many tokens as the context holds"));
    if (*value < 0) value = kNoLimit;
    most = static_cast<int>(std::min<std::int64_t>(*value, most.value_or(kNoLimit)));
  }
  if (most) run.turn.max_output_tokens = run.budgets.max_output_tokens = *most;
}

}  // namespace

std::span<const char* const> sampling_field_names() { return kReadNames; }

void read_sampling(Fields& fields, RunRequest& run) {
  llm::SamplingParams& sampling = run.turn.sampling;
  const auto take = [&](const char* key, double least, double most, float& into) {
    if (const auto value = fields.number(key, least, most)) into = static_cast<float>(*value);
  };
  take("temperature", 0, 2, sampling.temperature);
  take("top_p", 0, 1, sampling.top_p);
  take("min_p", 0, 1, sampling.min_p);
  take("typical_p", 0, 1, sampling.typical_p);
  take("repetition_penalty", 0.01, 10, sampling.repeat_penalty);
  take("repeat_penalty", 0.01, 10, sampling.repeat_penalty);
  take("presence_penalty", -2, 2, sampling.presence_penalty);
  take("frequency_penalty", -2, 2, sampling.frequency_penalty);
  if (const auto value = fields.integer("top_k", -1, 1 << 24)) sampling.top_k = static_cast<int>(std::max<std::int64_t>(*value, 0));
  if (const auto value = fields.integer("repeat_last_n", -1, 1 << 24)) sampling.repeat_last_n = static_cast<int>(*value);
  read_seed(fields, sampling);
  if (const auto value = fields.integer("top_logprobs", 0, 20)) {
    sampling.top_logprobs = static_cast<int>(*value);
    run.turn.logprobs = *value > 0;
  }
  if (const Json* value = fields.any("stop")) {
    auto stops = parse_stops(value->is_array() ? *value : Json::array({*value}), "stop");
    if (!stops) return fields.fail(stops.error());
    run.turn.stop = std::move(*stops);
  }
  if (const Json* value = fields.any("logit_bias")) {
    auto biases = logit_bias_of(*value);
    if (!biases) return fields.fail(biases.error());
    sampling.logit_bias = std::move(*biases);
  }
  read_max_tokens(fields, run);
  refuse(fields);
  pass_over(fields);
}

}  // namespace baton::agent::protocol
