#pragma once
// Philox4x32-10, the counter-based generator of Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC 2011): any
// number of a sequence is computed directly, without state.
#include <cuda_runtime.h>

#include <cstdint>

namespace baton::kernels::cuda {

struct Philox4x32 {
  std::uint32_t v[4];
};

// Ten rounds over the counter; key = (key_low, key_high).
__host__ __device__ inline Philox4x32 philox4x32_10(Philox4x32 counter, std::uint32_t key_low, std::uint32_t key_high) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = std::uint64_t{0xd2511f53u} * counter.v[0], b = std::uint64_t{0xcd9e8d57u} * counter.v[2];
    counter = {{static_cast<std::uint32_t>(b >> 32) ^ counter.v[1] ^ key_low, static_cast<std::uint32_t>(b),
                static_cast<std::uint32_t>(a >> 32) ^ counter.v[3] ^ key_high, static_cast<std::uint32_t>(a)}};
    key_low += 0x9e3779b9u;   // 2^32 / golden ratio
    key_high += 0xbb67ae85u;  // 2^32 * (sqrt(3) - 1)
  }
  return counter;
}

}  // namespace baton::kernels::cuda
