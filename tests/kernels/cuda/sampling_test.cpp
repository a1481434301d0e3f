#include <baton/kernels/cuda/device/philox.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <numeric>

#include "sampling_run.h"

namespace baton::kernels::cuda {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

TEST(Philox, gives_the_published_known_answers) {
  // kat_vectors of Random123, its authors' own library.
  const struct {
    Philox4x32 counter;
    std::uint32_t key[2];
    Philox4x32 want;
  } cases[] = {
      {{{0, 0, 0, 0}}, {0, 0}, {{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}}},
      {{{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}}, {0xffffffff, 0xffffffff}, {{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}}},
      {{{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}}, {0xa4093822, 0x299f31d0}, {{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}}},
  };
  for (const auto& c : cases) {
    const Philox4x32 got = philox4x32_10(c.counter, c.key[0], c.key[1]);
    for (int i = 0; i < 4; ++i) EXPECT_EQ(got.v[i], c.want.v[i]) << i;
  }
}

double log_sum(const float* logits, int n) {
  const double peak = *std::max_element(logits, logits + n);
  double sum = 0;
  for (int i = 0; i < n; ++i) sum += std::exp(logits[i] - peak);
  return peak + std::log(sum);
}

// The steps of llm/sampler, in its order, with weights in double precision: the probability of each id.
std::vector<double> probabilities(const std::vector<float>& logits, const Request& r) {
  std::vector<float> x = logits;
  for (const TokenBias& b : r.biases) x[b.id] += b.bias;
  for (const TokenCount& t : r.penalised) {
    x[t.id] = x[t.id] > 0 ? x[t.id] / r.row.repeat_penalty : x[t.id] * r.row.repeat_penalty;
    x[t.id] -= r.row.presence_penalty + r.row.frequency_penalty * static_cast<float>(t.count);
  }
  std::vector<int> ids;
  for (int i = 0; i < static_cast<int>(x.size()); ++i) {
    if (r.allows(i) && x[i] != -kInfinity) ids.push_back(i);
  }
  std::stable_sort(ids.begin(), ids.end(), [&](int a, int b) { return x[a] > x[b]; });
  if (r.row.top_k > 0 && static_cast<int>(ids.size()) > r.row.top_k) ids.resize(r.row.top_k);
  std::vector<double> weights;
  double total = 0;
  for (const int id : ids) {
    weights.push_back(std::exp(static_cast<double>(x[id]) - x[ids[0]]));
    total += weights.back();
  }
  std::size_t keep = ids.size();
  if (r.row.top_p < 1) {
    double sum = 0;
    for (keep = 0; keep < ids.size() && sum < r.row.top_p * total;) sum += weights[keep++];
    keep = std::max<std::size_t>(keep, 1);
  }
  while (keep > 1 && weights[keep - 1] < r.row.min_p) --keep;
  for (std::size_t i = 0; i < keep; ++i) weights[i] = std::exp((static_cast<double>(x[ids[i]]) - x[ids[0]]) / r.row.temperature);
  const double kept = std::accumulate(weights.begin(), weights.begin() + keep, 0.0);
  std::vector<double> result(x.size(), 0);
  for (std::size_t i = 0; i < keep; ++i) result[ids[i]] = weights[i] / kept;
  return result;
}

std::vector<Request> draws(const Request& r, int n, std::uint64_t first = 0) {
  std::vector<Request> result(n, r);
  for (int i = 0; i < n; ++i) result[i].row.draw = first + i;
  return result;
}

class Sampling : public OnTarget {
 protected:
  // Every draw is the id at its random number when probabilities are laid out by id. Weights of f32: the difference to the largest logit (8
  // among the kept ones: 8 u), exp within 2 ulp (4 u), and a sum over 256 of them (8 u): 20 u at either end, and thrice that to be safe.
  void expect_draws(const std::vector<float>& logits, const Request& request, int n) {
    constexpr double kTolerance = 60 * 0x1p-24;
    const std::vector<double> p = probabilities(logits, request);
    std::vector<double> up_to(p.size() + 1, 0);
    std::partial_sum(p.begin(), p.end(), up_to.begin() + 1);
    const double sum = log_sum(logits.data(), static_cast<int>(logits.size()));
    const std::vector<Request> requests = draws(request, n, 1000);
    const Outcome got = run(logits, static_cast<int>(logits.size()), requests);
    for (int i = 0; i < n; ++i) {
      const SamplingRow& row = requests[i].row;
      const Philox4x32 random = philox4x32_10({{static_cast<std::uint32_t>(row.draw), static_cast<std::uint32_t>(row.draw >> 32), 0, 0}},
                                              static_cast<std::uint32_t>(row.seed), static_cast<std::uint32_t>(row.seed >> 32));
      const double at = (random.v[1] + random.v[0] * 0x1p-32) * 0x1p-32;
      const std::int32_t id = got.tokens[i];
      ASSERT_TRUE(id >= 0 && id < static_cast<int>(p.size())) << id;
      ASSERT_GT(p[id], 0) << "draw " << i << ", token " << id << " is not in the set";
      ASSERT_GE(at, up_to[id] - kTolerance) << "draw " << i << ", token " << id;
      ASSERT_LE(at, up_to[id + 1] + kTolerance) << "draw " << i << ", token " << id;
      ASSERT_NEAR(got.reports[i].logprob, logits[id] - sum, 1e-6 + std::fabs(logits[id] - sum) * 0x1p-23);
    }
  }
};
INSTANTIATE_TEST_SUITE_P(, Sampling, testing::ValuesIn(device_targets()), target_name);

std::vector<Request> settings(int n_vocab) {
  std::vector<Request> result(1);
  const auto with = [&](auto change) {
    Request r;
    change(r);
    result.push_back(r);
  };
  with([](Request& r) { r.row.temperature = 0.6f; });
  with([](Request& r) { r.row.temperature = 3.0f, r.row.seed = 0x123456789abcdefull; });
  for (const int k : {1, 2, 40, 1'000'000}) with([&](Request& r) { r.row.top_k = k; });
  for (const float p : {0.0f, 0.3f, 0.9f, 0.999f}) with([&](Request& r) { r.row.top_p = p; });
  for (const float p : {0.01f, 0.5f, 1.0f, 1.5f}) with([&](Request& r) { r.row.min_p = p; });
  with([](Request& r) { r.row.top_k = 20, r.row.top_p = 0.8f; });
  with([](Request& r) { r.row.top_k = 50, r.row.top_p = 0.95f, r.row.min_p = 0.02f, r.row.temperature = 0.8f; });
  with([&](Request& r) {
    std::vector<int> ids;
    for (int i = 0; i < n_vocab; i += 3) ids.push_back(i);
    r.mask = mask_of(n_vocab, ids), r.row.top_p = 0.9f;
  });
  with([&](Request& r) {
    r.biases = {{0, 3.0f}};
    if (n_vocab > 1) r.biases.push_back({n_vocab - 1, -2.0f});
    r.row.repeat_penalty = 1.3f, r.row.presence_penalty = 0.5f, r.row.frequency_penalty = 0.25f;
    r.penalised = {{0, 2}};
    for (int i = 1; i < n_vocab; i += 5) r.penalised.push_back({i, i % 4 + 1});
  });
  return result;
}

TEST_P(Sampling, draws_lie_where_double_precision_has_them) {
  for (const int n : {1, 2, 31, 32, 255, 257, 700}) {
    const std::vector<float> logits = normal_floats(n, n, 3);
    for (const Request& r : settings(n)) {
      SCOPED_TRACE(testing::Message() << "vocabulary of " << n << ", temperature " << r.row.temperature << ", top_k " << r.row.top_k
                                      << ", top_p " << r.row.top_p << ", min_p " << r.row.min_p << (r.mask ? ", mask" : ""));
      expect_draws(logits, r, 10);
      if (HasFatalFailure()) return;
    }
  }
}

TEST_P(Sampling, of_several_blocks_a_row_combines_them) {
  for (const int n : {4096, 4097, 9001}) {
    const std::vector<float> logits = normal_floats(n, n, 3);
    for (const Request& r : settings(n)) {
      SCOPED_TRACE(testing::Message() << "vocabulary of " << n << ", top_k " << r.row.top_k << ", top_p " << r.row.top_p << ", min_p "
                                      << r.row.min_p << (r.mask ? ", mask" : ""));
      expect_draws(logits, r, 2);
      if (HasFatalFailure()) return;
    }
  }
}

TEST_P(Sampling, of_the_vocabulary_of_gemma_3_and_of_the_largest_as_of_any) {
  for (const int n : {262208, 524288}) {
    const std::vector<float> logits = normal_floats(n, 5, 2.5f);
    const std::vector<Request> all = settings(n);
    for (const Request& r : {all[0], all[9], all[16]}) {
      expect_draws(logits, r, 1);
      if (HasFatalFailure()) return;
    }
    std::vector<float> peaked = logits;
    peaked[n - 1] = 90;
    Request greedy;
    greedy.row.temperature = 0, greedy.row.n_top = 2;
    const Outcome got = run(peaked, n, {greedy});
    EXPECT_EQ(got.tokens[0], n - 1);
    EXPECT_EQ(got.top[0].id, n - 1);
    EXPECT_EQ(got.top[1].id, std::max_element(logits.begin(), logits.end()) - logits.begin());
  }
}

// All weights are the largest possible: 2^19 times 2^44 units.
TEST_P(Sampling, of_the_largest_vocabulary_does_not_overflow) {
  const std::vector<float> logits(524288, 3.0f);
  expect_draws(logits, {}, 3);
  Request half;
  half.row.top_p = 0.5f;
  expect_draws(logits, half, 2);
}

// The distance of n_draws from the probabilities, against the distance that one seed in a thousand exceeds.
void expect_distribution(const std::vector<float>& logits, const Request& request, int n_draws) {
  const int n = static_cast<int>(logits.size());
  const std::vector<double> p = probabilities(logits, request);
  const Outcome got = run(logits, n, draws(request, n_draws));
  std::vector<int> seen(n, 0);
  for (const std::int32_t id : got.tokens) ++seen[id];
  double chi_square = 0;
  int n_kept = 0;
  for (int i = 0; i < n; ++i) {
    if (p[i] == 0) {
      EXPECT_EQ(seen[i], 0) << i;
      continue;
    }
    ASSERT_GT(p[i] * n_draws, 5) << "too rare for the test";
    chi_square += (seen[i] - p[i] * n_draws) * (seen[i] - p[i] * n_draws) / (p[i] * n_draws);
    ++n_kept;
  }
  // Wilson and Hilferty's normal approximation of chi-square's quantile, at 3.09 deviations.
  const double freedom = n_kept - 1, cube = 1 - 2 / (9 * freedom) + 3.09 * std::sqrt(2 / (9 * freedom));
  EXPECT_GT(n_kept, 8);
  EXPECT_LT(chi_square, freedom * cube * cube * cube);
}

Request truncated() {
  Request r;
  r.row.top_k = 30, r.row.top_p = 0.95f, r.row.temperature = 0.9f, r.row.seed = 42;
  return r;
}

TEST_P(Sampling, passes_a_chi_square_test) { expect_distribution(normal_floats(40, 17, 0.5f), {}, 2000); }

TEST_P(Sampling, passes_a_chi_square_test_over_20000_draws_Full) { expect_distribution(normal_floats(60, 17, 1.5f), truncated(), 20'000); }

TEST_P(Sampling, keeps_the_lower_ids_of_equal_logits) {
  for (const int n : {40, 600}) {
    std::vector<float> logits(n, 0.0f);
    for (int i = 0; i < n; i += 2) logits[i] = -0.0f;  // equal to the other zero
    for (const float temperature : {0.5f, 1.0f}) {
      Request by_count, by_mass;
      by_count.row.top_k = 7, by_mass.row.top_p = 0.25f;
      by_count.row.temperature = by_mass.row.temperature = temperature;
      expect_draws(logits, by_count, 60);
      expect_draws(logits, by_mass, 60);
    }
    logits[n - 1] = 1.0f, logits[3] = -1.0f;  // one above, one below
    Request both;
    both.row.top_k = 5, both.row.top_p = 0.9f;
    expect_draws(logits, both, 60);
  }
}

TEST_P(Sampling, finds_sets_that_reach_far_below_the_largest_logit) {
  std::vector<float> logits = normal_floats(600, 3, 1);
  logits[77] = 60, logits[300] = 45;
  Request request;
  request.row.top_k = 100;
  expect_draws(logits, request, 4);
  request.row.temperature = 20;  // now the far ones have a share
  expect_draws(logits, request, 20);
  request.row.top_k = 0, request.row.top_p = 0.97f;
  expect_draws(logits, request, 20);
  request.row.temperature = 1e-3f, request.row.top_p = 1;
  expect_draws(logits, request, 4);
}

TEST_P(Sampling, the_same_seed_and_draw_choose_the_same_token) {
  const std::vector<float> logits = normal_floats(500, 9, 1);
  const std::vector<Request> requests = draws({}, 30);
  const std::vector<std::int32_t> first = run(logits, 500, requests).tokens;
  EXPECT_EQ(run(logits, 500, requests).tokens, first);
  std::vector<Request> reseeded = requests;
  for (Request& r : reseeded) r.row.seed += std::uint64_t{1} << 32;
  EXPECT_NE(run(logits, 500, reseeded).tokens, first);
}

std::int32_t choice(const std::vector<float>& logits, Request r, float temperature) {
  r.row.temperature = temperature;
  return run(logits, static_cast<int>(logits.size()), {r}).tokens[0];
}

TEST_P(Sampling, greedy_takes_the_largest_and_of_equal_ones_the_first) {
  for (const int n : {1, 33, 300, 5000}) {
    std::vector<float> logits = normal_floats(n, n);
    logits[n / 2] = logits[n - 1] = 20;
    EXPECT_EQ(choice(logits, {}, 0), n / 2);
    Request r;
    r.mask = mask_of(n, {0, n / 3, n - 1});
    EXPECT_EQ(choice(logits, r, 0), n - 1);
    r.biases = {{0, 100.0f}, {n + 5, 1000.0f}, {-1, 1000.0f}};
    EXPECT_EQ(choice(logits, r, -1), 0);
  }
}

TEST_P(Sampling, of_rows_without_a_choice_is_what_the_header_says) {
  const std::vector<float> ordinary = normal_floats(100, 1);
  Request nothing;
  nothing.mask = mask_of(100, {});
  std::vector<float> nan = ordinary, one_infinite = ordinary;
  nan[0] = nan[50] = std::nanf("");
  nan[70] = 30;
  one_infinite[60] = one_infinite[61] = kInfinity;
  Request without_70;
  without_70.mask = mask_of(100, {0, 50, 80});
  for (const float temperature : {0.0f, 0.7f}) {
    for (const float top_p : {1.0f, 0.9f}) {
      Request r;
      r.row.temperature = temperature, r.row.top_p = top_p;
      const auto with = [&](Request other) { return other.row = r.row, other; };
      const Outcome forbidden = run(ordinary, 100, {with(nothing)});
      EXPECT_EQ(forbidden.tokens[0], 0);
      EXPECT_NEAR(forbidden.reports[0].logprob, ordinary[0] - log_sum(ordinary.data(), 100), 1e-6);
      EXPECT_EQ(forbidden.reports[0].allowed_share, 0);
      const Outcome empty = run(std::vector<float>(100, -kInfinity), 100, {r});
      EXPECT_EQ(empty.tokens[0], 0);
      EXPECT_TRUE(std::isnan(empty.reports[0].logprob));
      const Outcome broken = run(nan, 100, {with(without_70)});
      EXPECT_EQ(broken.tokens[0], 80);
      EXPECT_TRUE(std::isnan(broken.reports[0].logprob));
      const Outcome infinite = run(one_infinite, 100, {r});
      EXPECT_EQ(infinite.tokens[0], 60);
      EXPECT_TRUE(std::isnan(infinite.reports[0].logprob));
    }
  }
}

TEST_P(Sampling, reports_the_share_of_the_mask_and_leaves_it_out_where_it_allows_too_little) {
  const int n = 700;
  const std::vector<float> logits = normal_floats(n, 4, 2);
  const double sum = log_sum(logits.data(), n);
  const int best = static_cast<int>(std::max_element(logits.begin(), logits.end()) - logits.begin());
  std::vector<int> ids;
  for (int i = 0; i < n; i += 2) {
    if (i != best) ids.push_back(i);
  }
  double share = 0;
  for (const int id : ids) share += std::exp(logits[id] - sum);
  Request r;
  r.row.temperature = 0;
  r.mask = mask_of(n, ids);
  std::vector<Request> requests(3, r);
  requests[1].row.min_share = static_cast<float>(share * 0.99);
  requests[2].row.min_share = static_cast<float>(share * 1.01);
  const Outcome got = run(logits, n, requests);
  for (const SampleReport& report : got.reports) EXPECT_NEAR(report.allowed_share, share, share * 60 * 0x1p-24);
  EXPECT_NE(got.tokens[0], best);
  EXPECT_EQ(got.tokens[1], got.tokens[0]);
  EXPECT_EQ(got.tokens[2], best);
  EXPECT_EQ(run(logits, n, {Request{}}).reports[0].allowed_share, 1);
  Request sampled = requests[2];
  sampled.row.temperature = 0.01f;  // the mask's part in the sums must be left out as well
  EXPECT_EQ(run(logits, n, {sampled}).tokens[0], best);
}

TEST_P(Sampling, lists_the_most_probable_in_order) {
  for (const int n : {1, 5, 300, 5000}) {
    std::vector<float> logits = normal_floats(n, n + 1, 3);
    if (n >= 300) {
      logits[4] = logits[250] = logits[9] = 40;  // equal, and far above the rest
      logits[10] = -kInfinity;
    }
    if (n == 5) logits[2] = logits[3] = -kInfinity;
    std::vector<int> order(n);
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return logits[a] > logits[b]; });
    const double sum = log_sum(logits.data(), n);
    std::vector<Request> requests(4);
    for (int i = 0; i < 4; ++i) requests[i].row.n_top = std::vector{0, 1, 2, kMaxTopLogprobs}[i];
    requests[3].mask = mask_of(n, {n - 1});  // has no effect on the list
    const Outcome got = run(logits, n, requests);
    for (int row = 0; row < 4; ++row) {
      const TokenLogprob* const top = got.top.data() + row * kMaxTopLogprobs;
      const int n_top = std::min(requests[row].row.n_top, n);
      for (int i = 0; i < n_top; ++i) {
        EXPECT_EQ(top[i].id, order[i]) << "row " << row << ", " << i << " of " << n;
        const double want = logits[order[i]] - sum;
        if (want == -kInfinity) {
          EXPECT_EQ(top[i].logprob, -kInfinity);
        } else {
          EXPECT_NEAR(top[i].logprob, want, 1e-6 + std::fabs(want) * 0x1p-23);
        }
      }
      for (int i = n_top; i < kMaxTopLogprobs; ++i) EXPECT_EQ(top[i].id, -1) << "written beyond what was asked";
    }
  }
}

TEST_P(Sampling, keeps_rows_apart) {
  const int n = 300;
  const std::vector<float> logits = normal_floats(3 * n, 8, 2);
  std::vector<Request> requests(3);
  requests[0].row.temperature = 0;
  requests[1].row.temperature = 0, requests[1].biases = {{7, 50.0f}};
  requests[2].row.temperature = 0, requests[2].mask = mask_of(n, {11, 200});
  const std::vector<std::int32_t> got = run(logits, n, requests).tokens;
  EXPECT_EQ(got[0], std::max_element(logits.begin(), logits.begin() + n) - logits.begin());
  EXPECT_EQ(got[1], 7);
  EXPECT_EQ(got[2], logits[2 * n + 11] > logits[2 * n + 200] ? 11 : 200);
}

TEST_P(Sampling, of_no_rows_does_nothing) { sample({nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, 0, 100}, nullptr); }

}  // namespace
}  // namespace baton::kernels::cuda
