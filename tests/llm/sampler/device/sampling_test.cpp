// llm::Sampler and the device's sampler (kernels/sampling.h) on the same rows: the greedy choice, the kept tokens and the reports are the
// same, and draws have the same distribution.
#include <baton/llm/sampler/sampler.h>

#include <algorithm>
#include <map>

#include "sampling_run.h"

namespace baton::llm {
namespace {

namespace device = kernels::cuda;
using kernels::normal_floats;

struct Row {
  SamplingParams params;
  std::vector<std::int32_t> history = {};  // the tokens written so far
  std::optional<TokenMask> mask = std::nullopt;
  float min_share = -1;
};

Choice on_host(const std::vector<float>& logits, Sampler& sampler, const Row& row) {
  sampler.remember(row.history);
  return sampler.choose(logits, row.mask ? &*row.mask : nullptr, row.min_share);
}

device::Request request_of(const Row& row, std::uint64_t draw = 0) {
  const SamplingParams& p = row.params;
  device::Request r;
  r.row.temperature = p.temperature, r.row.top_k = p.top_k, r.row.top_p = p.top_p, r.row.min_p = p.min_p;
  r.row.repeat_penalty = p.repeat_penalty, r.row.presence_penalty = p.presence_penalty;
  r.row.frequency_penalty = p.frequency_penalty, r.row.min_share = row.min_share, r.row.seed = p.seed.value_or(0),
  r.row.n_top = p.top_logprobs;
  r.row.draw = draw;
  r.mask = row.mask;
  for (const auto& [id, bias] : p.logit_bias) r.biases.push_back({id, bias});
  std::map<std::int32_t, std::int32_t> counts;
  const std::size_t window = std::min(row.history.size(), static_cast<std::size_t>(p.repeat_last_n));
  for (std::size_t i = row.history.size() - window; i < row.history.size(); ++i) ++counts[row.history[i]];
  for (const auto& [id, count] : counts) r.penalised.push_back({id, count});
  return r;
}

std::vector<std::int32_t> some_history(int n_vocab, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<std::int32_t> history(90);  // more than the window
  for (std::int32_t& id : history) id = static_cast<std::int32_t>(random() % static_cast<unsigned>(std::min(n_vocab, 25)));
  return history;
}

TokenMask some_mask(int n_vocab, unsigned every) {
  TokenMask mask((n_vocab + 31) / 32);
  for (int i = 0; i < n_vocab; ++i) {
    if (i % every == 1) mask[i / 32] |= 1u << (i % 32);
  }
  return mask;
}

// The ways in which a row may be adjusted and masked.
std::vector<Row> adjusted_rows(int n_vocab) {
  Row plain, biased, penalised, masked, all, refused;
  for (Row* row : {&plain, &biased, &penalised, &masked, &all, &refused}) row->params.top_logprobs = 20;
  biased.params.logit_bias = {{0, 2.5f}, {n_vocab / 2, 4.0f}, {n_vocab - 1, -100.0f}, {n_vocab + 3, 50.0f}};
  penalised.params.repeat_penalty = 1.3f, penalised.params.presence_penalty = 0.4f, penalised.params.frequency_penalty = 0.2f;
  penalised.history = some_history(n_vocab, 7);
  masked.mask = some_mask(n_vocab, 3), masked.min_share = 0;
  all = penalised;
  all.params.logit_bias = biased.params.logit_bias, all.mask = some_mask(n_vocab, 2);
  refused.mask = some_mask(n_vocab, 7), refused.min_share = 0.9f;  // of a seventh of the tokens
  return {plain, biased, penalised, masked, all, refused};
}

class SamplerOnDevice : public device::OnTarget {};
INSTANTIATE_TEST_SUITE_P(, SamplerOnDevice, testing::ValuesIn(device::device_targets()), device::target_name);

TEST_P(SamplerOnDevice, chooses_and_reports_greedily_what_the_host_does) {
  for (const int n_vocab : {3, 40, 700, 5000}) {
    for (unsigned seed = 1; seed <= 4; ++seed) {
      const std::vector<float> logits = normal_floats(n_vocab, seed, 2);
      const std::vector<Row> rows = adjusted_rows(n_vocab);
      std::vector<device::Request> requests;
      for (const Row& row : rows) requests.push_back(request_of(row));
      const device::Outcome got = device::run(logits, n_vocab, requests);
      for (std::size_t i = 0; i < rows.size(); ++i) {
        SCOPED_TRACE(testing::Message() << "vocabulary of " << n_vocab << ", seed " << seed << ", row " << i);
        Sampler sampler(rows[i].params);
        const Choice want = on_host(logits, sampler, rows[i]);
        EXPECT_EQ(got.tokens[i], want.id);
        // Sums of f32 weights on the device, of double ones on the host.
        EXPECT_NEAR(got.reports[i].logprob, want.logprob, 2e-6);
        if (rows[i].min_share >= 0) {
          EXPECT_NEAR(got.reports[i].allowed_share, want.allowed_share, 4e-6);
        }
        ASSERT_EQ(want.top.size(), static_cast<std::size_t>(std::min(n_vocab, 20)));
        for (std::size_t t = 0; t < want.top.size(); ++t) {
          const device::TokenLogprob& top = got.top[i * device::kMaxTopLogprobs + t];
          EXPECT_EQ(top.id, want.top[t].id) << t;
          EXPECT_NEAR(top.logprob, want.top[t].logprob, 2e-6) << t;
        }
      }
    }
  }
}

// Whether two samples of the same size may have one distribution: chi-square over ids, rare ones taken together, against the value that one
// pair in a thousand exceeds.
void expect_one_distribution(const std::vector<int>& a, const std::vector<int>& b) {
  double chi_square = 0;
  int n_bins = 0;
  double rare_a = 0, rare_b = 0;
  const auto add = [&](double x, double y) {
    if (x + y == 0) return;
    chi_square += (x - y) * (x - y) / (x + y);
    ++n_bins;
  };
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i] + b[i] >= 10) {
      add(a[i], b[i]);
    } else {
      rare_a += a[i], rare_b += b[i];
    }
  }
  add(rare_a, rare_b);
  // Wilson and Hilferty's normal approximation of chi-square's quantile, at 3.09 deviations.
  const double freedom = std::max(n_bins - 1, 1), cube = 1 - 2 / (9 * freedom) + 3.09 * std::sqrt(2 / (9 * freedom));
  EXPECT_LT(chi_square, freedom * cube * cube * cube) << n_bins << " bins";
}

TEST_P(SamplerOnDevice, draws_from_the_same_distribution_as_the_host) {
  const int n_vocab = 300, n_draws = 600;
  const std::vector<float> logits = normal_floats(n_vocab, 11, 2);
  std::vector<Row> rows = adjusted_rows(n_vocab);
  for (const auto& change : {+[](SamplingParams& p) { p.temperature = 0.6f; }, +[](SamplingParams& p) { p.top_k = 20; },
                             +[](SamplingParams& p) { p.top_p = 0.8f; }, +[](SamplingParams& p) { p.min_p = 0.1f; },
                             +[](SamplingParams& p) { p.temperature = 1.5f, p.top_k = 60, p.top_p = 0.9f, p.min_p = 0.02f; }}) {
    Row row;
    row.params.temperature = 1;
    change(row.params);
    rows.push_back(row);
  }
  Row everything = rows[4];
  everything.params.temperature = 0.8f, everything.params.top_k = 30, everything.params.top_p = 0.9f;
  rows.push_back(everything);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    SCOPED_TRACE(testing::Message() << "row " << i);
    SamplingParams& p = rows[i].params;
    if (p.temperature == 0) p.temperature = 1;
    p.seed = 1000 + i, p.top_logprobs = 0;
    Sampler sampler(p);
    std::vector<int> here(n_vocab), there(n_vocab);
    std::vector<device::Request> requests;
    for (int draw = 0; draw < n_draws; ++draw) {
      ++here[on_host(logits, sampler, rows[i]).id];
      requests.push_back(request_of(rows[i], static_cast<std::uint64_t>(draw)));
    }
    for (const std::int32_t id : device::run(logits, n_vocab, requests).tokens) ++there[id];
    expect_one_distribution(here, there);
    // The sets are the same, too: a token that the host never keeps is never drawn. Thrice as many draws here find all that are not rare.
    for (int draw = 0; draw < 3 * n_draws; ++draw) ++here[on_host(logits, sampler, rows[i]).id];
    for (int id = 0; id < n_vocab; ++id) {
      if (there[id] >= 5) {
        EXPECT_GT(here[id], 0) << "token " << id;
      }
    }
  }
}

}  // namespace
}  // namespace baton::llm
