// Tables against tests/golden/rope.json (transformers' functions in double precision, tests/check/oracle/rope.py), and the rotation itself.
#include <baton/kernels/rope.h>
#include <baton/kernels/rope_tables.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>

#include "levels.h"
#include "rope_case.h"

namespace baton::kernels {
namespace {

nlohmann::json golden() {
  std::ifstream file(std::filesystem::path(BATON_SOURCE_DIR) / "tests/golden/rope.json");
  return nlohmann::json::parse(file);
}

TEST(RopeTables, have_the_frequencies_of_transformers_for_every_scheme) {
  const nlohmann::json all = golden();
  std::set<std::string> kinds;
  for (const auto& c : all["cases"]) {
    kinds.insert(c["kind"]);
    const RopeFrequencies f = rope_frequencies(rope_params(c));
    const auto want = c["inverse_frequency"].get<std::vector<double>>();
    ASSERT_EQ(f.inverse_frequency.size(), want.size()) << c["kind"];
    for (std::size_t i = 0; i < want.size(); ++i)
      EXPECT_NEAR(f.inverse_frequency[i], want[i], 1e-6 * want[i]) << c["kind"] << " pair " << i;
    const double factor = c["attention_factor"];
    EXPECT_NEAR(f.attention_factor, factor, 1e-6 * factor) << c["kind"];
  }
  EXPECT_EQ(kinds, (std::set<std::string>{"none", "linear", "dynamic", "yarn", "llama3", "longrope"}));
}

TEST(RopeTables, have_the_cos_and_sin_of_transformers_up_to_position_131072) {
  const nlohmann::json all = golden();
  const auto positions = all["positions"].get<std::vector<std::int32_t>>();
  ASSERT_EQ(positions.back(), 131072);
  for (const auto& c : all["cases"]) {
    const RopeFrequencies f = rope_frequencies(rope_params(c));
    const auto want_cos = c["cos"].get<std::vector<double>>(), want_sin = c["sin"].get<std::vector<double>>();
    std::vector<float> cos(want_cos.size()), sin(want_sin.size());
    ASSERT_EQ(cos.size(), positions.size() * f.inverse_frequency.size());
    rope_cos_sin(f, positions.data(), static_cast<int>(positions.size()), cos.data(), sin.data());
    for (std::size_t i = 0; i < cos.size(); ++i) {
      ASSERT_NEAR(cos[i], want_cos[i], 1e-6) << c["kind"];
      ASSERT_NEAR(sin[i], want_sin[i], 1e-6) << c["kind"];
    }
  }
}

// The divisors in a GGUF file of Llama 3 are equivalent to the parameters.
TEST(RopeTables, take_llama3_as_divisors_too) {
  RopeScalingParams p;
  p.kind = RopeScalingParams::Kind::llama3;
  p.n_rot = 64, p.base = 500000, p.factor = 32, p.n_ctx_original = 8192;
  const RopeFrequencies computed = rope_frequencies(p);
  RopeScalingParams plain;
  plain.n_rot = 64, plain.base = 500000;
  const RopeFrequencies unscaled = rope_frequencies(plain);
  for (int i = 0; i < 32; ++i) plain.divisors.push_back(static_cast<float>(unscaled.inverse_frequency[i] / computed.inverse_frequency[i]));
  const RopeFrequencies divided = rope_frequencies(plain);
  for (int i = 0; i < 32; ++i)
    EXPECT_NEAR(divided.inverse_frequency[i], computed.inverse_frequency[i], 1e-6 * computed.inverse_frequency[i]);
}

RopeFrequencies frequencies(int n_rot) {
  RopeScalingParams p;
  p.n_rot = n_rot;
  return rope_frequencies(p);
}

std::vector<float> rotated(std::vector<float> x, std::vector<std::int32_t> positions, int n_head, int head_dim, int n_rot, bool halves,
                           ThreadPool& pool, CpuLevel level = CpuLevel::scalar) {
  const int n = static_cast<int>(positions.size());
  std::vector<float> cos(n * n_rot / 2), sin(cos.size());
  rope_cos_sin(frequencies(n_rot), positions.data(), n, cos.data(), sin.data());
  cpu::rope({x.data(), cos.data(), sin.data(), n, n_head, head_dim, n_rot, halves}, {level, pool});
  return x;
}

TEST(Rope, turns_each_pair_as_a_complex_number) {
  ThreadPool pool(1);
  const int head_dim = 16, n_head = 3;
  const std::vector<std::int32_t> positions = {5, 70, 100000};
  for (const int n_rot : {16, 12, 2}) {
    for (const bool halves : {true, false}) {
      const std::vector<float> x = normal_floats(3 * n_head * head_dim, 1),
                               y = rotated(x, positions, n_head, head_dim, n_rot, halves, pool);
      const RopeFrequencies f = frequencies(n_rot);
      for (int head = 0; head < 3 * n_head; ++head) {
        const float *before = x.data() + head * head_dim, *after = y.data() + head * head_dim;
        for (int i = 0; i < n_rot / 2; ++i) {
          const int a = halves ? i : 2 * i, b = halves ? i + n_rot / 2 : 2 * i + 1;
          const double angle = positions[head / n_head] * f.inverse_frequency[i];
          // cos, sin, two products and a sum are rounded: 4 roundings of numbers below |a| + |b|.
          const double bound = 4 * 0x1p-24 * (std::fabs(before[a]) + std::fabs(before[b]));
          EXPECT_NEAR(after[a], before[a] * std::cos(angle) - before[b] * std::sin(angle), bound);
          EXPECT_NEAR(after[b], before[a] * std::sin(angle) + before[b] * std::cos(angle), bound);
        }
        for (int d = n_rot; d < head_dim; ++d) EXPECT_EQ(after[d], before[d]) << "dimensions past n_rot stay";
      }
    }
  }
}

TEST(Rope, changes_nothing_at_position_zero_and_keeps_norms) {
  ThreadPool pool(1);
  const std::vector<float> x = normal_floats(64, 2);
  EXPECT_EQ(first_difference(x, rotated(x, {0}, 1, 64, 64, true, pool)), "");
  for (const std::int32_t position : {1, 1000, 131072}) {
    const std::vector<float> y = rotated(x, {position}, 1, 64, 64, true, pool);
    const double before = std::inner_product(x.begin(), x.end(), x.begin(), 0.0),
                 after = std::inner_product(y.begin(), y.end(), y.begin(), 0.0);
    EXPECT_NEAR(after, before, before * 1e-6);
  }
}

// R(d) R(p) = R(p + d): the basis of a context shift.
TEST(Rope, of_a_shift_after_a_position_is_the_shifted_position) {
  ThreadPool pool(1);
  for (const bool halves : {true, false}) {
    const std::vector<float> x = normal_floats(128, 3);
    for (const auto& [p, d] : std::vector<std::pair<int, int>>{{17, 5}, {4000, -3500}, {100000, 31072}}) {
      const std::vector<float> twice = rotated(rotated(x, {p}, 1, 128, 128, halves, pool), {d}, 1, 128, 128, halves, pool);
      const std::vector<float> once = rotated(x, {p + d}, 1, 128, 128, halves, pool);
      for (int i = 0; i < 128; ++i) EXPECT_NEAR(twice[i], once[i], 2e-6);  // three rotations of numbers below 4, 4 u each
    }
  }
}

TEST(Rope, makes_scores_depend_on_distance_alone) {
  ThreadPool pool(1);
  for (const bool halves : {true, false}) {
    const std::vector<float> q = normal_floats(64, 4), k = normal_floats(64, 5);
    const auto score = [&](std::int32_t at, std::int32_t distance) {
      const std::vector<float> a = rotated(q, {at}, 1, 64, 64, halves, pool), b = rotated(k, {at - distance}, 1, 64, 64, halves, pool);
      return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
    };
    for (const std::int32_t distance : {0, 3, 500}) EXPECT_NEAR(score(600, distance), score(131000, distance), 1e-4);
    EXPECT_GT(std::fabs(score(600, 3) - score(600, 4)), 1e-3) << "and does depend on it";
  }
}

TEST(Rope, is_the_same_at_every_level_and_on_any_number_of_threads) {
  ThreadPool one(1), many(3);
  std::vector<std::int32_t> positions(30);
  std::iota(positions.begin(), positions.end(), 1000);
  const std::vector<float> x = normal_floats(30 * 4 * 80, 6);
  for (const bool halves : {true, false}) {
    const std::vector<float> want = rotated(x, positions, 4, 80, 64, halves, one);
    for (const CpuLevel level : levels_here()) {
      EXPECT_EQ(first_difference(want, rotated(x, positions, 4, 80, 64, halves, many, level)), "") << to_string(level);
    }
  }
}

}  // namespace
}  // namespace baton::kernels
