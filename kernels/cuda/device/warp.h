#pragma once
// Sums and maxima over the 32 lanes of a warp. All lanes must call them, and all get the result. The order of additions is fixed.
#include <cuda_runtime.h>

namespace baton::kernels::cuda {

constexpr unsigned kAllLanes = 0xffffffffu;

__device__ __forceinline__ float warp_sum(float x) {
#pragma unroll
  for (int distance = 16; distance > 0; distance /= 2) x += __shfl_xor_sync(kAllLanes, x, distance);
  return x;
}
__device__ __forceinline__ int warp_sum(int x) { return __reduce_add_sync(kAllLanes, x); }
__device__ __forceinline__ float warp_max(float x) {
#pragma unroll
  for (int distance = 16; distance > 0; distance /= 2) x = fmaxf(x, __shfl_xor_sync(kAllLanes, x, distance));
  return x;
}

}  // namespace baton::kernels::cuda
