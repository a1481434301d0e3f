#pragma once
// Chooses a token from each row of logits on the device, as llm/sampler does on the host: in the same order bias, penalties, mask, top-k,
// top-p, min-p, temperature, with the same set of candidates and the same probabilities. Two things differ: the random numbers
// (Philox4x32-10, Salmon et al. 2011, counter-based instead of a carried state), and candidates are not sorted: the choice runs over them
// by id. Locally typical sampling exists on the host only.
//
// Equal logits: the lower id comes first, in what top-k and top-p keep and in the list of the most probable. Weights are exp(x - largest)
// in f32, or of that over the temperature in the draw, summed as integers in units of 2^-44, so that the order of threads does not matter;
// a token below that share is never drawn.
//
// Values that are not finite: NaN counts as -infinity in the choice, and makes every log-probability of the row NaN. +infinity wins; of
// several, the lowest id. If no candidate is left (a mask without a bit, all logits -infinity), the choice is id 0; with all logits
// -infinity its log-probability is NaN. The CPU's greedy choice does the same (except for a NaN at id 0, which it takes). With a
// temperature, the CPU sampler's result for these rows is undefined.
#include <baton/kernels/cuda.h>

#include <cstddef>
#include <cstdint>

namespace baton::kernels::cuda {

constexpr int kMaxTopLogprobs = 20;

struct TokenBias {
  std::int32_t id;
  float bias;
};
struct TokenCount {
  std::int32_t id, count;  // occurrences within the penalties' window
};

// Settings of one row, as in SamplingParams. They are in device memory, and so is the data that they point to.
struct SamplingRow {
  float temperature;     // 0 or less: greedy
  int top_k;             // 0: off
  float top_p;           // 1: off
  float min_p;           // 0: off
  float repeat_penalty;  // 1: off
  float presence_penalty;
  float frequency_penalty;
  float min_share;              // the mask is not applied if it allows less than this probability; negative: it always is
  const std::uint32_t* mask;    // (ceil(n_vocab / 32)), least significant bit first, set = allowed; null: all are
  const TokenBias* biases;      // (n_biases), no id twice; those beyond the vocabulary are ignored
  const TokenCount* penalised;  // (n_penalised), likewise
  int n_biases;
  int n_penalised;
  std::uint64_t seed;
  std::uint64_t draw;  // index in the seed's sequence: a different one for each token
  int n_top;           // most probable tokens to list, 0 to kMaxTopLogprobs
};

struct TokenLogprob {
  std::int32_t id;
  float logprob;
};
// Computed under the model's own distribution: before bias, penalties, mask and temperature.
struct SampleReport {
  float logprob;        // of the choice
  float allowed_share;  // probability of all that the mask allows; 1 without one
};

struct SampleParams {
  const float* logits;      // (n_rows, n_vocab)
  const SamplingRow* rows;  // (n_rows)
  std::int32_t* tokens;     // (n_rows), out
  SampleReport* reports;    // (n_rows), out
  TokenLogprob* top;        // (n_rows, kMaxTopLogprobs), out: min(n_top, n_vocab) of each row, best first. May be null when n_top is 0
  float* scratch;           // sample_scratch() floats
  std::uint32_t* arrived;   // (n_rows), zero before the first call, and left so
  int n_rows;               // at most 65535
  int n_vocab;              // 1 to 524288
};
std::size_t sample_scratch(int n_rows, int n_vocab);

// Sampler::choose's refinement needs the choice without the mask: a caller that has a refinement calls with mask null, then with the mask.
void sample(const SampleParams& p, Stream stream);

}  // namespace baton::kernels::cuda
