#include <baton/kernels/add.h>
#include <baton/kernels/rms_norm.h>
#include <baton/kernels/softmax.h>
#include <baton/kernels/swiglu.h>

#include <algorithm>
#include <limits>
#include <numeric>

#include "exp.h"
#include "levels.h"

namespace baton::kernels {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr double kU = 0x1p-24;  // the unit roundoff of f32

// Distance in units of the last place of the f32 nearest to the exact value.
double ulps(float got, double exact) {
  const float nearest = static_cast<float>(exact);
  return std::fabs(got - exact) / (std::nextafter(nearest, kInfinity) - nearest);
}

TEST(Exp, is_within_2_ulp_of_double_precision) {
  double worst = 0;
  for (float x = cpu::kExpLowest; x <= cpu::kExpHighest; x = std::nextafter(x + 1.7e-5f, kInfinity)) {
    worst = std::max(worst, ulps(cpu::exp_f32(x), std::exp(static_cast<double>(x))));
  }
  for (float x = 1e-30f; x < 1; x *= 1.0003f) {
    worst = std::max(
        {worst, ulps(cpu::exp_f32(x), std::exp(static_cast<double>(x))), ulps(cpu::exp_f32(-x), std::exp(-static_cast<double>(x)))});
  }
  EXPECT_LE(worst, 2.0);
}

TEST(Exp, has_defined_ends) {
  EXPECT_EQ(cpu::exp_f32(0), 1);
  EXPECT_EQ(cpu::exp_f32(-0.0f), 1);
  EXPECT_EQ(cpu::exp_f32(-kInfinity), 0);
  EXPECT_EQ(cpu::exp_f32(-1e30f), 0);
  EXPECT_EQ(cpu::exp_f32(std::nextafter(cpu::kExpLowest, -kInfinity)), 0);
  EXPECT_EQ(cpu::exp_f32(kInfinity), cpu::exp_f32(cpu::kExpHighest));
  EXPECT_TRUE(std::isfinite(cpu::exp_f32(1e30f)));
  EXPECT_TRUE(std::isnan(cpu::exp_f32(std::nanf(""))));
}

std::vector<float> normed(CpuLevel level, ThreadPool& pool, const std::vector<float>& x, const std::vector<float>& weight, int n_tokens) {
  std::vector<float> y(x.size());
  cpu::rms_norm({x.data(), weight.data(), y.data(), n_tokens, static_cast<int>(weight.size()), 1e-6f}, {level, pool});
  return y;
}

TEST(RmsNorm, agrees_with_double_precision) {
  ThreadPool pool(1);
  for (const int n : {1, 7, 8, 576, 896, 4097}) {
    const std::vector<float> x = normal_floats(3 * n, n, 5), weight = normal_floats(n, 2), y = normed(CpuLevel::scalar, pool, x, weight, 3);
    for (int t = 0; t < 3; ++t) {
      double sum = 0;
      for (int i = 0; i < n; ++i) sum += static_cast<double>(x[t * n + i]) * x[t * n + i];
      const double factor = 1 / std::sqrt(sum / n + 1e-6);
      // The squares are positive, so their sum is off by at most (n / 8 + 4) u; its root by half of that; five roundings follow.
      for (int i = 0; i < n; ++i) {
        const double want = x[t * n + i] * factor * weight[i];
        ASSERT_NEAR(y[t * n + i], want, std::fabs(want) * ((n / 8 + 4) / 2.0 + 6) * kU) << "n " << n;
      }
    }
  }
}

TEST(RmsNorm, of_zeros_is_zeros_and_may_work_in_place) {
  ThreadPool pool(1);
  for (const CpuLevel level : levels_here()) {
    const std::vector<float> weight = normal_floats(40, 1);
    for (const float y : normed(level, pool, std::vector<float>(40, 0), weight, 1)) EXPECT_EQ(y, 0);
    std::vector<float> x = normal_floats(40, 2);
    const std::vector<float> want = normed(level, pool, x, weight, 1);
    cpu::rms_norm({x.data(), weight.data(), x.data(), 1, 40, 1e-6f}, {level, pool});
    EXPECT_EQ(first_difference(want, x), "") << to_string(level);
  }
}

TEST(RmsNorm, is_the_same_at_every_level_and_on_any_number_of_threads) {
  ThreadPool one(1), many(3);
  for (const int n : {1, 5, 8, 9, 64, 576, 1001}) {
    const std::vector<float> x = normal_floats(20 * n, n), weight = normal_floats(n, 4);
    const std::vector<float> want = normed(CpuLevel::scalar, one, x, weight, 20);
    for (const CpuLevel level : levels_here()) {
      EXPECT_EQ(first_difference(want, normed(level, one, x, weight, 20)), "") << to_string(level) << " n " << n;
      EXPECT_EQ(first_difference(want, normed(level, many, x, weight, 20)), "") << to_string(level) << " n " << n;
    }
  }
}

std::vector<float> gated(CpuLevel level, ThreadPool& pool, const std::vector<float>& gate, const std::vector<float>& up) {
  std::vector<float> y(gate.size());
  cpu::swiglu({gate.data(), up.data(), y.data(), gate.size()}, {level, pool});
  return y;
}

TEST(Swiglu, agrees_with_double_precision) {
  ThreadPool pool(1);
  std::vector<float> gate = normal_floats(5000, 1, 8);
  for (const float x : {0.0f, -0.0f, 1e-20f, 80.0f, -80.0f}) gate.push_back(x);
  const std::vector<float> up = normal_floats(gate.size(), 2), y = gated(CpuLevel::scalar, pool, gate, up);
  for (std::size_t i = 0; i < gate.size(); ++i) {
    const double g = gate[i], want = g / (1 + std::exp(-g)) * up[i];
    ASSERT_NEAR(y[i], want, std::fabs(want) * 8 * kU) << g;  // exp within 2 ulp (4 u), then three roundings
  }
}

TEST(Swiglu, ends_in_zero_and_in_the_gate_itself) {
  ThreadPool pool(1);
  for (const CpuLevel level : levels_here()) {
    const std::vector<float> y = gated(level, pool, {-1e30f, 1e30f, -90, 90}, {1, 1, 1, 1});
    EXPECT_NEAR(y[0], 0, 1e-7) << to_string(level);
    EXPECT_EQ(y[1], 1e30f);
    EXPECT_NEAR(y[2], 0, 1e-30);
    EXPECT_EQ(y[3], 90);
  }
}

TEST(Swiglu, is_the_same_at_every_level_and_on_any_number_of_threads) {
  ThreadPool one(1), many(3);
  for (const std::size_t n : {1, 7, 8, 33, 16384, 40001}) {
    const std::vector<float> gate = normal_floats(n, 5, 30), up = normal_floats(n, 6);
    const std::vector<float> want = gated(CpuLevel::scalar, one, gate, up);
    for (const CpuLevel level : levels_here()) {
      EXPECT_EQ(first_difference(want, gated(level, many, gate, up)), "") << to_string(level) << " n " << n;
    }
  }
}

TEST(Softmax, agrees_with_double_precision_and_sums_to_one) {
  for (const std::size_t n : {1, 2, 1000, 50000}) {
    const std::vector<float> x = normal_floats(n, 8, 4);
    std::vector<float> y(n);
    cpu::softmax(x.data(), n, y.data());
    const float largest = *std::max_element(x.begin(), x.end());
    double sum = 0;
    for (const float v : x) sum += std::exp(static_cast<double>(v) - largest);
    for (std::size_t i = 0; i < n; ++i) {
      const double want = std::exp(static_cast<double>(x[i]) - largest) / sum;
      // x - largest is rounded (its size is below 64, so by at most 32 u absolute), exp 4 u, the sum n u, the division 1 u.
      ASSERT_NEAR(y[i], want, want * (static_cast<double>(n) + 40) * kU);
    }
    EXPECT_NEAR(std::accumulate(y.begin(), y.end(), 0.0), 1, (static_cast<double>(n) + 2) * kU);
  }
}

TEST(Softmax, gives_forbidden_entries_nothing) {
  const std::vector<float> x = {-kInfinity, 1, -kInfinity, 1, -kInfinity};
  std::vector<float> y(5, 9);
  cpu::softmax(x.data(), 5, y.data());
  EXPECT_EQ(y, (std::vector<float>{0, 0.5f, 0, 0.5f, 0}));
}

TEST(Softmax, of_a_row_of_nothing_is_zeros) {
  const std::vector<float> x(4, -kInfinity);
  std::vector<float> y(4, 9);
  cpu::softmax(x.data(), 4, y.data());
  EXPECT_EQ(y, std::vector<float>(4, 0));
  cpu::softmax(x.data(), 0, y.data());
}

TEST(Softmax, survives_logits_that_would_overflow_and_may_work_in_place) {
  std::vector<float> x = {3e38f, -3e38f, 3e38f};
  cpu::softmax(x.data(), 3, x.data());
  EXPECT_EQ(x, (std::vector<float>{0.5f, 0, 0.5f}));
}

// An infinite or undefined logit means that the model is broken; probabilities of all zeros would hide it.
TEST(Softmax, shows_logits_that_are_not_numbers) {
  for (const float bad : {kInfinity, std::nanf("")}) {
    for (const int where : {0, 1, 2}) {
      std::vector<float> x = {1, 2, 3}, y(3);
      x[where] = bad;
      cpu::softmax(x.data(), 3, y.data());
      EXPECT_TRUE(std::isnan(y[0]) || std::isnan(y[1]) || std::isnan(y[2])) << bad << " at " << where;
    }
  }
}

TEST(Add, adds) {
  std::vector<float> x = {1, 2, 3}, y = {0.5f, -2, 1e9f};
  cpu::add(x.data(), y.data(), 3);
  EXPECT_EQ(x, (std::vector<float>{1.5f, 0, 3 + 1e9f}));
}

}  // namespace
}  // namespace baton::kernels
