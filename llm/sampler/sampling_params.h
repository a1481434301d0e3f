#pragma once
#include <cstdint>
#include <map>
#include <optional>

namespace baton::llm {

inline constexpr int kDefaultOutputTokens = 1024;  // of an answer, if the request does not say

// The settings for choosing the next token. The defaults are greedy: temperature 0 takes the most probable token.
//
// Order of application, as documented for llama.cpp's sampler chain: logit_bias, penalties, allowed-token mask, top_k, typical_p, top_p,
// min_p, temperature. So the filters see the model's own distribution, and the temperature chooses among the tokens that they keep. Each
// filter sees the probabilities of the tokens kept by the previous one, summing to 1, and keeps at least one token.
//
// The penalties count the last repeat_last_n tokens of prompt and answer together, control tokens included. Under a mask they change the
// probabilities of allowed tokens only; the unconstrained choice is determined without them. A tool call is not penalised at all
// (MaskRefinement::penalised): JSON repeats its quotes and braces, and a call repeats names of the conversation.
struct SamplingParams {
  float temperature = 0.0f;        // 0 or less: greedy
  int top_k = 0;                   // keeps this many of the most probable; 0 or less: off
  float typical_p = 1.0f;          // 1: off; the share to keep of tokens whose surprise is nearest to the entropy (Meister et al. 2022)
  float top_p = 1.0f;              // 1: off; the share to keep of the most probable ones (Holtzman et al. 2019)
  float min_p = 0.0f;              // 0: off; keeps tokens with at least this share of the largest probability
  float repeat_penalty = 1.0f;     // 1: off; divides the positive logits of tokens that occurred, multiplies others (Keskar et al. 2019)
  float presence_penalty = 0.0f;   // OpenAI's: subtracted once from the logit of each token that occurred
  float frequency_penalty = 0.0f;  // OpenAI's: subtracted once for each occurrence
  int repeat_last_n = 64;          // how many of the last tokens all three penalties count; 0: none, -1: all
  std::map<std::int32_t, float> logit_bias;
  std::optional<std::uint64_t> seed;  // the same seed, prompt and parameters give the same tokens; null: one is drawn
  int top_logprobs = 0;               // number of alternatives reported per token, 0..20
};

// A seed for a request without one. At most 2^53 - 1, so that it passes through JSON readers whose numbers are doubles. Any thread.
std::uint64_t draw_seed();

}  // namespace baton::llm
