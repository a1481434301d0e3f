#pragma once
// y = W x (+ bias) with quantised weights for a few tokens, such as a batch of sequences or the check of a draft: too many for mat_vec(),
// too few to pay for dequantising W. Blocks are smaller if a device has less than 227 KiB of shared memory per block.
#include <baton/kernels/mat_vec.h>

namespace baton::kernels::cuda {

struct MatMulInt8Params {
  static constexpr int kMaxMatrices = MatVecParams::kMaxMatrices, kMaxTokens = 64;
  MatVecMatrix matrices[kMaxMatrices];  // quantised, all read x; those of one type share a launch
  int n_matrices;
  Q8Rows x;      // (n_tokens, n_in)
  int n_tokens;  // 1 to kMaxTokens
  int n_in;      // a multiple of the block's elements, and of 32
};
// Exact integer sums over groups of 32 (q6_K: 16) times weight scale times activation scale, in f32, in an order determined by the device,
// the type and n_in. A token's result does not depend on the others.
void mat_mul_int8(const MatMulInt8Params& p, Stream stream);

}  // namespace baton::kernels::cuda
