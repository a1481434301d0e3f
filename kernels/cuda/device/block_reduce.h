#pragma once
// Sums, maxima and prefix sums beyond the one warp of warp.h. Orders are fixed.
#include "warp.h"

namespace baton::kernels::cuda {

// x of this lane and of those before it.
template <class T>
__device__ __forceinline__ T warp_inclusive_sum(T x, int lane) {
#pragma unroll
  for (int distance = 1; distance < 32; distance *= 2) {
    const T before = __shfl_up_sync(kAllLanes, x, distance);
    if (lane >= distance) x += before;
  }
  return x;
}

// Adds in parts of 27 bits, whose sums fit into the 32 bits that one instruction adds over a warp.
__device__ __forceinline__ unsigned long long warp_total(unsigned long long x) {
  constexpr unsigned kLowBits = (1u << 27) - 1;
  const unsigned long long low = __reduce_add_sync(kAllLanes, static_cast<unsigned>(x) & kLowBits),
                           middle = __reduce_add_sync(kAllLanes, static_cast<unsigned>(x >> 27) & kLowBits),
                           high = __reduce_add_sync(kAllLanes, static_cast<unsigned>(x >> 54));
  return low + (middle << 27) + (high << 54);
}
__device__ __forceinline__ double warp_total(double x) {
#pragma unroll
  for (int distance = 16; distance > 0; distance /= 2) x += __shfl_xor_sync(kAllLanes, x, distance);
  return x;
}

// Over all threads of the block. All of them must call it, and all get the result. `slots`: shared memory, one value per warp.
__device__ __forceinline__ float block_max(float x, float* slots) {
  const int thread = static_cast<int>(threadIdx.x), n_warps = static_cast<int>(blockDim.x) / 32;
  x = warp_max(x);
  __syncthreads();  // slots may still be in use by the previous call
  if (thread % 32 == 0) slots[thread / 32] = x;
  __syncthreads();
  for (int w = 0; w < n_warps; ++w) x = fmaxf(x, slots[w]);
  return x;
}
__device__ __forceinline__ double block_sum(double x, double* slots) {
  const int thread = static_cast<int>(threadIdx.x), n_warps = static_cast<int>(blockDim.x) / 32;
  x = warp_total(x);
  __syncthreads();
  if (thread % 32 == 0) slots[thread / 32] = x;
  __syncthreads();
  x = slots[0];
  for (int w = 1; w < n_warps; ++w) x += slots[w];
  return x;
}

}  // namespace baton::kernels::cuda
