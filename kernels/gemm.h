#pragma once
// y = x W^T (+ bias) for many rows, both operands bf16, sums in f32. mat_mul_wide.h takes weights in other formats.
#include <baton/kernels/cuda.h>

namespace baton::kernels::cuda {

struct GemmParams {
  const std::uint16_t* x;  // (m, k) bf16
  const std::uint16_t* w;  // (n, k) bf16
  const float* bias;       // (n), or null
  float* y;                // (m, n), row r at y + r * y_stride. y and bias need no alignment: they may begin at any column
  std::size_t y_stride;
  int m, n;
  int k;            // a multiple of 8
  bool accumulate;  // y += instead of y =
};
// Sums run over k in an order that only the shape determines.
void gemm(const GemmParams& p, Stream stream);

}  // namespace baton::kernels::cuda
