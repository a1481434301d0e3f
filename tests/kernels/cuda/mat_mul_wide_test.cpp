#include <baton/kernels/dequantize.h>
#include <baton/kernels/mat_mul_wide.h>

#include <memory>

#include "attention_world.h"
#include "cublas_library.h"

namespace baton::kernels::cuda {
namespace {

struct Matrix {
  TensorType type;
  int n_out;
  bool bias = false, accumulate = false;
  int padding = 0;  // between rows of y
};

class MatMulWide : public OnTarget {
 protected:
  // Products of bf16 x with the weights as numbers, rounded to bf16. scratch_rows: how many rows of W fit into scratch.
  static void expect_right(const std::vector<Matrix>& matrices, int n_tokens, int n_in, int scratch_rows, Cublas* cublas = nullptr) {
    SCOPED_TRACE(std::to_string(n_tokens) + " tokens, n_in " + std::to_string(n_in) + ", scratch for " + std::to_string(scratch_rows));
    std::vector<float> x = normal_floats(static_cast<std::size_t>(n_tokens) * n_in, 1);
    std::vector<std::uint16_t> halves;
    for (float& e : x) halves.push_back(f32_to_bf16(e)), e = bf16_to_f32(halves.back());
    const DeviceBuffer<std::uint16_t> x_device(halves), scratch(static_cast<std::size_t>(scratch_rows) * n_in);
    MatMulWideParams p{{}, static_cast<int>(matrices.size()), x_device.get(), n_tokens, n_in, scratch.get(), scratch.size()};
    std::vector<std::vector<float>> before, biases;
    std::vector<std::vector<std::byte>> weights;
    std::vector<std::unique_ptr<DeviceBuffer<std::byte>>> w;
    std::vector<std::unique_ptr<DeviceBuffer<float>>> b, y;
    for (std::size_t i = 0; i < matrices.size(); ++i) {
      const Matrix& m = matrices[i];
      const auto seed = static_cast<unsigned>(i);
      before.push_back(normal_floats(static_cast<std::size_t>(n_tokens) * (m.n_out + m.padding), 5));
      weights.push_back(random_weights(m.type, m.n_out, n_in, seed + 2));
      biases.push_back(normal_floats(m.n_out, seed + 20));
      w.push_back(std::make_unique<DeviceBuffer<std::byte>>(weights[i]));
      b.push_back(std::make_unique<DeviceBuffer<float>>(biases[i]));
      y.push_back(std::make_unique<DeviceBuffer<float>>(before[i]));
      p.matrices[i] = {m.type,  w[i]->get(), m.bias ? b[i]->get() : nullptr, y[i]->get(), static_cast<std::size_t>(m.n_out + m.padding),
                       m.n_out, m.accumulate};
    }
    mat_mul_wide(p, cublas, nullptr);
    std::vector<float> row(n_in);
    for (std::size_t i = 0; i < matrices.size(); ++i) {
      const Matrix& m = matrices[i];
      SCOPED_TRACE(std::string(type_name(m.type)) + ", n_out " + std::to_string(m.n_out));
      const std::vector<float> got = y[i]->values();
      for (int o = 0; o < m.n_out + m.padding; ++o) {
        if (o < m.n_out) cpu::dequantize_row(m.type, weights[i].data() + o * row_bytes(m.type, n_in), n_in, row.data());
        for (int t = 0; t < n_tokens; ++t) {
          const std::size_t at = static_cast<std::size_t>(t) * (m.n_out + m.padding) + o;
          if (o >= m.n_out) {
            ASSERT_EQ(got[at], before[i][at]) << "beyond the row";
            continue;
          }
          double want = 0, size = 0;
          for (int d = 0; d < n_in; ++d) {
            const double product = static_cast<double>(x[static_cast<std::size_t>(t) * n_in + d]) * bf16_to_f32(f32_to_bf16(row[d]));
            want += product, size += std::fabs(product);
          }
          if (m.bias) want += biases[i][o], size += std::fabs(biases[i][o]);
          if (m.accumulate) want += before[i][at], size += std::fabs(before[i][at]);
          // As in gemm_test.cpp; a weight with a minimum may be fused on the device, and then round to the neighbouring bf16 one time in
          // some thousand: a unit of one weight, 2^-8 of it.
          ASSERT_NEAR(got[at], want, 2 * (n_in + 2) * 0x1p-24 * size + 0x1p-8 * size / n_in * 4 + 1e-30) << "row " << o << " token " << t;
        }
      }
    }
  }

  static void expect_right_in_all_ways(Cublas* cublas) {
    for (const TensorType type : kQuantisedTypes) expect_right({{type, 37}}, 9, 256, 16, cublas);
    for (const TensorType type : kFloatTypes) expect_right({{type, 37, true}}, 9, 72, 16, cublas);
    // Tiles: one row, beside a block of gemm(), all at once.
    for (const int scratch_rows : {1, 127, 129, 300}) expect_right({{TensorType::q8_0, 260, true}}, 3, 32, scratch_rows, cublas);
    expect_right(
        {{TensorType::q4_k, 33, true, true, 3}, {TensorType::bf16, 5, false, true, 1}, {TensorType::q6_k, 8, true}, {TensorType::q4_k, 0}},
        130, 256, 10, cublas);
  }
};
INSTANTIATE_TEST_SUITE_P(, MatMulWide, testing::ValuesIn(device_targets()), target_name);

TEST_P(MatMulWide, agrees_with_double_precision_without_cublas) { expect_right_in_all_ways(nullptr); }

TEST_P(MatMulWide, of_no_tokens_does_nothing) {
  MatMulWideParams p{{}, 1, nullptr, 0, 64, nullptr, 64};
  p.matrices[0] = {TensorType::q8_0, nullptr, nullptr, nullptr, 10, 10, false};
  mat_mul_wide(p, nullptr, nullptr);
}

TEST_P(MatMulWide, reads_bf16_weights_as_they_stand) { expect_right({{TensorType::bf16, 300, true}}, 5, 64, 0); }

#ifdef BATON_SIMULATED_DEVICE
TEST_P(MatMulWide, agrees_with_double_precision_with_a_cublas_and_with_one_that_refuses) {
  for (const char* library : {BATON_FAKE_CUBLAS, BATON_REFUSING_CUBLAS}) {
    SCOPED_TRACE(library);
    const std::string names[] = {library};
    std::string why;
    const std::unique_ptr<Cublas> cublas = Cublas::open(names, why);
    ASSERT_TRUE(cublas) << why;
    expect_right_in_all_ways(cublas.get());
  }
}
#else
TEST_P(MatMulWide, agrees_with_double_precision_with_cublas) {
  std::string why;
  const std::unique_ptr<Cublas> cublas = Cublas::open(Cublas::usual_names(), why);
  if (!cublas) GTEST_SKIP() << why;
  expect_right_in_all_ways(cublas.get());
}
#endif

}  // namespace
}  // namespace baton::kernels::cuda
