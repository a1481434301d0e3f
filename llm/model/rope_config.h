#pragma once
// How a model turns positions into angles (Su et al. 2021), and how this is stretched to contexts beyond the training context. Read from
// the file; a user may override it when the model is loaded.
#include <baton/llm/error.h>
#include <baton/llm/gguf/gguf.h>

#include <optional>
#include <string>
#include <vector>

namespace baton::llm {

struct Hparams;

enum class RopePairing {
  adjacent,  // (x0, x1), (x2, x3), ..: GGUF's NORM
  halves,    // (x0, x_{n/2}), ..: GGUF's NEOX
};

enum class RopeScaling { none, linear, yarn, dynamic_ntk };

struct RopeConfig {
  float freq_base = 10000;  // rope.freq_base
  int n_rot = 0;            // rotated dimensions of a head
  RopeScaling scaling = RopeScaling::none;
  float factor = 1;                       // multiple of the original context
  int n_ctx_original = 0;                 // rope.scaling.original_context_length
  float beta_fast = 32, beta_slow = 1;    // YaRN's ramp (Peng et al. 2023)
  std::optional<float> attention_factor;  // rope.scaling.attn_factor; otherwise YaRN's own 0.1 ln(factor) + 1
  bool by_user = false;                   // the scaling is the user's, in addition to that of the training
  std::vector<float> freq_divisors;       // tensor rope_freqs.weight, (n_rot / 2): Llama 3's scaling, already computed

  std::string describe() const;  // "base 1000000", "base 10000, yarn x4 of 32768": also part of the prefix cache's key
};

// The user's settings, which replace those of the file. Unset fields keep the file's.
struct RopeOverride {
  std::optional<RopeScaling> scaling;
  std::optional<float> factor;
  std::optional<float> freq_base;
};

// Ready for the backend: angle of pair i at position p = p * inverse_frequency[i]; cos and sin are multiplied by the attention factor.
struct RopeTable {
  std::vector<double> inverse_frequency;  // (n_rot / 2)
  double attention_factor = 1;
};

Result<RopeConfig> read_rope_config(const GgufFile& file, const Hparams& hparams, const RopeOverride& override);
// Number of tokens up to which positions keep their meaning: the training context, times the user's own factor.
int context_reach(const RopeConfig& config, const Hparams& hparams);
// n_ctx: the longest sequence, which dynamic NTK depends on.
RopeTable make_rope_table(const RopeConfig& config, int n_ctx);

std::optional<RopeScaling> parse_rope_scaling(const std::string& name);  // "none", "linear", "yarn", "dynamic"

}  // namespace baton::llm
