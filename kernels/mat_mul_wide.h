#pragma once
// y = W x (+ bias) for the many tokens of a prefill, W in any format. Tensor-core bound: W is dequantised to bf16, as many rows at a time
// as fit into scratch, and multiplied by cuBLAS or by gemm.h.
#include <baton/kernels/mat_vec.h>

namespace baton::kernels::cuda {

class Cublas;  // kernels/cuda/cublas_library.h

struct MatMulWideParams {
  static constexpr int kMaxMatrices = MatVecParams::kMaxMatrices;
  MatVecMatrix matrices[kMaxMatrices];  // of any types; all read x
  int n_matrices;
  const std::uint16_t* x;  // (n_tokens, n_in) bf16
  int n_tokens;
  int n_in;                      // a multiple of 8 and of the block's elements
  std::uint16_t* scratch;        // may be null if all weights are bf16, which are read directly
  std::size_t scratch_elements;  // at least n_in: one row. Some megabytes keep a tile in the L2 between its writing and its reading
};
// Sums run over n_in in f32, in an order that only the shape determines with gemm(), and that cuBLAS chooses with cuBLAS. If cuBLAS refuses
// a product, gemm() computes it. cublas: null for none; one thread at a time.
void mat_mul_wide(const MatMulWideParams& p, Cublas* cublas, Stream stream);

}  // namespace baton::kernels::cuda
