#include "sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>

namespace baton::llm {
namespace {

constexpr float kForbidden = -std::numeric_limits<float>::infinity();

// log(sum(exp(x))) in double: the row may hold 150,000 entries.
double log_sum_exp(std::span<const float> x) {
  const float peak = *std::max_element(x.begin(), x.end());
  double sum = 0;
  for (float v : x) sum += std::exp(static_cast<double>(v) - peak);
  return peak + std::log(sum);
}

float share_of(std::span<const float> logits, const TokenMask& mask, double log_sum) {
  double share = 0;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (allows(mask, static_cast<std::int32_t>(i))) share += std::exp(logits[i] - log_sum);
  }
  return static_cast<float>(share);
}

std::vector<TokenProbability> most_probable(std::span<const float> logits, int n, double log_sum) {
  std::vector<TokenProbability> top;
  if (n <= 0) return top;
  // Ties go to the lower id everywhere, so that the answer does not depend on the library's sort.
  const auto more = [](const TokenProbability& a, const TokenProbability& b) {
    return a.logprob != b.logprob ? a.logprob > b.logprob : a.id < b.id;
  };
  for (std::size_t i = 0; i < logits.size(); ++i) {
    TokenProbability p{static_cast<std::int32_t>(i), static_cast<float>(logits[i] - log_sum)};
    if (static_cast<int>(top.size()) == n && !more(p, top.back())) continue;
    top.insert(std::upper_bound(top.begin(), top.end(), p, more), p);
    if (static_cast<int>(top.size()) > n) top.pop_back();
  }
  return top;
}

}  // namespace

std::uint64_t draw_seed() {
  std::random_device device;
  return (std::uint64_t{device()} << 32 | device()) >> 11;
}

Sampler::Sampler(SamplingParams params) : params_(std::move(params)), state_(params_.seed ? *params_.seed : draw_seed()) {}

double Sampler::uniform() {  // SplitMix64 (Steele, Lea, Flood 2014); the top 53 bits fill a double's mantissa
  std::uint64_t z = (state_ += 0x9e3779b97f4a7c15ull);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  return static_cast<double>((z ^ (z >> 31)) >> 11) * 0x1.0p-53;
}

void Sampler::observe(std::int32_t id) {
  if (params_.repeat_last_n == 0) return;
  recent_.push_back(id);
  ++counts_[id];
  if (params_.repeat_last_n > 0 && recent_.size() > static_cast<std::size_t>(params_.repeat_last_n)) {
    const auto oldest = counts_.find(recent_.front());
    if (--oldest->second == 0) counts_.erase(oldest);
    recent_.pop_front();
  }
}

void Sampler::remember(std::span<const std::int32_t> tokens) {
  recent_.clear();
  counts_.clear();
  const std::size_t n = params_.repeat_last_n < 0 ? tokens.size() : static_cast<std::size_t>(params_.repeat_last_n);
  for (const std::int32_t id : tokens.last(std::min(n, tokens.size()))) observe(id);
}

void Sampler::apply_penalties() {
  for (const auto& [id, count] : counts_) {
    if (static_cast<std::size_t>(id) >= logits_.size()) continue;
    float& x = logits_[id];
    x = x > 0 ? x / params_.repeat_penalty : x * params_.repeat_penalty;
    x -= params_.presence_penalty + params_.frequency_penalty * static_cast<float>(count);
  }
}

// Keeps the candidates whose surprise -log(p) is nearest to the expected one, the entropy, up to a share of more than typical_p.
void Sampler::keep_typical() {
  double total = 0, entropy = 0;
  std::vector<double> weights;
  for (const Candidate& c : candidates_) total += weights.emplace_back(std::exp(static_cast<double>(c.logit) - candidates_[0].logit));
  const auto surprise = [&](double weight) { return std::log(total) - std::log(weight); };
  for (const double w : weights) entropy += w > 0 ? w / total * surprise(w) : 0;
  std::vector<std::size_t> order(candidates_.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return std::abs(surprise(weights[a]) - entropy) < std::abs(surprise(weights[b]) - entropy);
  });
  double sum = 0;
  std::vector<Candidate> kept;
  for (std::size_t i = 0; i < order.size() && sum <= params_.typical_p * total; ++i) {
    kept.push_back(candidates_[order[i]]);
    sum += weights[order[i]];
  }
  std::sort(kept.begin(), kept.end(), more);
  candidates_ = std::move(kept);
}

// How many of the sorted candidates top_p and min_p keep: top_p the smallest set whose share reaches it, min_p of these the ones that have
// at least its share of the largest.
std::size_t Sampler::n_most_probable() const {
  const auto weight = [this](const Candidate& c) { return std::exp(static_cast<double>(c.logit) - candidates_[0].logit); };
  std::size_t keep = candidates_.size();
  if (params_.top_p < 1) {
    double total = 0, sum = 0;
    for (const Candidate& c : candidates_) total += weight(c);
    for (keep = 0; keep < candidates_.size() && sum < params_.top_p * total;) sum += weight(candidates_[keep++]);
    keep = std::max<std::size_t>(keep, 1);
  }
  while (keep > 1 && weight(candidates_[keep - 1]) < params_.min_p) --keep;
  return keep;
}

std::int32_t Sampler::pick() {
  if (params_.temperature <= 0) {
    return static_cast<std::int32_t>(std::max_element(logits_.begin(), logits_.end()) - logits_.begin());
  }
  candidates_.clear();
  for (std::size_t i = 0; i < logits_.size(); ++i) {
    if (logits_[i] != kForbidden) candidates_.push_back({static_cast<std::int32_t>(i), logits_[i]});
  }
  if (params_.top_k > 0 && static_cast<std::size_t>(params_.top_k) < candidates_.size()) {
    std::nth_element(candidates_.begin(), candidates_.begin() + params_.top_k, candidates_.end(), more);
    candidates_.resize(params_.top_k);
  }
  std::sort(candidates_.begin(), candidates_.end(), more);
  if (params_.typical_p < 1) keep_typical();
  candidates_.resize(n_most_probable());
  double total = 0;
  std::vector<double> weights;
  for (const Candidate& c : candidates_) {
    total += weights.emplace_back(std::exp((static_cast<double>(c.logit) - candidates_[0].logit) / params_.temperature));
  }
  double at = uniform() * total;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if ((at -= weights[i]) < 0) return candidates_[i].id;
  }
  return candidates_.back().id;
}

Choice Sampler::choose(std::span<const float> logits, const TokenMask* mask, float min_share, MaskRefinement* refinement) {
  const double log_sum = log_sum_exp(logits);
  Choice choice;
  if (mask && min_share >= 0) {
    choice.allowed_share = share_of(logits, *mask, log_sum);
    if (choice.allowed_share < min_share) mask = nullptr;
  }
  logits_.assign(logits.begin(), logits.end());
  for (const auto& [id, bias] : params_.logit_bias) {
    if (id >= 0 && static_cast<std::size_t>(id) < logits_.size()) logits_[id] += bias;
  }
  if (mask && refinement) {
    const std::int32_t wanted = pick();
    if (!allows(*mask, wanted)) {
      if (const TokenMask* part = refinement->refined(wanted)) mask = part;
    }
  }
  if (!refinement || refinement->penalised()) apply_penalties();
  if (mask) {
    for (std::size_t i = 0; i < logits_.size(); ++i) {
      if (!allows(*mask, static_cast<std::int32_t>(i))) logits_[i] = kForbidden;
    }
  }
  choice.id = pick();
  choice.logprob = static_cast<float>(logits[choice.id] - log_sum);
  choice.top = most_probable(logits, params_.top_logprobs, log_sum);
  observe(choice.id);
  return choice;
}

}  // namespace baton::llm
