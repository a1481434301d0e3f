#include <baton/kernels/dequantize.h>
#include <baton/kernels/mat_mul.h>
#include <baton/kernels/unpack.h>

#include <limits>

#include "levels.h"

namespace baton::kernels {
namespace {

struct Case {
  Case(TensorType t, int tokens, int in, int out, unsigned seed = 1)
      : type(t),
        n_tokens(tokens),
        n_in(in),
        n_out(out),
        weight(random_weights(t, out, in, seed)),
        x(normal_floats(static_cast<std::size_t>(tokens) * in, seed + 1)) {}

  std::vector<float> run(CpuLevel level, ThreadPool& pool, const float* bias = nullptr) const {
    const Cpu cpu{level, pool};
    Activations a;
    cpu::prepare_activations(a, x.data(), n_tokens, n_in, is_quantised(type), cpu);
    std::vector<float> y(static_cast<std::size_t>(n_tokens) * n_out, 12345);
    const MatMulParams p{type, weight.data(), bias, y.data(), n_out};
    cpu::mat_mul(&p, 1, a, cpu);
    return y;
  }
  std::vector<float> weights_f32() const {
    std::vector<float> w(static_cast<std::size_t>(n_out) * n_in);
    for (int r = 0; r < n_out; ++r) {
      cpu::dequantize_row(type, weight.data() + r * row_bytes(type, n_in), n_in, w.data() + static_cast<std::size_t>(r) * n_in);
    }
    return w;
  }

  TensorType type;
  int n_tokens, n_in, n_out;
  std::vector<std::byte> weight;
  std::vector<float> x;
};

// The unit roundoff of f32.
constexpr double kU = 0x1p-24;

std::vector<int> widths(TensorType type) {
  if (block_shape(type).elements == 256) return {256, 768};
  if (block_shape(type).elements == 32) return {32, 96, 896};
  return {1, 7, 32, 96, 896};
}

// Against sums in double precision over the same quantised activations (or the same floats). Each lane adds n / 8 terms (n / 32 when
// quantised), then three more additions, the minima's own lanes and their addition; each term carries at most three roundings of its own
// (weight scale * activation scale, times the sum; d * scale within the weight). So |error| <= (n / 8 + 8) u * sum of |terms|, to first
// order (Higham 2002, 4.2). Terms are counted as |w - minimum| |x| and |minimum| |x| since they are summed apart.
void expect_close_to_double(const Case& c, ThreadPool& pool) {
  const Cpu cpu{CpuLevel::scalar, pool};
  Activations a;
  cpu::prepare_activations(a, c.x.data(), c.n_tokens, c.n_in, is_quantised(c.type), cpu);
  const std::vector<float> w = c.weights_f32(), y = c.run(CpuLevel::scalar, pool);
  std::vector<std::int8_t> q(c.n_in);
  std::vector<float> scale(c.n_in / 16 + 1), minimum(c.n_in / 32 + 1, 0);
  for (int r = 0; r < c.n_out; ++r) {
    const float* row = w.data() + static_cast<std::size_t>(r) * c.n_in;
    if (is_quantised(c.type)) {
      cpu::unpack_row(c.type, c.weight.data() + r * row_bytes(c.type, c.n_in), c.n_in, {q.data(), scale.data(), minimum.data()});
    }
    for (int t = 0; t < c.n_tokens; ++t) {
      double sum = 0, magnitude = 0;
      for (int i = 0; i < c.n_in; ++i) {
        const std::size_t at = static_cast<std::size_t>(t) * c.n_in + i;
        const double x = is_quantised(c.type) ? static_cast<double>(a.q[at]) * a.scale[at / 32] : c.x[at];
        sum += row[i] * x;
        magnitude += (std::fabs(row[i]) + 2 * std::fabs(minimum[i / 32])) * std::fabs(x);
      }
      ASSERT_NEAR(y[static_cast<std::size_t>(t) * c.n_out + r], sum, (c.n_in / 8 + 8) * kU * magnitude)
          << type_name(c.type) << " n_in " << c.n_in << " row " << r << " token " << t;
    }
  }
}

TEST(MatMul, agrees_with_sums_in_double_precision) {
  ThreadPool pool(1);
  for (const TensorType type : kQuantisedTypes) {
    for (const int n_in : widths(type)) expect_close_to_double(Case(type, 3, n_in, 19, n_in), pool);
  }
  for (const TensorType type : kFloatTypes) {
    for (const int n_in : widths(type)) expect_close_to_double(Case(type, 3, n_in, 19, n_in), pool);
  }
}

// Rounding to 8 bits moves an activation by at most half a step: scale / 2 = largest / 254, and a little for the f32 division
// (the factor 1.001). So |error| <= sum of |w| * largest of the group / 254, beside the f32 sums bounded above.
TEST(MatMul, is_within_the_rounding_of_activations_to_8_bits) {
  ThreadPool pool(1);
  for (const TensorType type : kQuantisedTypes) {
    const Case c(type, 2, 768, 9, 77);
    const std::vector<float> w = c.weights_f32(), y = c.run(CpuLevel::scalar, pool);
    for (int r = 0; r < c.n_out; ++r) {
      for (int t = 0; t < c.n_tokens; ++t) {
        double sum = 0, bound = 0;
        for (int g = 0; g < c.n_in / 32; ++g) {
          double largest = 0, weights = 0;
          for (int i = 32 * g; i < 32 * g + 32; ++i) {
            const double x = c.x[static_cast<std::size_t>(t) * c.n_in + i], wi = w[static_cast<std::size_t>(r) * c.n_in + i];
            sum += wi * x;
            largest = std::max(largest, std::fabs(x));
            weights += std::fabs(wi);
          }
          bound += weights * largest * (1.001 / 254 + (c.n_in / 8 + 8) * 3 * kU);
        }
        ASSERT_NEAR(y[static_cast<std::size_t>(t) * c.n_out + r], sum, bound) << type_name(type);
      }
    }
  }
}

TEST(MatMul, is_the_same_on_every_level_bit_for_bit) {
  BATON_SKIP_WITHOUT_AVX2();
  ThreadPool pool(1);
  const auto check = [&pool](TensorType type) {
    for (const int n_in : widths(type)) {
      for (const int n_out : {1, 2, 33}) {
        for (const int n_tokens : {1, 2, 3, 4, 5, 17}) {
          const Case c(type, n_tokens, n_in, n_out, n_in + n_out + n_tokens);
          const std::vector<float> scalar = c.run(CpuLevel::scalar, pool);
          for (const CpuLevel level : levels_here()) {
            ASSERT_EQ(first_difference(scalar, c.run(level, pool)), "")
                << to_string(level) << " " << type_name(type) << " n_in " << n_in << " n_out " << n_out << " n_tokens " << n_tokens;
          }
        }
      }
    }
  };
  for (const TensorType type : kQuantisedTypes) check(type);
  for (const TensorType type : kFloatTypes) check(type);
}

TEST(MatMul, gives_a_token_the_same_bits_in_any_batch_and_on_any_number_of_threads) {
  ThreadPool one(1), many(4);
  for (const CpuLevel level : levels_here()) {
    for (const TensorType type : {TensorType::q4_k, TensorType::q5_0, TensorType::q6_k, TensorType::f16}) {
      const Case c(type, 11, 512, 70, 5);
      const std::vector<float> all = c.run(level, many);
      EXPECT_EQ(first_difference(all, c.run(level, one)), "") << to_string(level) << " " << type_name(type);
      for (const int t : {0, 4, 10}) {
        Case alone = c;
        alone.n_tokens = 1;
        alone.x.assign(c.x.begin() + t * 512, c.x.begin() + (t + 1) * 512);
        const std::vector<float> row(all.begin() + t * 70, all.begin() + (t + 1) * 70);
        EXPECT_EQ(first_difference(row, alone.run(level, one)), "") << to_string(level) << " " << type_name(type) << " token " << t;
      }
    }
  }
}

TEST(MatMul, takes_several_matrices_with_and_without_bias_in_one_call) {
  ThreadPool pool(3);
  for (const CpuLevel level : levels_here()) {
    const Cpu cpu{level, pool};
    const int n_tokens = 5, n_in = 256;
    const Case cases[] = {Case(TensorType::q4_k, n_tokens, n_in, 40, 1), Case(TensorType::q8_0, n_tokens, n_in, 1, 2),
                          Case(TensorType::f32, n_tokens, n_in, 17, 3), Case(TensorType::q6_k, n_tokens, n_in, 16, 4)};
    const std::vector<float> bias = normal_floats(40, 9);
    Activations a;
    cpu::prepare_activations(a, cases[0].x.data(), n_tokens, n_in, true, cpu);
    std::vector<std::vector<float>> y;
    std::vector<MatMulParams> params;
    for (const Case& c : cases) y.emplace_back(static_cast<std::size_t>(n_tokens) * c.n_out);
    for (std::size_t i = 0; i < y.size(); ++i) {
      params.push_back({cases[i].type, cases[i].weight.data(), i % 2 ? nullptr : bias.data(), y[i].data(), cases[i].n_out});
    }
    cpu::mat_mul(params.data(), static_cast<int>(params.size()), a, cpu);
    for (std::size_t i = 0; i < y.size(); ++i) {
      Case alone = cases[i];
      alone.x = cases[0].x;
      std::vector<float> want = alone.run(level, pool);
      for (std::size_t k = 0; k < want.size() && params[i].bias; ++k) want[k] += bias[k % alone.n_out];  // the bias comes last
      EXPECT_EQ(first_difference(want, y[i]), "") << to_string(level) << " matrix " << i;
    }
  }
}

TEST(MatMul, reads_every_weight_code_and_the_largest_activations_without_overflow) {
  ThreadPool pool(1);
  for (const CpuLevel level : levels_here()) {
    for (const int code : {-128, -127, 127}) {  // q8_0's extremes against activations of +-127: each pair of products must fit 16 bits
      std::vector<std::byte> row(34, static_cast<std::byte>(code));
      const std::uint16_t unit = f32_to_f16(1);
      std::memcpy(row.data(), &unit, 2);
      const std::vector<float> x(32, -1);
      const Cpu cpu{level, pool};
      Activations a;
      cpu::prepare_activations(a, x.data(), 1, 32, true, cpu);
      float y = 0;
      const MatMulParams p{TensorType::q8_0, row.data(), nullptr, &y, 1};
      cpu::mat_mul(&p, 1, a, cpu);
      EXPECT_NEAR(y, -32.0 * code, 32 * 128 * 4 * kU) << to_string(level);
    }
  }
}

TEST(Activations, are_zero_for_zeros_and_rounded_to_nearest_even) {
  ThreadPool pool(1);
  for (const CpuLevel level : levels_here()) {
    const Cpu cpu{level, pool};
    std::vector<float> x(64, 0);
    x[32] = 127, x[33] = 0.5f, x[34] = 1.5f, x[35] = -0.5f, x[36] = -2.5f, x[37] = -127;
    Activations a;
    cpu::prepare_activations(a, x.data(), 1, 64, true, cpu);
    EXPECT_EQ(a.scale, (std::vector<float>{0, 1}));
    for (int i = 0; i < 32; ++i) EXPECT_EQ(a.q[i], 0);
    EXPECT_EQ(std::vector<int>(a.q.begin() + 32, a.q.begin() + 38), (std::vector<int>{127, 0, 2, 0, -2, -127})) << to_string(level);
    EXPECT_EQ(a.scaled_sum[1], -0.0f) << to_string(level);
  }
}

// 127 / largest overflows below 4e-37: such a group must count as zeros, not as infinities turned to integers.
TEST(Activations, of_almost_nothing_are_zeros) {
  ThreadPool pool(1);
  for (const CpuLevel level : levels_here()) {
    for (const float tiny : {1e-45f, 1e-40f, 1e-38f, 3e-37f, 1e-36f}) {
      const Cpu cpu{level, pool};
      std::vector<float> x(32, 0);
      x[3] = tiny, x[7] = -tiny;
      Activations a;
      cpu::prepare_activations(a, x.data(), 1, 32, true, cpu);
      for (int i = 0; i < 32; ++i) EXPECT_NEAR(a.scale[0] * static_cast<float>(a.q[i]), x[i], 1e-36) << to_string(level) << " " << tiny;
    }
  }
}

// A model with overflowing activations must show it: NaN, at every level, never an ordinary number.
TEST(MatMul, answers_nan_for_activations_that_are_not_finite) {
  ThreadPool pool(1);
  for (const CpuLevel level : levels_here()) {
    for (const TensorType type : kQuantisedTypes) {
      for (const float bad : {std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity(), std::nanf("")}) {
        for (const int where : {0, 37, 255}) {
          Case c(type, 2, 256, 3);
          c.x[where] = bad;
          const std::vector<float> y = c.run(level, pool);
          for (int r = 0; r < 3; ++r) {
            EXPECT_TRUE(std::isnan(y[r])) << to_string(level) << " " << type_name(type) << " " << where;
            EXPECT_TRUE(std::isfinite(y[3 + r])) << "the other token is none of its business";
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace baton::kernels
