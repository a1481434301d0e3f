#include <baton/kernels/gemm.h>

#include "attention_world.h"
#include "cublas_library.h"

namespace baton::kernels::cuda {
namespace {

class Gemm : public OnTarget {
 protected:
  static std::vector<float> bf16_floats(std::size_t n, unsigned seed) {
    std::vector<float> x = normal_floats(n, seed);
    for (float& f : x) f = bf16_to_f32(f32_to_bf16(f));
    return x;
  }
  static std::vector<std::uint16_t> halves(const std::vector<float>& x) {
    std::vector<std::uint16_t> out;
    for (const float f : x) out.push_back(f32_to_bf16(f));
    return out;
  }
  static void expect_right(int m, int n, int k, bool with_bias = false, bool accumulate = false, int padding = 0,
                           Cublas* cublas = nullptr) {
    SCOPED_TRACE(std::to_string(m) + " x " + std::to_string(n) + " x " + std::to_string(k));
    const std::vector<float> x = bf16_floats(static_cast<std::size_t>(m) * k, 1), w = bf16_floats(static_cast<std::size_t>(n) * k, 2),
                             bias = normal_floats(n, 3);
    const int stride = n + padding;
    const std::vector<float> before = normal_floats(static_cast<std::size_t>(m) * stride, 4);
    const DeviceBuffer<std::uint16_t> x_device(halves(x)), w_device(halves(w));
    const DeviceBuffer<float> bias_device(bias), y(before);
    const GemmParams p{
        x_device.get(), w_device.get(), with_bias ? bias_device.get() : nullptr, y.get(), static_cast<std::size_t>(stride), m, n, k,
        accumulate};
    if (cublas) {
      ASSERT_TRUE(cublas->gemm(p, nullptr));
    } else {
      gemm(p, nullptr);
    }
    const std::vector<float> got = y.values();
    for (int i = 0; i < m; ++i) {
      for (int j = 0; j < stride; ++j) {
        const std::size_t at = static_cast<std::size_t>(i) * stride + j;
        if (j >= n) {
          ASSERT_EQ(got[at], before[at]) << "beyond the row";
          continue;
        }
        double want = 0, size = 0;
        for (int d = 0; d < k; ++d) {
          const double product = static_cast<double>(x[static_cast<std::size_t>(i) * k + d]) * w[static_cast<std::size_t>(j) * k + d];
          want += product, size += std::fabs(product);
        }
        if (with_bias) want += bias[j], size += std::fabs(bias[j]);
        if (accumulate) want += before[at], size += std::fabs(before[at]);
        // Products are exact; k + 2 additions of partial sums no larger than `size`. Tensor cores may cut instead of rounding: 2 u each.
        ASSERT_NEAR(got[at], want, 2 * (k + 2) * 0x1p-24 * size + 1e-30) << "row " << i << " column " << j;
      }
    }
  }
};
INSTANTIATE_TEST_SUITE_P(, Gemm, testing::ValuesIn(device_targets()), target_name);

TEST_P(Gemm, on_and_beside_every_edge_of_a_tile) {
  for (const int m : {1, 127, 128, 129}) expect_right(m, 40, 40);
  for (const int n : {1, 7, 127, 128, 129}) expect_right(30, n, 40);
  for (const int k : {8, 24, 32, 40, 96, 128, 136}) expect_right(20, 20, k);
}

TEST_P(Gemm, of_more_blocks_than_a_group_has) { expect_right(128 * 9 + 5, 300, 16); }

TEST_P(Gemm, adds_a_bias_adds_to_what_is_there_and_keeps_what_lies_between_rows) {
  expect_right(33, 65, 64, true, false);
  expect_right(33, 65, 64, false, true, 7);
  expect_right(33, 65, 64, true, true, 3);
}

TEST_P(Gemm, gives_a_row_the_same_bits_in_any_batch) {
  const int n = 70, k = 136, m = 150;
  const std::vector<float> x = bf16_floats(m * k, 1);
  const DeviceBuffer<std::uint16_t> x_device(halves(x)), w_device(halves(bf16_floats(n * k, 2)));
  const auto rows = [&](int from, int count) {
    const DeviceBuffer<float> y(static_cast<std::size_t>(count) * n);
    gemm({x_device.get() + static_cast<std::size_t>(from) * k, w_device.get(), nullptr, y.get(), n, count, n, k, false}, nullptr);
    return y.values();
  };
  const std::vector<float> all = rows(0, m);
  for (const auto& [from, count] : {std::pair{0, 1}, {3, 20}, {140, 10}, {100, 1}})
    EXPECT_EQ(first_difference(std::span(all).subspan(from * n, count * n), rows(from, count)), "") << count << " rows from " << from;
}

TEST_P(Gemm, of_nothing) {
  gemm({nullptr, nullptr, nullptr, nullptr, 0, 0, 10, 8, false}, nullptr);
  expect_right(3, 5, 0, true);
}

TEST_P(Gemm, keeps_infinities_to_their_rows) {
  std::vector<float> x = bf16_floats(2 * 16, 1), w = bf16_floats(3 * 16, 2);
  x[0] = std::numeric_limits<float>::infinity();
  const DeviceBuffer<std::uint16_t> x_device(halves(x)), w_device(halves(w));
  const DeviceBuffer<float> y(6);
  gemm({x_device.get(), w_device.get(), nullptr, y.get(), 3, 2, 3, 16, false}, nullptr);
  const std::vector<float> got = y.values();
  for (int j = 0; j < 3; ++j) {
    EXPECT_TRUE(std::isinf(got[j]));
    EXPECT_TRUE(std::isfinite(got[3 + j]));
  }
}

TEST_P(Gemm, has_a_bias_that_cublas_has_not) {
  const std::vector<float> before = normal_floats(5 * 400, 1), bias = normal_floats(300, 2);
  const DeviceBuffer<float> y(before), bias_device(bias);
  add_bias(y.get(), 400, bias_device.get(), 5, 300, nullptr);
  const std::vector<float> got = y.values();
  for (int i = 0; i < 5 * 400; ++i) EXPECT_EQ(got[i], before[i] + (i % 400 < 300 ? bias[i % 400] : 0));
}

TEST(CublasTest, that_is_not_there_says_what_was_tried) {
  const std::string names[] = {"libno_such_library.so.1", "libm.so.6"};
  std::string why;
  EXPECT_EQ(Cublas::open(names, why), nullptr);
  EXPECT_NE(why.find("libno_such_library.so.1: "), std::string::npos) << why;
  EXPECT_NE(why.find("libm.so.6: it lacks a function"), std::string::npos) << why;
}

// By cuBLAS itself if there is one, and over the simulator by fake_cublas.cpp, which checks the arguments.
TEST_P(Gemm, of_cublas_agrees_with_double_precision) {
#ifdef BATON_SIMULATED_DEVICE
  const std::string names[] = {BATON_FAKE_CUBLAS};
#else
  const std::span<const std::string> names = Cublas::usual_names();
#endif
  std::string why;
  const std::unique_ptr<Cublas> cublas = Cublas::open(names, why);
  if (!cublas) GTEST_SKIP() << why;
  expect_right(5, 9, 16, false, false, 0, cublas.get());
  expect_right(1, 130, 264, false, false, 3, cublas.get());
  expect_right(130, 1, 24, true, false, 2, cublas.get());
  expect_right(33, 65, 64, true, true, 7, cublas.get());
  EXPECT_TRUE(cublas->gemm({nullptr, nullptr, nullptr, nullptr, 0, 0, 10, 8, false}, nullptr));
}

#ifdef BATON_SIMULATED_DEVICE
TEST(CublasTest, that_refuses_says_so_and_leaves_everything_as_it_is) {
  const std::string names[] = {"libno_such_library.so.1", BATON_REFUSING_CUBLAS};
  std::string why;
  const std::unique_ptr<Cublas> cublas = Cublas::open(names, why);
  ASSERT_TRUE(cublas) << why;
  const std::vector<float> before = {1, 2, 3, 4};
  const DeviceBuffer<float> y(before), bias(before);
  const DeviceBuffer<std::uint16_t> x(std::vector<std::uint16_t>(16)), w(std::vector<std::uint16_t>(16));
  EXPECT_FALSE(cublas->gemm({x.get(), w.get(), bias.get(), y.get(), 2, 2, 2, 8, true}, nullptr));
  EXPECT_EQ(y.values(), before);
}
#endif

}  // namespace
}  // namespace baton::kernels::cuda
