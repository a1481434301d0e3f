#include <baton/llm/sampler/sampler.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <vector>

namespace baton::llm {
namespace {

const std::vector<float> kLogits = {1.0f, 3.0f, 2.0f, -1.0f, 0.5f};

std::vector<double> softmax(const std::vector<float>& logits, double temperature) {
  std::vector<double> p;
  double sum = 0;
  for (float x : logits) sum += p.emplace_back(std::exp(x / temperature));
  for (double& x : p) x /= sum;
  return p;
}

std::vector<double> frequencies(SamplingParams params, int draws, const TokenMask* mask = nullptr) {
  params.repeat_last_n = 0;
  Sampler sampler(params);
  std::vector<double> share(kLogits.size());
  for (int i = 0; i < draws; ++i) share[sampler.choose(kLogits, mask).id] += 1.0 / draws;
  return share;
}

TEST(Sampler, greedy_takes_the_largest_logit_and_the_lower_id_of_two_equal_ones) {
  Sampler sampler({});
  EXPECT_EQ(sampler.choose(kLogits).id, 1);
  const std::vector<float> tie = {0.f, 2.f, 2.f};
  EXPECT_EQ(Sampler({}).choose(tie).id, 1);
}

TEST(Sampler, reports_log_probabilities_of_the_unmodified_distribution) {
  SamplingParams params;
  params.top_logprobs = 2;
  params.logit_bias[3] = 100;
  const Choice choice = Sampler(params).choose(kLogits);
  const auto p = softmax(kLogits, 1);
  EXPECT_EQ(choice.id, 3);
  EXPECT_NEAR(choice.logprob, std::log(p[3]), 1e-5);
  ASSERT_EQ(choice.top.size(), 2u);
  EXPECT_EQ(choice.top[0].id, 1);
  EXPECT_NEAR(choice.top[0].logprob, std::log(p[1]), 1e-5);
  EXPECT_EQ(choice.top[1].id, 2);
}

TEST(Sampler, draws_follow_the_temperature) {
  SamplingParams params;
  params.temperature = 0.7f;
  params.seed = 1;
  const int n = 40000;
  const auto share = frequencies(params, n);
  const auto p = softmax(kLogits, 0.7);
  // Five standard deviations of a binomial share: a false alarm once in millions of seeds, and the seed is fixed.
  for (std::size_t i = 0; i < p.size(); ++i) EXPECT_NEAR(share[i], p[i], 5 * std::sqrt(p[i] * (1 - p[i]) / n)) << i;
}

TEST(Sampler, top_k_top_p_and_min_p_keep_only_the_likely_ones) {
  SamplingParams params;
  params.temperature = 1;
  params.top_k = 2;
  auto share = frequencies(params, 4000);
  EXPECT_EQ(share[0] + share[3] + share[4], 0);
  EXPECT_GT(share[2], 0);

  params.top_k = 0;
  params.top_p = 0.5f;  // the first alone has 0.60
  share = frequencies(params, 1000);
  EXPECT_DOUBLE_EQ(share[0] + share[2] + share[3] + share[4], 0);

  params.top_p = 1;
  params.min_p = 0.3f;  // the second has e^-1 = 0.37 of the first, the third e^-2 = 0.14
  share = frequencies(params, 4000);
  EXPECT_EQ(share[0] + share[3] + share[4], 0);
  EXPECT_GT(share[2], 0);
}

// The documented behaviour of llama.cpp's chain, computed on probabilities in double precision: the probability of each token.
std::vector<double> expected(const std::vector<float>& logits, const SamplingParams& params, const std::vector<std::int32_t>& written,
                             const TokenMask* mask) {
  const std::size_t n = logits.size();
  std::vector<double> x(logits.begin(), logits.end());
  const std::size_t n_seen = params.repeat_last_n < 0 ? written.size() : std::min<std::size_t>(params.repeat_last_n, written.size());
  for (std::size_t id = 0; id < n; ++id) {
    const auto occurrences = std::count(written.end() - static_cast<std::ptrdiff_t>(n_seen), written.end(), static_cast<std::int32_t>(id));
    if (occurrences == 0) continue;
    x[id] = x[id] <= 0 ? x[id] * params.repeat_penalty : x[id] / params.repeat_penalty;
    x[id] -= static_cast<double>(occurrences) * params.frequency_penalty + params.presence_penalty;
  }
  std::vector<std::size_t> kept;
  for (std::size_t id = 0; id < n; ++id) {
    if (!mask || allows(*mask, static_cast<std::int32_t>(id))) kept.push_back(id);
  }
  std::vector<double> p(n);
  const auto renormalise = [&](double temperature) {
    double sum = 0;
    for (const std::size_t id : kept) sum += p[id] = std::exp(x[id] / temperature);
    for (const std::size_t id : kept) p[id] /= sum;
  };
  const auto sort_by = [&](auto key) { std::sort(kept.begin(), kept.end(), [&](auto a, auto b) { return key(a) < key(b); }); };
  const auto by_probability = [&](std::size_t id) { return -x[id]; };
  sort_by(by_probability);
  if (params.top_k > 0) kept.resize(std::min<std::size_t>(kept.size(), params.top_k));
  if (params.typical_p < 1) {
    renormalise(1);
    double entropy = 0, sum = 0;
    for (const std::size_t id : kept) entropy -= p[id] * std::log(p[id]);
    sort_by([&](std::size_t id) { return std::abs(-std::log(p[id]) - entropy); });
    std::size_t keep = 0;
    while (keep < kept.size() && sum <= params.typical_p) sum += p[kept[keep++]];
    kept.resize(keep);
    sort_by(by_probability);
  }
  if (params.top_p < 1) {
    renormalise(1);
    double sum = 0;
    std::size_t keep = 0;
    while (keep < kept.size() && sum < params.top_p) sum += p[kept[keep++]];
    kept.resize(keep);
  }
  renormalise(1);
  while (kept.size() > 1 && p[kept.back()] < params.min_p * p[kept.front()]) kept.pop_back();
  renormalise(params.temperature);
  std::vector<double> result(n);
  for (const std::size_t id : kept) result[id] = p[id];
  return result;
}

void expect_draws_follow(const SamplingParams& params, const std::vector<float>& logits, const std::vector<std::int32_t>& written,
                         const TokenMask* mask) {
  constexpr int kDraws = 4000;
  const std::vector<double> p = expected(logits, params, written, mask);
  std::vector<double> share(logits.size());
  Sampler sampler(params);
  for (int i = 0; i < kDraws; ++i) {
    sampler.remember(written);
    share[sampler.choose(logits, mask).id] += 1.0 / kDraws;
  }
  for (std::size_t id = 0; id < p.size(); ++id) {
    if (p[id] == 0) {
      EXPECT_EQ(share[id], 0) << id;
    } else {
      EXPECT_NEAR(share[id], p[id], 5 * std::sqrt(p[id] * (1 - p[id]) / kDraws) + 1e-9) << id;
    }
  }
}

TEST(Sampler, all_fields_mean_what_llama_cpp_documents_in_its_order) {
  std::mt19937 random(5);
  const auto number = [&](double low, double high) { return static_cast<float>(std::uniform_real_distribution<>(low, high)(random)); };
  const auto sometimes = [&](float& field, double low, double high) {
    if (random() % 2 == 0) field = number(low, high);
  };
  for (int round = 0; round < 100; ++round) {
    SCOPED_TRACE(round);
    std::vector<float> logits(12);
    for (float& x : logits) x = number(-3, 3);
    std::vector<std::int32_t> written(20);
    for (std::int32_t& id : written) id = static_cast<std::int32_t>(random() % 5);
    SamplingParams params;
    params.seed = random();
    params.temperature = number(0.3, 2);
    if (random() % 2 == 0) params.top_k = 1 + static_cast<int>(random() % 14);
    sometimes(params.typical_p, 0.1, 1);
    sometimes(params.top_p, 0.1, 1);
    sometimes(params.min_p, 0, 0.6);
    sometimes(params.repeat_penalty, 0.8, 1.8);
    sometimes(params.presence_penalty, -1, 2);
    sometimes(params.frequency_penalty, -0.5, 0.5);
    params.repeat_last_n = std::vector{0, 3, 8, 64, -1}[random() % 5];
    const TokenMask mask = {0b101101101101};
    expect_draws_follow(params, logits, written, random() % 2 == 0 ? &mask : nullptr);
  }
}

TEST(Sampler, the_filters_do_not_see_the_temperature) {
  SamplingParams params;
  params.temperature = 50;  // all but even
  params.top_p = 0.7f;      // the first two of kLogits have 0.60 and 0.22
  const auto share = frequencies(params, 4000);
  EXPECT_EQ(share[0] + share[3] + share[4], 0);
  EXPECT_NEAR(share[1], 0.5, 0.05);
}

TEST(Sampler, the_same_seed_gives_the_same_tokens_and_another_seed_others) {
  SamplingParams params;
  params.temperature = 1;
  const auto draw = [&](std::uint64_t seed) {
    params.seed = seed;
    Sampler sampler(params);
    std::vector<int> ids;
    for (int i = 0; i < 50; ++i) ids.push_back(sampler.choose(kLogits).id);
    return ids;
  };
  EXPECT_EQ(draw(7), draw(7));
  EXPECT_NE(draw(7), draw(8));
}

TEST(Sampler, the_mask_holds_whatever_the_logits_say) {
  TokenMask mask = {0b11000};
  EXPECT_EQ(Sampler({}).choose(kLogits, &mask).id, 4);
  SamplingParams params;
  params.temperature = 2;
  const auto share = frequencies(params, 2000, &mask);
  EXPECT_EQ(share[0] + share[1] + share[2], 0);
  EXPECT_GT(share[3], 0);
}

TEST(Sampler, penalties_follow_what_was_seen_within_their_window) {
  SamplingParams params;
  params.presence_penalty = 1.5f;
  params.repeat_last_n = 2;
  Sampler presence(params);
  EXPECT_EQ(presence.choose(kLogits).id, 1);
  EXPECT_EQ(presence.choose(kLogits).id, 2);  // 3 - 1.5 < 2
  EXPECT_EQ(presence.choose(kLogits).id, 1);  // both are penalised: 1.5 > 0.5 and 1.5 > 1
  presence.observe(4);
  presence.observe(4);  // the window now contains only this token
  EXPECT_EQ(presence.choose(kLogits).id, 1);

  params = {};
  params.repeat_penalty = 2;
  Sampler repetition(params);
  repetition.observe(1);
  EXPECT_EQ(repetition.choose(kLogits).id, 2);  // 3 / 2 < 2

  params = {};
  params.frequency_penalty = 0.6f;
  Sampler frequency(params);
  frequency.observe(1);
  EXPECT_EQ(frequency.choose(kLogits).id, 1);  // 3 - 0.6
  EXPECT_EQ(frequency.choose(kLogits).id, 2);  // 3 - 1.2
}

TEST(Sampler, of_a_window_of_minus_one_all_that_was_written_counts) {
  SamplingParams params;
  params.presence_penalty = 1.5f;
  params.repeat_last_n = -1;
  Sampler sampler(params);
  std::vector<std::int32_t> written(1000, 4);
  written.front() = 1;
  sampler.remember(written);
  EXPECT_EQ(sampler.choose(kLogits).id, 2);  // 3 - 1.5 < 2
}

// Records the forbidden token that it is asked about, and leaves the mask whole.
class Narrower : public MaskRefinement {
 public:
  explicit Narrower(bool penalises) : penalises_(penalises) {}
  bool penalised() const override { return penalises_; }
  const TokenMask* refined(std::int32_t id) override { return wanted = id, nullptr; }
  std::int32_t wanted = -1;

 private:
  bool penalises_;
};

TEST(Sampler, under_a_mask_penalties_choose_among_what_is_allowed_only) {
  SamplingParams params;
  params.presence_penalty = 10;
  Sampler sampler(params);
  sampler.observe(1);
  const TokenMask without_1 = {0b11101}, only_1 = {0b00010}, one_and_two = {0b00110};
  Narrower refinement(true);
  EXPECT_EQ(sampler.choose(kLogits, &without_1, -1, &refinement).id, 2);
  EXPECT_EQ(refinement.wanted, 1);  // the model's preferred token, whatever the penalty
  EXPECT_EQ(sampler.choose(kLogits, &only_1, -1, &refinement).id, 1);
  sampler.remember(std::vector<std::int32_t>{1});
  EXPECT_EQ(sampler.choose(kLogits, &one_and_two, -1, &refinement).id, 2);
}

TEST(Sampler, where_the_constraint_says_so_nothing_is_penalised) {
  SamplingParams params;
  params.presence_penalty = 10;
  Sampler sampler(params);
  sampler.observe(1);
  Narrower refinement(false);
  EXPECT_EQ(sampler.choose(kLogits, nullptr, -1, &refinement).id, 1);
  Narrower other(true);
  EXPECT_EQ(sampler.choose(kLogits, nullptr, -1, &other).id, 2);
}

}  // namespace
}  // namespace baton::llm
