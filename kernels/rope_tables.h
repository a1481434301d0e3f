#pragma once
// Rotary position tables (Su et al. 2021) and the methods of context extension. Computed in double precision, once per model.
#include <cstdint>
#include <vector>

namespace baton::kernels {

struct RopeScalingParams {
  enum class Kind { none, linear, dynamic_ntk, yarn, llama3, longrope } kind = Kind::none;
  int n_rot = 0;                                     // rotated dimensions; pairs i = 0 .. n_rot / 2 - 1
  double base = 10000;                               // theta_i = base^(-2 i / n_rot)
  double factor = 1;                                 // s
  double n_ctx_original = 0;                         // L0
  double n_ctx = 0;                                  // L: dynamic NTK and LongRoPE depend on the length in use
  double beta_fast = 32, beta_slow = 1;              // YaRN
  double low_freq_factor = 1, high_freq_factor = 4;  // Llama 3
  std::vector<float> divisors;                       // LongRoPE's factors, or Llama 3's as stored in a file: theta_i / divisor_i
  double attention_factor = 0;                       // 0: the scheme's default
};

struct RopeFrequencies {
  std::vector<double> inverse_frequency;  // (n_rot / 2), the angle per position
  double attention_factor = 1;            // factor for cos and sin
};

// linear: theta / s.  dynamic NTK: base * (s L / L0 - (s - 1))^(d / (d - 2)) for L > L0.
// YaRN (Peng et al. 2023): blend of theta / s and theta over the pairs that rotate beta_slow to beta_fast times in L0; factor 0.1 ln s + 1.
// Llama 3: theta / s for wavelengths above L0 / low, theta below L0 / high, a blend between.
// LongRoPE (Ding et al. 2024): theta / divisor, factor sqrt(1 + ln s / ln L0).
RopeFrequencies rope_frequencies(const RopeScalingParams& p);

// cos and sin of each token's angles, times the attention factor: (n_tokens, n_rot / 2) each. Angles in double, so that position 131,072
// is as exact as position 1.
void rope_cos_sin(const RopeFrequencies& f, const std::int32_t* positions, int n_tokens, float* cos_out, float* sin_out);

}  // namespace baton::kernels
