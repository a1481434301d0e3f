#include <baton/kernels/dequantize.h>
#include <baton/kernels/mat_mul.h>
#include <baton/kernels/mat_vec.h>
#include <baton/kernels/quantize.h>
#include <baton/kernels/unpack.h>

#include "row_outputs.h"

namespace baton::kernels::cuda {
namespace {

struct Matrix {
  TensorType type;
  int n_out;
  bool bias = false, accumulate = false;
  int padding = 0;  // between rows of y
};

class MatVec : public OnTarget {
 protected:
  // Products of the numbers that the weights mean with the activations that the integers mean: nothing but f32's rounding may differ.
  void expect_right(const std::vector<Matrix>& matrices, int n_tokens, int n_in) {
    SCOPED_TRACE(std::to_string(n_tokens) + " tokens, n_in " + std::to_string(n_in));
    const std::vector<float> x = normal_floats(static_cast<std::size_t>(n_tokens) * n_in, 1);
    ThreadPool pool(1);
    const Cpu cpu{GetParam().level(), pool};
    Activations a;
    cpu::prepare_activations(a, x.data(), n_tokens, n_in, true, cpu);
    std::vector<std::vector<float>> got;
    for (const Matrix& m : matrices) got.push_back(normal_floats(static_cast<std::size_t>(n_tokens) * (m.n_out + m.padding), 5));
    const std::vector<std::vector<float>> before = got;
    std::vector<std::vector<std::byte>> weights;
    std::vector<std::vector<float>> biases;
    for (std::size_t i = 0; i < matrices.size(); ++i) {
      weights.push_back(random_weights(matrices[i].type, matrices[i].n_out, n_in, static_cast<unsigned>(i) + 2));
      biases.push_back(normal_floats(matrices[i].n_out, static_cast<unsigned>(i) + 20));
    }
    if (GetParam().on_device()) {
      run(matrices, weights, biases, x, n_tokens, n_in, got);
    } else {
      for (std::size_t i = 0; i < matrices.size(); ++i) {
        const MatMulParams p{matrices[i].type, weights[i].data(), matrices[i].bias ? biases[i].data() : nullptr, got[i].data(),
                             matrices[i].n_out};
        cpu::mat_mul(&p, 1, a, cpu);
      }
    }
    std::vector<float> row(n_in);
    for (std::size_t i = 0; i < matrices.size(); ++i) {
      const Matrix& m = matrices[i];
      SCOPED_TRACE(std::string(type_name(m.type)) + ", n_out " + std::to_string(m.n_out));
      for (int o = 0; o < m.n_out; ++o) {
        cpu::dequantize_row(m.type, weights[i].data() + o * row_bytes(m.type, n_in), n_in, row.data());
        for (int t = 0; t < n_tokens; ++t) {
          double want = 0, size = 0;
          for (int d = 0; d < n_in; ++d) {
            const std::size_t at = static_cast<std::size_t>(t) * n_in + d;
            const double activation = is_quantised(m.type) ? static_cast<double>(a.scale[at / 32]) * a.q[at] : x[at];
            want += row[d] * activation, size += std::fabs(row[d] * activation);
          }
          const std::size_t at = static_cast<std::size_t>(t) * (m.n_out + m.padding) + o;
          if (m.bias) want += biases[i][o], size += std::fabs(biases[i][o]);
          if (m.accumulate) want += before[i][at], size += std::fabs(before[i][at]);
          // A lane adds n_in / 32 / 8 to / 32 groups one after the other, then 5 more; each group has a few roundings. Formats with minima
          // subtract parts that are larger than their difference: 16 of them at the most.
          const double parts = n_in / 32.0 + 16, cancel = is_quantised(m.type) && has_minimum(m.type) ? 16 : 1;
          ASSERT_NEAR(got[i][at], want, parts * cancel * 0x1p-24 * size + 1e-30) << "row " << o << " token " << t;
        }
      }
      for (int t = 0; t < n_tokens; ++t) {
        for (int o = m.n_out; o < m.n_out + m.padding; ++o) {
          const std::size_t at = static_cast<std::size_t>(t) * (m.n_out + m.padding) + o;
          ASSERT_EQ(got[i][at], before[i][at]);
        }
      }
    }
  }

 private:
  static void run(const std::vector<Matrix>& matrices, const std::vector<std::vector<std::byte>>& weights,
                  const std::vector<std::vector<float>>& biases, const std::vector<float>& x, int n_tokens, int n_in,
                  std::vector<std::vector<float>>& y) {
    const DeviceBuffer<float> x_device(x);
    const DeviceBuffer<std::int8_t> q(x.size());
    const DeviceBuffer<Q8Scale> scales(x.size() / 32);
    quantize({x_device.get(), static_cast<std::size_t>(n_in), {nullptr, nullptr, {q.get(), scales.get()}}, n_tokens, n_in}, nullptr);
    MatVecParams p{{}, static_cast<int>(matrices.size()), {q.get(), scales.get()}, x_device.get(), n_tokens, n_in};
    std::vector<std::unique_ptr<DeviceBuffer<std::byte>>> w;
    std::vector<std::unique_ptr<DeviceBuffer<float>>> b, out;
    for (std::size_t i = 0; i < matrices.size(); ++i) {
      std::vector<std::byte> padded = weights[i];
      padded.resize((padded.size() + 15) / 16 * 16);
      w.push_back(std::make_unique<DeviceBuffer<std::byte>>(padded));
      b.push_back(std::make_unique<DeviceBuffer<float>>(biases[i]));
      out.push_back(std::make_unique<DeviceBuffer<float>>(y[i]));
      const Matrix& m = matrices[i];
      p.matrices[i] = {m.type,  w[i]->get(), m.bias ? b[i]->get() : nullptr, out[i]->get(), static_cast<std::size_t>(m.n_out + m.padding),
                       m.n_out, m.accumulate};
    }
    mat_vec(p, nullptr);
    for (std::size_t i = 0; i < y.size(); ++i) y[i] = out[i]->values();
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
    expect_right({{type, 9}}, 1, 2304);  // more than one piece of 32 groups, the last not whole
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
    const std::vector<float> x = normal_floats(8 * n_in, 1);
    std::vector<std::byte> weights = random_weights(type, n_out, n_in, 2);
    weights.resize((weights.size() + 15) / 16 * 16);
    const DeviceBuffer<std::byte> w(weights);
    const DeviceBuffer<float> x_device(x);
    const DeviceBuffer<std::int8_t> q(x.size());
    const DeviceBuffer<Q8Scale> scales(x.size() / 32);
    quantize({x_device.get(), static_cast<std::size_t>(n_in), {nullptr, nullptr, {q.get(), scales.get()}}, 8, n_in}, nullptr);
    const auto run = [&](int n_tokens) {
      const DeviceBuffer<float> y(static_cast<std::size_t>(n_tokens) * n_out);
      MatVecParams p{{}, 1, {q.get(), scales.get()}, x_device.get(), n_tokens, n_in};
      p.matrices[0] = {type, w.get(), nullptr, y.get(), n_out, n_out, false};
      mat_vec(p, nullptr);
      return y.values();
    };
    const std::vector<float> all = run(8);
    for (int n = 1; n < 8; ++n) EXPECT_EQ(first_difference(std::span(all).first(n * n_out), run(n)), "") << n << " tokens";
  }
}

TEST_P(MatVecOnDevice, shows_activations_that_are_no_numbers) {
  const int n_in = 64;
  std::vector<float> x = normal_floats(2 * n_in, 1);
  x[3] = std::nanf("");
  const DeviceBuffer<float> x_device(x), y(2);
  const DeviceBuffer<std::int8_t> q(x.size());
  const DeviceBuffer<Q8Scale> scales(x.size() / 32);
  const DeviceBuffer<std::byte> w(random_weights(TensorType::q8_0, 4, n_in, 2));
  quantize({x_device.get(), n_in, {nullptr, nullptr, {q.get(), scales.get()}}, 2, n_in}, nullptr);
  MatVecParams p{{}, 1, {q.get(), scales.get()}, nullptr, 2, n_in};
  p.matrices[0] = {TensorType::q8_0, w.get(), nullptr, y.get(), 1, 1, false};
  mat_vec(p, nullptr);
  EXPECT_TRUE(std::isnan(y.values()[0]));
  EXPECT_FALSE(std::isnan(y.values()[1]));
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
