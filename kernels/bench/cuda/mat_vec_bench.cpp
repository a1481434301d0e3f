#include <baton/kernels/dequantize.h>
#include <baton/kernels/mat_mul_int8.h>
#include <baton/kernels/mat_vec.h>
#include <baton/kernels/quantize.h>
#include <baton/kernels/unpack.h>

#include <algorithm>
#include <cmath>

#include "benches.h"
#include "device.h"
#include "fill.h"

namespace baton::kernels::cuda::bench {
namespace {

TensorType tensor_type(const std::string& name) {
  constexpr std::pair<const char*, TensorType> kTypes[] = {
      {"f32", TensorType::f32},   {"f16", TensorType::f16},   {"bf16", TensorType::bf16}, {"q4_0", TensorType::q4_0},
      {"q4_1", TensorType::q4_1}, {"q5_0", TensorType::q5_0}, {"q5_1", TensorType::q5_1}, {"q8_0", TensorType::q8_0},
      {"q4_k", TensorType::q4_k}, {"q5_k", TensorType::q5_k}, {"q6_k", TensorType::q6_k}, {"iq4_nl", TensorType::iq4_nl}};
  for (const auto& [known, type] : kTypes) {
    if (name == known) return type;
  }
  throw std::invalid_argument("type " + name + " is not a format of weights");
}

struct Activations {
  Activations(int n_tokens, int n_in) : x(static_cast<std::size_t>(n_tokens) * n_in), q(x.size()), scale(x.size() / 32) {
    fill(x.get(), x.bytes(), 1, kF32, nullptr);
    quantize({x.get(), static_cast<std::size_t>(n_in), {nullptr, nullptr, rows()}, n_tokens, n_in}, nullptr);
  }
  Q8Rows rows() const { return {q.get(), scale.get()}; }

  Buffer<float> x;
  Buffer<std::int8_t> q;
  Buffer<Q8Scale> scale;
};

// Some rows of y for all tokens. The bound is that of tests/kernels/cuda/mat_vec_test.cpp: roundings of f32 sums.
void check_rows(TensorType type, const Buffer<std::byte>& weights, const Activations& a, const Buffer<float>& y, int n_out, int n_in,
                int n_tokens) {
  const auto x = download(a.x);
  const auto q = download(a.q);
  const auto scale = download(a.scale);
  const auto got = download(y);
  constexpr int kRows = 16;
  const double parts = n_in / 32.0 + 16, cancel = is_quantised(type) && has_minimum(type) ? 16 : 1;
  std::vector<float> row(n_in);
  for (int i = 0; i < kRows; ++i) {
    const int o = static_cast<int>(static_cast<long long>(n_out - 1) * i / (kRows - 1));
    const auto raw = download(weights.get() + o * row_bytes(type, n_in), row_bytes(type, n_in));
    cpu::dequantize_row(type, raw.data(), n_in, row.data());
    for (int t = 0; t < n_tokens; ++t) {
      double want = 0, size = 0;
      for (int d = 0; d < n_in; ++d) {
        const std::size_t at = static_cast<std::size_t>(t) * n_in + d;
        const double term = row[d] * (is_quantised(type) ? static_cast<double>(scale[at / 32].scale) * q[at] : x[at]);
        want += term, size += std::fabs(term);
      }
      const double error = std::fabs(got[static_cast<std::size_t>(t) * n_out + o] - want);
      if (!(error <= parts * cancel * 0x1p-24 * size + 1e-30)) {
        throw std::runtime_error("differs from double precision: row " + std::to_string(o) + ", token " + std::to_string(t) + " by " +
                                 std::to_string(error) + " where terms add up to " + std::to_string(size));
      }
    }
  }
}

}  // namespace

Result mat_vec(const Shape& shape) {
  const TensorType type = tensor_type(shape.word("type"));
  const int n_out = shape.number("n_out"), n_in = shape.number("n_in"), n_tokens = shape.number("tokens");
  const std::size_t bytes = n_out * row_bytes(type, n_in);
  const Activations a(n_tokens, n_in);
  const Buffer<float> y(static_cast<std::size_t>(n_tokens) * n_out);
  std::vector<Buffer<std::byte>> weights;
  for (int i = n_sets(bytes); i > 0; --i) {
    weights.emplace_back((bytes + 15) / 16 * 16);
    fill(weights.back().get(), weights.back().bytes(), static_cast<unsigned>(i) + 1, kWeights, nullptr);
  }
  const auto run = [&](int set) {
    const MatVecMatrix matrix{type, weights[set].get(), nullptr, y.get(), static_cast<std::size_t>(n_out), n_out, false};
    if (n_tokens <= MatVecParams::kMaxTokens) {
      cuda::mat_vec({{matrix}, 1, a.rows(), a.x.get(), n_tokens, n_in}, nullptr);
    } else {
      mat_mul_int8({{matrix}, 1, a.rows(), n_tokens, n_in}, nullptr);
    }
  };
  run(0);
  wait("mat_vec");
  check_rows(type, weights[0], a, y, n_out, n_in, n_tokens);
  const Timing timing = time_runs(run, static_cast<int>(weights.size()));
  return {static_cast<double>(bytes) / timing.us * 1e-3, "GB/s", timing, static_cast<double>(bytes)};
}

}  // namespace baton::kernels::cuda::bench
