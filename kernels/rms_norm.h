#pragma once
// y = x / sqrt(mean(x^2) + epsilon) * weight, row by row (Zhang & Sennrich 2019).
// The sum of squares runs in eight lanes (lane l: elements l, l + 8, ..), added as in mat_mul.h: all levels give the same bits.
#include <baton/kernels/cpu.h>
#include <baton/kernels/cuda.h>

namespace baton::kernels {

struct RmsNormParams {
  const float* x;       // (n_tokens, n)
  const float* weight;  // (n)
  float* y;             // (n_tokens, n), may be x
  int n_tokens;
  int n;
  float epsilon;
};

namespace cpu {
void rms_norm(const RmsNormParams& p, const Cpu& cpu);
}

namespace cuda {
struct AddRmsNormParams {
  float* x;             // (n_rows, n)
  const float* add;     // (n_rows, n), added to x before the norm: the residual connection; or null
  const float* weight;  // (n)
  RowOutputs y;
  int n_rows;
  int n;  // at most 16384
  float epsilon;
};
// x += add, then y = the norm of x.
void add_rms_norm(const AddRmsNormParams& p, Stream stream);
}  // namespace cuda
}  // namespace baton::kernels
