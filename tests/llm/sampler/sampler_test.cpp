#include <baton/llm/sampler/sampler.h>
#include <gtest/gtest.h>

#include <cmath>
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
  params.penalty_window = 0;
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
  params.penalty_window = 2;
  Sampler presence(params);
  EXPECT_EQ(presence.choose(kLogits).id, 1);
  EXPECT_EQ(presence.choose(kLogits).id, 2);  // 3 - 1.5 < 2
  EXPECT_EQ(presence.choose(kLogits).id, 1);  // both are penalised: 1.5 > 0.5 and 1.5 > 1
  presence.observe(4);
  presence.observe(4);  // the window holds nothing else now
  EXPECT_EQ(presence.choose(kLogits).id, 1);

  params = {};
  params.repetition_penalty = 2;
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

}  // namespace
}  // namespace baton::llm
