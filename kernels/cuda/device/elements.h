#pragma once
// Element-wise work over rows of f32: up to 1024 blocks of 256 threads that stride over the elements, four at a time.
#include <cuda_runtime.h>

#include <cstddef>

namespace baton::kernels::cuda {

constexpr int kElementThreads = 256;

inline dim3 element_grid(std::size_t n) {
  const std::size_t blocks = (n + 1023) / 1024;
  return dim3(static_cast<unsigned>(blocks < 1024 ? blocks : 1024));
}

// x = f(x, y), over whole words of four and then the rest.
template <class F>
__device__ __forceinline__ void for_elements(float* x, const float* y, std::size_t n, F f) {
  const std::size_t thread = static_cast<std::size_t>(blockIdx.x) * blockDim.x + threadIdx.x,
                    threads = static_cast<std::size_t>(gridDim.x) * blockDim.x;
  for (std::size_t i = thread; i < n / 4; i += threads) {
    const float4 a = reinterpret_cast<const float4*>(x)[i], b = reinterpret_cast<const float4*>(y)[i];
    reinterpret_cast<float4*>(x)[i] = make_float4(f(a.x, b.x), f(a.y, b.y), f(a.z, b.z), f(a.w, b.w));
  }
  for (std::size_t i = n / 4 * 4 + thread; i < n; i += threads) x[i] = f(x[i], y[i]);
}

}  // namespace baton::kernels::cuda
