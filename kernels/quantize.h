#pragma once
// Quantises activations to the integers that products with quantised weights read.
#include <baton/kernels/cuda.h>

namespace baton::kernels::cuda {

struct QuantizeParams {
  const float* x;  // (n_rows, n), row r at x + r * row_stride
  std::size_t row_stride;
  RowOutputs y;
  int n_rows;
  int n;
};
void quantize(const QuantizeParams& p, Stream stream);

}  // namespace baton::kernels::cuda
