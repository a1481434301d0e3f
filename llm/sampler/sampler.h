#pragma once
// Chooses the next token from a row of logits. One Sampler belongs to one answer and remembers its choices.
#include <baton/llm/sampler/sampling_params.h>

#include <cstdint>
#include <deque>
#include <span>
#include <unordered_map>
#include <vector>

namespace baton::llm {

// One bit per token, least significant bit first: bit set = allowed. A GPU sampler takes the same layout.
using TokenMask = std::vector<std::uint32_t>;
inline bool allows(const TokenMask& mask, std::int32_t id) { return (mask[id >> 5] >> (id & 31)) & 1; }

struct TokenProbability {
  std::int32_t id = 0;
  float logprob = 0;  // natural logarithm
};

// Chooses a part of the mask if the freely chosen token is forbidden. Used on the thread of choose().
class MaskRefinement {
 public:
  virtual ~MaskRefinement() = default;
  // Whether the penalties apply to the next token.
  virtual bool penalised() const { return true; }
  // A non-empty part of the mask: of the allowed tokens, those that begin like the forbidden token `wanted`. Null: the whole mask.
  virtual const TokenMask* refined(std::int32_t wanted) = 0;
};

struct Choice {
  std::int32_t id = 0;
  float logprob = 0;                  // under the model's own distribution: before penalties, mask and temperature
  std::vector<TokenProbability> top;  // the params.top_logprobs most probable tokens, likewise
  float allowed_share = 1;            // the probability of all allowed tokens, likewise; 1 if it was not requested
};

// Single-threaded. Deterministic, except for a seed that has to be drawn: the same params, logits and calls give the same choices on every
// machine (the generator is SplitMix64, not one of the standard library's implementation-defined distributions).
class Sampler {
 public:
  explicit Sampler(SamplingParams params);

  // logits: (n_vocab). mask: nullptr, or one bit for each token with at least one set. min_share: if the allowed tokens have less than this
  // probability, the mask is not applied; negative: it always is, and its share is not computed. `refinement`, if set, is consulted when
  // the unconstrained choice is masked out. A model that wants to end a string and begin another member, but may not begin one, must at
  // least end the string, instead of continuing it because the most probable allowed token does.
  Choice choose(std::span<const float> logits, const TokenMask* mask = nullptr, float min_share = -1, MaskRefinement* refinement = nullptr);
  // Records a token that was not chosen by this object, for the penalties.
  void observe(std::int32_t id);
  // Records all tokens so far, prompt and answer, and forgets everything before.
  void remember(std::span<const std::int32_t> tokens);
  const SamplingParams& params() const { return params_; }

 private:
  double uniform();  // [0, 1)
  void apply_penalties();
  std::int32_t pick();
  void keep_typical();
  std::size_t n_most_probable() const;

  struct Candidate {
    std::int32_t id;
    float logit;
  };
  static bool more(const Candidate& a, const Candidate& b) { return a.logit != b.logit ? a.logit > b.logit : a.id < b.id; }
  SamplingParams params_;
  std::uint64_t state_;
  std::deque<std::int32_t> recent_;
  std::unordered_map<std::int32_t, int> counts_;  // within recent_
  std::vector<float> logits_;                     // scratch: the adjusted row
  std::vector<Candidate> candidates_;             // scratch: the candidates, most probable first
};

}  // namespace baton::llm
