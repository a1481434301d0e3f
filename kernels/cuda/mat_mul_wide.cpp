#include <baton/kernels/dequantize.h>
#include <baton/kernels/mat_mul_wide.h>

#include <algorithm>

#include "cublas_library.h"

namespace baton::kernels::cuda {
namespace {

constexpr int kTileRows = 128;  // of gemm(): with tiles of W that are a multiple of it, no block is half empty

void multiply(const GemmParams& p, Cublas* cublas, Stream stream) {
  if (!cublas || !cublas->gemm(p, stream)) gemm(p, stream);
}

}  // namespace

void mat_mul_wide(const MatMulWideParams& p, Cublas* cublas, Stream stream) {
  if (p.n_tokens == 0) return;
  const auto k = static_cast<std::size_t>(p.n_in);
  for (int i = 0; i < p.n_matrices; ++i) {
    const MatVecMatrix& m = p.matrices[i];
    GemmParams product{p.x, nullptr, m.bias, m.y, m.y_stride, p.n_tokens, m.n_out, p.n_in, m.accumulate};
    if (m.type == TensorType::bf16) {
      product.w = reinterpret_cast<const std::uint16_t*>(m.weight);
      multiply(product, cublas, stream);
      continue;
    }
    int n_rows = static_cast<int>(std::min<std::size_t>(p.scratch_elements / k, m.n_out));
    if (n_rows > kTileRows && n_rows < m.n_out) n_rows = n_rows / kTileRows * kTileRows;
    for (int first = 0; first < m.n_out; first += n_rows) {
      product.n = std::min(n_rows, m.n_out - first);
      dequantize({m.type, m.weight + first * row_bytes(m.type, k), p.scratch, static_cast<std::size_t>(product.n), p.n_in}, stream);
      product.w = p.scratch;
      product.bias = m.bias ? m.bias + first : nullptr;
      product.y = m.y + first;
      multiply(product, cublas, stream);
    }
  }
}

}  // namespace baton::kernels::cuda
