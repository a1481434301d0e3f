#pragma once
// The work of the element-wise ops on one row, one set per level.
#include <cstddef>

namespace baton::kernels::cpu {

struct VectorOps {
  void (*rms_norm)(const float* x, const float* weight, float* y, int n, float epsilon);
  void (*swiglu)(const float* gate, const float* up, float* y, std::size_t n);
};
extern const VectorOps kVectorScalar;
extern const VectorOps kVectorAvx2;

}  // namespace baton::kernels::cpu
