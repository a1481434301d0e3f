#pragma once
// y = W x (+ bias) for one to eight tokens: the products of decoding. Memory-bound: the lower bound is the time to read W once.
#include <baton/kernels/cuda.h>
#include <baton/kernels/tensor_type.h>

namespace baton::kernels::cuda {

struct MatVecMatrix {
  TensorType type;
  const std::byte* weight;  // (n_out, n_in), rows of row_bytes(type, n_in); 16-byte aligned, memory a multiple of 16 bytes
  const float* bias;        // (n_out), or null
  float* y;                 // (n_tokens, n_out), row t at y + t * y_stride
  std::size_t y_stride;
  int n_out;
  bool accumulate;  // y += instead of y =: the residual connection
};

struct MatVecParams {
  static constexpr int kMaxMatrices = 4, kMaxTokens = 8;
  MatVecMatrix matrices[kMaxMatrices];  // all read x: q, k and v; gate and up. Those of one type share a launch
  int n_matrices;
  Q8Rows x_q8;         // (n_tokens, n_in): read by quantised weights
  const float* x_f32;  // (n_tokens, n_in): read by f32, f16 and bf16 weights
  int n_tokens;        // 1 to kMaxTokens
  int n_in;            // a multiple of the block's elements, and of 32
};
// Quantised: exact integer sums over groups of 32 (q6_K: 16) times weight scale times activation scale, in f32; a lane of a warp has every
// 32nd group, lanes are added at the end. A token's result does not depend on the others.
void mat_vec(const MatVecParams& p, Stream stream);

}  // namespace baton::kernels::cuda
