#include <baton/kernels/rope_tables.h>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace baton::kernels {
namespace {

// The pair (as a real number) that rotates `rotations` times within the original context.
double pair_turning(double rotations, const RopeScalingParams& p) {
  return p.n_rot * std::log(p.n_ctx_original / (rotations * 2 * std::numbers::pi)) / (2 * std::log(p.base));
}

void yarn(const RopeScalingParams& p, RopeFrequencies& f) {
  const double low = std::max(std::floor(pair_turning(p.beta_fast, p)), 0.0);
  double high = std::min(std::ceil(pair_turning(p.beta_slow, p)), p.n_rot - 1.0);
  if (low == high) high += 0.001;  // no division by zero
  for (int i = 0; i < p.n_rot / 2; ++i) {
    const double ramp = std::clamp((i - low) / (high - low), 0.0, 1.0);
    f.inverse_frequency[i] *= ramp / p.factor + (1 - ramp);
  }
  f.attention_factor = p.factor > 1 ? 0.1 * std::log(p.factor) + 1 : 1;
}

void llama3(const RopeScalingParams& p, RopeFrequencies& f) {
  const double longest = p.n_ctx_original / p.low_freq_factor, shortest = p.n_ctx_original / p.high_freq_factor;
  for (double& theta : f.inverse_frequency) {
    const double wavelength = 2 * std::numbers::pi / theta;
    if (wavelength > longest) {
      theta /= p.factor;
    } else if (wavelength > shortest) {
      const double smooth = (p.n_ctx_original / wavelength - p.low_freq_factor) / (p.high_freq_factor - p.low_freq_factor);
      theta = (1 - smooth) * theta / p.factor + smooth * theta;
    }
  }
}

}  // namespace

RopeFrequencies rope_frequencies(const RopeScalingParams& p) {
  using Kind = RopeScalingParams::Kind;
  double base = p.base;
  if (p.kind == Kind::dynamic_ntk && p.n_ctx > p.n_ctx_original) {
    base *= std::pow(p.factor * p.n_ctx / p.n_ctx_original - (p.factor - 1), p.n_rot / (p.n_rot - 2.0));
  }
  RopeFrequencies f;
  for (int i = 0; i < p.n_rot / 2; ++i) f.inverse_frequency.push_back(std::pow(base, -2.0 * i / p.n_rot));
  for (std::size_t i = 0; i < p.divisors.size(); ++i) f.inverse_frequency[i] /= p.divisors[i];
  if (p.kind == Kind::linear) {
    for (double& theta : f.inverse_frequency) theta /= p.factor;
  } else if (p.kind == Kind::yarn) {
    yarn(p, f);
  } else if (p.kind == Kind::llama3) {
    llama3(p, f);
  } else if (p.kind == Kind::longrope && p.factor > 1) {
    f.attention_factor = std::sqrt(1 + std::log(p.factor) / std::log(p.n_ctx_original));
  }
  if (p.attention_factor > 0) f.attention_factor = p.attention_factor;
  return f;
}

void rope_cos_sin(const RopeFrequencies& f, const std::int32_t* positions, int n_tokens, float* cos_out, float* sin_out) {
  const std::size_t n = f.inverse_frequency.size();
  for (int t = 0; t < n_tokens; ++t) {
    for (std::size_t i = 0; i < n; ++i) {
      const double angle = positions[t] * f.inverse_frequency[i];
      cos_out[t * n + i] = static_cast<float>(std::cos(angle) * f.attention_factor);
      sin_out[t * n + i] = static_cast<float>(std::sin(angle) * f.attention_factor);
    }
  }
}

}  // namespace baton::kernels
