#include "rope_config.h"

#include <baton/kernels/rope_tables.h>

#include <algorithm>
#include <cmath>

#include "hparams.h"

namespace baton::llm {
namespace {

struct ScalingName {
  RopeScaling scaling;
  const char* name;
};
constexpr ScalingName kScalingNames[] = {
    {RopeScaling::none, "none"},
    {RopeScaling::linear, "linear"},
    {RopeScaling::yarn, "yarn"},
    {RopeScaling::dynamic_ntk, "dynamic"},
};

std::string short_number(float value) {
  std::string text = std::to_string(value);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}

Result<void> read_scaling(const GgufFile& file, const std::string& prefix, RopeConfig& config) {
  const Result<std::string_view> name = file.get_string_or(prefix + "scaling.type", "none");
  if (!name) return name.error();
  const std::optional<RopeScaling> scaling = parse_rope_scaling(std::string(*name));
  if (!scaling) {
    return Error{errc::unsupported,
                 file.path() + ": " + prefix + "scaling.type is '" + std::string(*name) + "', Baton knows none, linear, yarn and dynamic"};
  }
  config.scaling = *scaling;
  const Result<float> factor = file.get_f32_or(prefix + "scaling.factor", 1);
  const Result<std::uint32_t> original = file.get_u32_or(prefix + "scaling.original_context_length", config.n_ctx_original);
  const Result<float> fast = file.get_f32_or(prefix + "scaling.yarn_beta_fast", config.beta_fast);
  const Result<float> slow = file.get_f32_or(prefix + "scaling.yarn_beta_slow", config.beta_slow);
  const Result<float> attention = file.get_f32_or(prefix + "scaling.attn_factor", 0);
  for (const auto* value : {&factor, &fast, &slow, &attention}) {
    if (!*value) return value->error();
  }
  if (!original) return original.error();
  config.factor = *factor;
  config.n_ctx_original = static_cast<int>(std::min<std::uint32_t>(*original, 1u << 27));
  config.beta_fast = *fast;
  config.beta_slow = *slow;
  if (*attention > 0) config.attention_factor = *attention;
  return boost::system::in_place_value;
}

Result<void> read_divisors(const GgufFile& file, RopeConfig& config) {
  const GgufTensor* tensor = file.find_tensor("rope_freqs.weight");
  if (!tensor) return boost::system::in_place_value;
  const std::size_t n = config.n_rot / 2;
  if (tensor->type_name() != "F32" || tensor->n_elements() != n) {
    return Error{errc::invalid_file, file.path() + ": tensor rope_freqs.weight is " + tensor->shape_text() + " " + tensor->type_name() +
                                         ", must be " + std::to_string(n) + " F32"};
  }
  config.freq_divisors.resize(n);
  std::copy_n(tensor->bytes.data(), n * sizeof(float), reinterpret_cast<std::byte*>(config.freq_divisors.data()));
  for (float divisor : config.freq_divisors) {
    if (!(divisor > 0) || !std::isfinite(divisor)) {
      return Error{errc::invalid_file, file.path() + ": tensor rope_freqs.weight holds a divisor that is not a positive number"};
    }
  }
  return boost::system::in_place_value;
}

}  // namespace

std::optional<RopeScaling> parse_rope_scaling(const std::string& name) {
  for (const auto& known : kScalingNames) {
    if (name == known.name) return known.scaling;
  }
  return std::nullopt;
}

std::string RopeConfig::describe() const {
  std::string text = "base " + short_number(freq_base);
  if (!freq_divisors.empty()) text += ", with frequency divisors";
  for (const auto& known : kScalingNames) {
    if (scaling == known.scaling && scaling != RopeScaling::none) {
      text += std::string(", ") + known.name + " x" + short_number(factor) + " of " + std::to_string(n_ctx_original);
    }
  }
  return text;
}

Result<RopeConfig> read_rope_config(const GgufFile& file, const Hparams& hparams, const RopeOverride& override) {
  RopeConfig config;
  const std::string prefix = hparams.architecture + ".rope.";
  const Result<float> base = file.get_f32_or(prefix + "freq_base", config.freq_base);
  if (!base) return base.error();
  config.freq_base = override.freq_base.value_or(*base);
  config.n_rot = hparams.n_rot;
  config.n_ctx_original = hparams.n_ctx_train;
  if (const Result<void> scaling = read_scaling(file, prefix, config); !scaling) return scaling.error();
  if (const Result<void> divisors = read_divisors(file, config); !divisors) return divisors.error();
  if (override.scaling) {
    config.scaling = *override.scaling;
    config.factor = 1;
    config.attention_factor.reset();
  }
  if (override.factor) config.factor = *override.factor;
  config.by_user = override.scaling.has_value() || override.factor.has_value();
  if (!(config.freq_base > 1) || !(config.factor >= 1) || !std::isfinite(config.freq_base) || !std::isfinite(config.factor)) {
    return Error{errc::invalid_argument, file.path() + ": the RoPE base must be above 1 and the scaling factor at least 1; they are " +
                                             short_number(config.freq_base) + " and " + short_number(config.factor)};
  }
  if (!(config.beta_fast > config.beta_slow) || !(config.beta_slow > 0) || config.n_ctx_original <= 0) {
    return Error{errc::invalid_file, file.path() + ": YaRN's beta_fast must be above beta_slow, and the original context above 0"};
  }
  return config;
}

int context_reach(const RopeConfig& config, const Hparams& hparams) {
  const double stretched =
      config.by_user && config.scaling != RopeScaling::none ? static_cast<double>(config.n_ctx_original) * config.factor : 0;
  return static_cast<int>(std::min(std::max<double>(hparams.n_ctx_train, stretched), double(1 << 27)));
}

RopeTable make_rope_table(const RopeConfig& config, int n_ctx) {
  using Kind = kernels::RopeScalingParams::Kind;
  kernels::RopeScalingParams params;
  params.kind = config.scaling == RopeScaling::linear        ? Kind::linear
                : config.scaling == RopeScaling::yarn        ? Kind::yarn
                : config.scaling == RopeScaling::dynamic_ntk ? Kind::dynamic_ntk
                                                             : Kind::none;
  params.n_rot = config.n_rot;
  params.base = config.freq_base;
  params.factor = config.factor;
  params.n_ctx_original = config.n_ctx_original;
  params.n_ctx = n_ctx;
  params.beta_fast = config.beta_fast;
  params.beta_slow = config.beta_slow;
  params.divisors = config.freq_divisors;
  params.attention_factor = config.attention_factor.value_or(0);
  kernels::RopeFrequencies frequencies = kernels::rope_frequencies(params);
  return {std::move(frequencies.inverse_frequency), frequencies.attention_factor};
}

}  // namespace baton::llm
