#include <baton/kernels/dequantize.h>
#include <baton/kernels/mat_mul.h>
#include <baton/kernels/mat_mul_int8.h>
#include <baton/kernels/quantize.h>
#include <baton/kernels/unpack.h>

#include "device.h"

namespace baton::kernels::cuda {
namespace {

struct Matrix {
  TensorType type;
  int n_out;
  bool bias = false, accumulate = false;
  int padding = 0;  // between rows of y
};

class MatMulInt8 : public OnTarget {
 protected:
  // y of each matrix; `before` is what it holds until then.
  std::vector<std::vector<float>> run(const std::vector<Matrix>& matrices, const std::vector<std::vector<std::byte>>& weights,
                                      const std::vector<std::vector<float>>& biases, const std::vector<float>& x, int n_tokens, int n_in,
                                      const std::vector<std::vector<float>>& before) {
    std::vector<std::vector<float>> y = before;
    if (!GetParam().on_device()) {
      ThreadPool pool(1);
      const Cpu cpu{GetParam().level(), pool};
      Activations a;
      cpu::prepare_activations(a, x.data(), n_tokens, n_in, true, cpu);
      for (std::size_t i = 0; i < matrices.size(); ++i) {
        const MatMulParams p{matrices[i].type, weights[i].data(), matrices[i].bias ? biases[i].data() : nullptr, y[i].data(),
                             matrices[i].n_out};
        cpu::mat_mul(&p, 1, a, cpu);
      }
      return y;
    }
    const DeviceBuffer<float> x_device(x);
    const DeviceBuffer<std::int8_t> q(x.size());
    const DeviceBuffer<Q8Scale> scales(x.size() / 32);
    quantize({x_device.get(), static_cast<std::size_t>(n_in), {nullptr, nullptr, {q.get(), scales.get()}}, n_tokens, n_in}, nullptr);
    MatMulInt8Params p{{}, static_cast<int>(matrices.size()), {q.get(), scales.get()}, n_tokens, n_in};
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
    mat_mul_int8(p, nullptr);
    for (std::size_t i = 0; i < y.size(); ++i) y[i] = out[i]->values();
    return y;
  }

  // Products of the numbers that the weights mean with the activations that the integers mean: nothing but f32's rounding may differ.
  void expect_right(const std::vector<Matrix>& matrices, int n_tokens, int n_in) {
    SCOPED_TRACE(std::to_string(n_tokens) + " tokens, n_in " + std::to_string(n_in));
    const std::vector<float> x = normal_floats(static_cast<std::size_t>(n_tokens) * n_in, 1);
    ThreadPool pool(1);
    Activations a;
    cpu::prepare_activations(a, x.data(), n_tokens, n_in, true, {CpuLevel::scalar, pool});
    std::vector<std::vector<float>> before, biases;
    std::vector<std::vector<std::byte>> weights;
    for (const Matrix& m : matrices) {
      const auto seed = static_cast<unsigned>(weights.size());
      before.push_back(normal_floats(static_cast<std::size_t>(n_tokens) * (m.n_out + m.padding), 5));
      weights.push_back(random_weights(m.type, m.n_out, n_in, seed + 2));
      biases.push_back(normal_floats(m.n_out, seed + 20));
    }
    const std::vector<std::vector<float>> got = run(matrices, weights, biases, x, n_tokens, n_in, before);
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
            const double part = row[d] * (static_cast<double>(a.scale[at / 32]) * a.q[at]);
            want += part, size += std::fabs(part);
          }
          const std::size_t at = static_cast<std::size_t>(t) * (m.n_out + m.padding) + o;
          if (m.bias) want += biases[i][o], size += std::fabs(biases[i][o]);
          if (m.accumulate) want += before[i][at], size += std::fabs(before[i][at]);
          // At most n_in / 32 groups (twice as many sums, of halves or with minima) are added one after the other, then 8 warps, bias and
          // residual; each group has a few roundings. Formats with minima subtract parts that are larger than their difference: 16 of them
          // at the most.
          const double parts = n_in / 16.0 + 16, cancel = has_minimum(m.type) ? 16 : 1;
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

  void expect_same_bits_beside_others() {
    const int n_in = 896, n_out = 20;
    const std::vector<float> x = normal_floats(40 * n_in, 1);
    for (const TensorType type : {TensorType::q4_0, TensorType::q8_0, TensorType::q5_1}) {
      const std::vector<std::byte> weights = random_weights(type, n_out, n_in, 2);
      const auto first_token = [&](int n_tokens) {
        const std::vector<float> rows(x.begin(), x.begin() + n_tokens * n_in);
        const std::vector<float> poison(static_cast<std::size_t>(n_tokens) * n_out, std::nanf(""));
        std::vector<float> y = run({{type, n_out}}, {weights}, {std::vector<float>(n_out)}, rows, n_tokens, n_in, {poison})[0];
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

// Rows of 896 elements are 504 bytes of Q4_0, so every second one does not begin at a multiple of 16; 2304 and more bring a warp its second
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
  const int n_in = 64, n_tokens = 9;
  std::vector<float> x = normal_floats(n_tokens * n_in, 1);
  x[3] = std::nanf("");
  const std::vector<float> y = run({{TensorType::q8_0, 1}}, {random_weights(TensorType::q8_0, 1, n_in, 2)}, {{0.0f}}, x, n_tokens, n_in,
                                   {std::vector<float>(n_tokens, 1.0f)})[0];
  EXPECT_TRUE(std::isnan(y[0]));
  for (int t = 1; t < n_tokens; ++t) EXPECT_FALSE(std::isnan(y[t])) << t;
}

}  // namespace
}  // namespace baton::kernels::cuda
