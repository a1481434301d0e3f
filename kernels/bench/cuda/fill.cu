#include "fill.h"

#include <cuda_runtime.h>

#include <baton/kernels/cuda/device/launch.h>

namespace baton::kernels::cuda::bench {
namespace {

// Any grid. The mixing function is splitmix64's (Steele et al. 2014).
__global__ void fill_kernel(std::uint32_t* to, std::size_t n, std::uint32_t seed, Bits bits) {
  const std::size_t stride = static_cast<std::size_t>(gridDim.x) * blockDim.x;
  for (std::size_t i = static_cast<std::size_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < n; i += stride) {
    std::uint64_t x = (static_cast<std::uint64_t>(seed) << 40) + i * 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    to[i] = (static_cast<std::uint32_t>(x >> 32) & bits.keep) | bits.set;
  }
}

}  // namespace

void fill(void* to, std::size_t bytes, std::uint32_t seed, Bits bits, Stream stream) {
  const std::size_t n = bytes / 4, blocks = (n + 255) / 256;
  if (n == 0) return;
  launch(fill_kernel, dim3(static_cast<unsigned>(blocks < 4096 ? blocks : 4096)), dim3(256), 0, stream, static_cast<std::uint32_t*>(to), n,
         seed, bits);
}

}  // namespace baton::kernels::cuda::bench
