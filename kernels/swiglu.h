#pragma once
// y = silu(gate) * up, silu(x) = x / (1 + exp(-x)) (Shazeer 2020). exp is the one of cpu/exp.h at every level.
#include <baton/kernels/cpu.h>

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
}  // namespace baton::kernels
