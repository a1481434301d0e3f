#include <baton/kernels/mat_vec.h>

#include "products.h"
#include "row_outputs.h"

namespace baton::kernels::cuda {
namespace {

class MatVec : public OnTarget {
 protected:
  // Products of the dequantised weights with the dequantised activations: only f32's rounding may differ.
  void expect_right(const std::vector<Matrix>& matrices, int n_tokens, int n_in) {
    const Products p(matrices, n_tokens, n_in);
    ThreadPool pool(1);
    const Activations a = p.activations({CpuLevel::scalar, pool});
    const auto term = [&](const Matrix& m, float weight, int token, int d) {
      const std::size_t at = static_cast<std::size_t>(token) * n_in + d;
      return weight * (is_quantised(m.type) ? static_cast<double>(a.scale[at / 32]) * a.q[at] : p.x[at]);
    };
    // A lane adds n_in / 32 / 8 to / 32 groups one after the other, then 5 more; each group has a few roundings. Formats with minima
    // subtract parts that are larger than their difference: 16 of them at the most.
    const auto bound = [&](const Matrix& m, double size) {
      const double parts = n_in / 32.0 + 16, cancel = is_quantised(m.type) && has_minimum(m.type) ? 16 : 1;
      return parts * cancel * 0x1p-24 * size;
    };
    p.expect_near(GetParam().on_device() ? on_device(p) : p.on_cpu(GetParam().level()), term, bound);
  }

  static Products::Results on_device(const Products& products) {
    const DeviceActivations x(products);
    const DeviceMatrices matrices(products);
    MatVecParams p{{}, static_cast<int>(products.matrices.size()), x.q8(), x.x(), products.n_tokens, products.n_in};
    matrices.put_into(p.matrices);
    mat_vec(p, nullptr);
    return matrices.y();
  }
};
INSTANTIATE_TEST_SUITE_P(, MatVec, testing::ValuesIn(targets()), target_name);

class MatVecOnDevice : public MatVec {};
INSTANTIATE_TEST_SUITE_P(, MatVecOnDevice, testing::ValuesIn(device_targets()), target_name);

std::vector<TensorType> all_types() {
  std::vector<TensorType> types(std::begin(kQuantisedTypes), std::end(kQuantisedTypes));
  types.insert(types.end(), std::begin(kFloatTypes), std::end(kFloatTypes));
  return types;
}

TEST_P(MatVec, agrees_with_double_precision_in_every_format) {
  for (const TensorType type : all_types()) {
    expect_right({{type, 37}}, 1, 512);
    expect_right({{type, 9}}, 1, 2304);  // more than one piece of 32 groups, the last incomplete
  }
}

TEST_P(MatVec, of_up_to_eight_tokens) {
  for (int n_tokens = 1; n_tokens <= 8; ++n_tokens) expect_right({{TensorType::q4_0, 11}}, n_tokens, 768);
  for (const TensorType type : all_types()) {
    for (const int n_tokens : {2, 3, 7}) expect_right({{type, 5}}, n_tokens, 256);
  }
}

// Rows of 896 elements, as Qwen2.5-0.5B has them: 504 bytes of Q4_0, so every second one does not begin at a multiple of 16.
TEST_P(MatVec, of_rows_that_begin_anywhere) {
  for (const TensorType type :
       {TensorType::q4_0, TensorType::q4_1, TensorType::q5_0, TensorType::q5_1, TensorType::q8_0, TensorType::iq4_nl}) {
    for (const int n_in : {32, 96, 896}) expect_right({{type, 19}}, 2, n_in);
  }
  expect_right({{TensorType::q6_k, 19}}, 1, 256);
}

TEST_P(MatVec, of_one_row) {
  for (const TensorType type : all_types()) expect_right({{type, 1}}, 1, 256);
}

// A multiprocessor runs at most 64 warps, and a warp takes two rows, or four of several tokens, at a time.
TEST_P(MatVecOnDevice, of_more_rows_than_run_at_once) {
  int n_multiprocessors = 0;
  ASSERT_EQ(cudaDeviceGetAttribute(&n_multiprocessors, cudaDevAttrMultiProcessorCount, 0), cudaSuccess);
  expect_right({{TensorType::q4_0, 64 * 2 * n_multiprocessors + 3}}, 1, 32);
  expect_right({{TensorType::q6_k, 64 * 4 * n_multiprocessors + 5}}, 2, 256);
}

TEST_P(MatVecOnDevice, of_several_matrices_of_mixed_types_with_bias_and_residual) {
  for (const int n_tokens : {1, 3}) {
    expect_right({{TensorType::q4_k, 33, true},
                  {TensorType::q4_k, 5, true, true, 3},
                  {TensorType::q6_k, 8, false, true},
                  {TensorType::f16, 3, true}},
                 n_tokens, 512);
    expect_right({{TensorType::q4_0, 7}, {TensorType::q4_0, 1, false, false, 1}, {TensorType::q4_0, 16, true}}, n_tokens, 128);
  }
}

TEST_P(MatVecOnDevice, gives_a_token_the_same_bits_whatever_stands_beside_it_in_every_format) {
  for (const TensorType type : all_types()) {
    SCOPED_TRACE(type_name(type));
    const int n_in = block_shape(type).elements == 256 ? 1280 : 1248, n_out = 21;  // more than one piece of 32 groups
    const std::vector<float> all = on_device({{{type, n_out}}, 8, n_in})[0];
    for (int n = 1; n < 8; ++n)
      EXPECT_EQ(first_difference(std::span(all).first(n * n_out), on_device({{{type, n_out}}, n, n_in})[0]), "") << n << " tokens";
  }
}

TEST_P(MatVecOnDevice, shows_activations_that_are_no_numbers) {
  Products p({{TensorType::q8_0, 1}}, 2, 64);
  p.x[3] = std::nanf("");
  const std::vector<float> y = on_device(p)[0];
  EXPECT_TRUE(std::isnan(y[0]));
  EXPECT_FALSE(std::isnan(y[1]));
}

TEST_P(MatVecOnDevice, of_nothing_does_nothing) {
  mat_vec({{}, 0, {}, nullptr, 1, 64}, nullptr);
  expect_right({{TensorType::q4_0, 0}}, 1, 64);
}

TEST_P(MatVecOnDevice, quantises_as_the_cpu_does) {
  const int n_rows = 3, n = 1056;
  std::vector<float> x = normal_floats(n_rows * (n + 8), 1, 5);
  for (int i = 0; i < 32; ++i) x[i] = 0;
  const DeviceBuffer<float> in(x);
  AllForms forms(n_rows, n);
  quantize({in.get(), n + 8, forms.outputs(), n_rows, n}, nullptr);
  const std::vector<float> y = forms.check();
  for (int r = 0; r < n_rows; ++r) {
    for (int i = 0; i < n; ++i) ASSERT_EQ(y[r * n + i], x[r * (n + 8) + i]);
  }
}

}  // namespace
}  // namespace baton::kernels::cuda
