#pragma once
#include <cstdint>
#include <map>

namespace baton::llm {

// How the next token is chosen. The defaults are greedy: temperature 0 takes the most probable token.
// Order of application: logit_bias, penalties, allowed-token mask, temperature, top_k, top_p, min_p.
struct SamplingParams {
  float temperature = 0.0f;         // 0: greedy
  int top_k = 0;                    // 0: off
  float top_p = 1.0f;               // 1: off (Holtzman et al. 2019)
  float min_p = 0.0f;               // 0: off; share of the largest probability
  float repetition_penalty = 1.0f;  // 1: off (Keskar et al. 2019): divides positive logits, multiplies negative ones
  float presence_penalty = 0.0f;    // OpenAI's: subtracted once from each token that occurred
  float frequency_penalty = 0.0f;   // OpenAI's: subtracted once for each occurrence
  int penalty_window = 64;          // how many of the last tokens the penalties look at
  std::map<std::int32_t, float> logit_bias;
  std::uint64_t seed = 0;  // the same seed, prompt and parameters give the same tokens
  int top_logprobs = 0;    // how many alternatives a token reports, 0..20
};

}  // namespace baton::llm
