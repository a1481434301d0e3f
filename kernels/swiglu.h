#pragma once
// y = silu(gate) * up, silu(x) = x / (1 + exp(-x)) (Shazeer 2020). exp is the one of cpu/exp.h at every level.
#include <baton/kernels/cpu.h>
#include <baton/kernels/cuda.h>

#include <cstddef>

namespace baton::kernels {

struct SwigluParams {
  const float* gate;  // (n)
  const float* up;    // (n)
  float* y;           // (n), may be gate or up
  std::size_t n;      // all rows
};

namespace cpu {
void swiglu(const SwigluParams& p, const Cpu& cpu);
}

namespace cuda {

enum class GateFunction { silu, gelu };  // gelu: the tanh approximation (Hendrycks & Gimpel 2016)

struct GluParams {
  const float* gate;  // (n_rows, n), row r at gate + r * row_stride
  const float* up;    // likewise
  std::size_t row_stride;
  RowOutputs y;  // (n_rows, n), dense; f32 may be gate or up where row_stride is n
  int n_rows;
  int n;
  GateFunction function;
};
void glu(const GluParams& p, Stream stream);

}  // namespace cuda
}  // namespace baton::kernels
