#include <baton/kernels/mat_mul_int8.h>

#include "products.h"

namespace baton::kernels::cuda {
namespace {

class MatMulInt8 : public OnTarget {
 protected:
  Products::Results run(const Products& products) const {
    if (!GetParam().on_device()) return products.on_cpu(GetParam().level());
    const DeviceActivations x(products);
    const DeviceMatrices matrices(products);
    MatMulInt8Params p{{}, static_cast<int>(products.matrices.size()), x.q8(), products.n_tokens, products.n_in};
    matrices.put_into(p.matrices);
    mat_mul_int8(p, nullptr);
    return matrices.y();
  }

  // Products of the dequantised weights with the dequantised activations: only f32's rounding may differ.
  void expect_right(const std::vector<Matrix>& matrices, int n_tokens, int n_in) const {
    const Products p(matrices, n_tokens, n_in);
    ThreadPool pool(1);
    const Activations a = p.activations({CpuLevel::scalar, pool});
    const auto term = [&](const Matrix&, float weight, int token, int d) {
      const std::size_t at = static_cast<std::size_t>(token) * n_in + d;
      return weight * (static_cast<double>(a.scale[at / 32]) * a.q[at]);
    };
    // At most n_in / 32 groups (twice as many sums, of halves or with minima) are added one after the other, then 8 warps, bias and
    // residual; each group has a few roundings. Formats with minima subtract parts that are larger than their difference: 16 of them at the
    // most.
    const auto bound = [&](const Matrix& m, double size) { return (n_in / 16.0 + 16) * (has_minimum(m.type) ? 16 : 1) * 0x1p-24 * size; };
    p.expect_near(run(p), term, bound);
  }

  void expect_same_bits_beside_others() const {
    for (const TensorType type : kQuantisedTypes) {
      const int n_in = block_shape(type).elements == 256 ? 1280 : 896, n_out = 20;
      const auto first_token = [&](int n_tokens) {
        std::vector<float> y = run({{{type, n_out}}, n_tokens, n_in})[0];
        y.resize(n_out);
        return y;
      };
      const std::vector<float> alone = first_token(1);
      for (const int n : {8, 9, 40}) EXPECT_EQ(first_difference(alone, first_token(n)), "") << type_name(type) << ", " << n << " tokens";
    }
  }
};
INSTANTIATE_TEST_SUITE_P(, MatMulInt8, testing::ValuesIn(targets()), target_name);

class MatMulInt8OnDevice : public MatMulInt8 {};
INSTANTIATE_TEST_SUITE_P(, MatMulInt8OnDevice, testing::ValuesIn(device_targets()), target_name);

TEST_P(MatMulInt8, agrees_with_double_precision_in_every_format) {
  for (const TensorType type : kQuantisedTypes) {
    expect_right({{type, 37}}, 11, 512);
    expect_right({{type, 3}}, 33, 256);
  }
}

TEST_P(MatMulInt8, of_tokens_on_and_beside_every_tile) {
  for (const int n_tokens : {1, 7, 8, 9, 31, 32, 33, 63, 64}) expect_right({{TensorType::q4_0, 5}}, n_tokens, 96);
}

TEST_P(MatMulInt8, of_rows_on_and_beside_a_tile) {
  for (const int n_out : {1, 15, 16, 17, 31, 32, 33}) expect_right({{TensorType::q8_0, n_out}}, 9, 64);
}

// Rows of 896 elements are 504 bytes of Q4_0, so every second one does not begin at a multiple of 16; 2304 and more give a warp its second
// chunk.
TEST_P(MatMulInt8, of_rows_that_begin_anywhere_and_chunks_that_end_early) {
  for (const TensorType type :
       {TensorType::q4_0, TensorType::q4_1, TensorType::q5_0, TensorType::q5_1, TensorType::q8_0, TensorType::iq4_nl}) {
    for (const int n_in : {32, 160, 896}) expect_right({{type, 3}}, 8, n_in);
  }
  expect_right({{TensorType::q4_0, 3}}, 8, 2080);
  expect_right({{TensorType::q5_1, 3}}, 8, 4256);
  expect_right({{TensorType::q6_k, 3}}, 8, 4608);
}

TEST_P(MatMulInt8OnDevice, of_several_matrices_of_mixed_types_with_bias_and_residual) {
  expect_right(
      {{TensorType::q4_k, 33, true}, {TensorType::q4_k, 5, true, true, 3}, {TensorType::q6_k, 8, false, true}, {TensorType::q4_k, 0}}, 10,
      256);
}

#ifdef BATON_SIMULATED_DEVICE
TEST_P(MatMulInt8OnDevice, fits_devices_with_little_shared_memory) {
  for (const std::size_t room : kSmallerRooms) {
    const WithRoom small(room);
    for (const TensorType type : kQuantisedTypes) {
      SCOPED_TRACE(std::to_string(room) + " bytes");
      expect_right({{type, 37, true}}, 11, 512);
      expect_right({{type, 17, false, true, 3}}, 50, 1280);  // five chunks for four warps
    }
    expect_same_bits_beside_others();
  }
}
#endif

TEST_P(MatMulInt8OnDevice, gives_a_token_the_same_bits_whatever_stands_beside_it) { expect_same_bits_beside_others(); }

TEST_P(MatMulInt8OnDevice, shows_activations_that_are_no_numbers) {
  Products p({{TensorType::q8_0, 1}}, 9, 64);
  p.x[3] = std::nanf("");
  const std::vector<float> y = run(p)[0];
  EXPECT_TRUE(std::isnan(y[0]));
  for (int t = 1; t < 9; ++t) EXPECT_FALSE(std::isnan(y[t])) << t;
}

TEST_P(MatMulInt8OnDevice, of_nothing_does_nothing) { mat_mul_int8({{}, 0, {}, 1, 64}, nullptr); }

}  // namespace
}  // namespace baton::kernels::cuda
