#include <baton/kernels/mat_mul_wide.h>

#include "attention_world.h"
#include "cublas_library.h"
#include "products.h"

namespace baton::kernels::cuda {
namespace {

class MatMulWide : public OnTarget {
 protected:
  // Products of bf16 x with the weights as numbers, rounded to bf16. scratch_rows: the number of rows of W that fit into scratch.
  static void expect_right(const std::vector<Matrix>& matrices, int n_tokens, int n_in, int scratch_rows, Cublas* cublas = nullptr) {
    SCOPED_TRACE("scratch for " + std::to_string(scratch_rows));
    const Products products(matrices, n_tokens, n_in);
    std::vector<std::uint16_t> x;
    for (const float e : products.x) x.push_back(f32_to_bf16(e));
    const DeviceBuffer<std::uint16_t> x_device(x), scratch(static_cast<std::size_t>(scratch_rows) * n_in);
    const DeviceMatrices on_device(products, 1);
    MatMulWideParams p{{}, static_cast<int>(matrices.size()), x_device.get(), n_tokens, n_in, scratch.get(), scratch.size()};
    on_device.put_into(p.matrices);
    mat_mul_wide(p, cublas, nullptr);
    const auto term = [&](const Matrix&, float weight, int token, int d) {
      return static_cast<double>(bf16_to_f32(x[static_cast<std::size_t>(token) * n_in + d])) * bf16_to_f32(f32_to_bf16(weight));
    };
    // As in gemm_test.cpp; a weight with a minimum may be fused on the device, and then round to the neighbouring bf16 one time in some
    // thousand: a unit of one weight, 2^-8 of it.
    products.expect_near(on_device.y(), term,
                         [&](const Matrix&, double size) { return 2 * (n_in + 2) * 0x1p-24 * size + 0x1p-8 * size / n_in * 4; });
  }

  static void expect_right_in_all_ways(Cublas* cublas) {
    for (const TensorType type : kQuantisedTypes) expect_right({{type, 37}}, 9, 256, 16, cublas);
    for (const TensorType type : kFloatTypes) expect_right({{type, 37, true}}, 9, 72, 16, cublas);
    // Tiles: one row, close to a block of gemm(), all at once.
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
