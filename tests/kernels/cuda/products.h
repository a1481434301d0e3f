#pragma once
// Products of weights with activations, for the tests of the ops that compute them: inputs, the op of the CPU, copies on the device, and
// the same in double precision.
#include <baton/kernels/dequantize.h>
#include <baton/kernels/mat_mul.h>
#include <baton/kernels/mat_vec.h>
#include <baton/kernels/quantize.h>
#include <baton/kernels/unpack.h>

#include <memory>

#include "device.h"

namespace baton::kernels::cuda {

struct Matrix {
  TensorType type;
  int n_out;
  bool bias = false, accumulate = false;
  int padding = 0;  // between rows of y

  std::size_t stride() const { return static_cast<std::size_t>(n_out) + padding; }
};

struct Products {
  Products(std::vector<Matrix> of, int tokens, int in) : matrices(std::move(of)), n_tokens(tokens), n_in(in) {
    x = normal_floats(static_cast<std::size_t>(n_tokens) * n_in, 1);
    for (const Matrix& m : matrices) {
      const auto seed = static_cast<unsigned>(weights.size());
      before.push_back(normal_floats(n_tokens * m.stride(), 5));
      weights.push_back(random_weights(m.type, m.n_out, n_in, seed + 2));
      biases.push_back(normal_floats(m.n_out, seed + 20));
    }
  }

  std::vector<Matrix> matrices;
  int n_tokens, n_in;
  std::vector<float> x;                             // (n_tokens, n_in)
  std::vector<std::vector<float>> before, biases;   // y before the op; of each matrix
  std::vector<std::vector<std::byte>> weights;      // of each matrix
  using Results = std::vector<std::vector<float>>;  // y of each matrix: (n_tokens, stride)

  std::string about() const { return std::to_string(n_tokens) + " tokens, n_in " + std::to_string(n_in); }

  Activations activations(const Cpu& cpu) const {
    Activations a;
    cpu::prepare_activations(a, x.data(), n_tokens, n_in, true, cpu);
    return a;
  }
  Results on_cpu(CpuLevel level) const {
    ThreadPool pool(1);
    const Cpu cpu{level, pool};
    const Activations a = activations(cpu);
    Results y = before;
    for (std::size_t i = 0; i < matrices.size(); ++i) {
      const MatMulParams p{matrices[i].type, weights[i].data(), matrices[i].bias ? biases[i].data() : nullptr, y[i].data(),
                           matrices[i].n_out};
      cpu::mat_mul(&p, 1, a, cpu);
    }
    return y;
  }

  // term(matrix, weight, token, d): weight times activation, as the op defines it; bound(matrix, size): the error bound of the result,
  // where size is the sum of all parts' magnitudes. Memory between rows must be unchanged.
  template <class Term, class Bound>
  void expect_near(const Results& got, Term term, Bound bound) const {
    SCOPED_TRACE(about());
    std::vector<float> row(n_in);
    for (std::size_t i = 0; i < matrices.size(); ++i) {
      const Matrix& m = matrices[i];
      SCOPED_TRACE(std::string(type_name(m.type)) + ", n_out " + std::to_string(m.n_out));
      for (int o = 0; o < m.n_out + m.padding; ++o) {
        if (o < m.n_out) cpu::dequantize_row(m.type, weights[i].data() + o * row_bytes(m.type, n_in), n_in, row.data());
        for (int t = 0; t < n_tokens; ++t) {
          const std::size_t at = t * m.stride() + o;
          if (o >= m.n_out) {
            ASSERT_EQ(got[i][at], before[i][at]) << "beyond the row";
            continue;
          }
          double want = 0, size = 0;
          for (int d = 0; d < n_in; ++d) {
            const double part = term(m, row[d], t, d);
            want += part, size += std::fabs(part);
          }
          if (m.bias) want += biases[i][o], size += std::fabs(biases[i][o]);
          if (m.accumulate) want += before[i][at], size += std::fabs(before[i][at]);
          ASSERT_NEAR(got[i][at], want, bound(m, size) + 1e-30) << "row " << o << " token " << t;
        }
      }
    }
  }
};

// The products' matrices on the device; their memory is a multiple of `alignment` bytes.
class DeviceMatrices {
 public:
  explicit DeviceMatrices(const Products& products, std::size_t alignment = 16) {
    for (std::size_t i = 0; i < products.matrices.size(); ++i) {
      const Matrix& m = products.matrices[i];
      std::vector<std::byte> padded = products.weights[i];
      padded.resize((padded.size() + alignment - 1) / alignment * alignment);
      weights_.push_back(std::make_unique<DeviceBuffer<std::byte>>(padded));
      biases_.push_back(std::make_unique<DeviceBuffer<float>>(products.biases[i]));
      y_.push_back(std::make_unique<DeviceBuffer<float>>(products.before[i]));
      params_.push_back(
          {m.type, weights_[i]->get(), m.bias ? biases_[i]->get() : nullptr, y_[i]->get(), m.stride(), m.n_out, m.accumulate});
    }
  }
  template <std::size_t kMax>
  void put_into(MatVecMatrix (&matrices)[kMax]) const {
    std::copy(params_.begin(), params_.end(), matrices);
  }
  Products::Results y() const {
    Products::Results out;
    for (const auto& buffer : y_) out.push_back(buffer->values());
    return out;
  }

 private:
  std::vector<std::unique_ptr<DeviceBuffer<std::byte>>> weights_;
  std::vector<std::unique_ptr<DeviceBuffer<float>>> biases_, y_;
  std::vector<MatVecMatrix> params_;
};

// Activations as integers with a scale for each 32, by the device's own quantize().
class DeviceActivations {
 public:
  explicit DeviceActivations(const Products& p) : x_(p.x), q_(p.x.size()), scales_(p.x.size() / 32) {
    quantize({x_.get(), static_cast<std::size_t>(p.n_in), {nullptr, nullptr, {q_.get(), scales_.get()}}, p.n_tokens, p.n_in}, nullptr);
  }
  const float* x() const { return x_.get(); }
  Q8Rows q8() const { return {q_.get(), scales_.get()}; }

 private:
  DeviceBuffer<float> x_;
  DeviceBuffer<std::int8_t> q_;
  DeviceBuffer<Q8Scale> scales_;
};

}  // namespace baton::kernels::cuda
