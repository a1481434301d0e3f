#pragma once
// Kernels that do one thing as fast as the device can: move memory, or multiply on tensor cores.
#include <baton/kernels/cuda.h>

#include <cstddef>
#include <cstdint>

namespace baton::kernels::cuda::bench {

// Bytes are multiples of 16. `blocks` of 512 threads.
void copy_words(void* to, const void* from, std::size_t bytes, int blocks, Stream stream);
// Reads the whole buffer `times` times; sum (1 word) keeps the compiler from omitting the reads.
void read_words(std::uint32_t* sum, const void* from, std::size_t bytes, int times, int blocks, Stream stream);

// Each warp does n products in each of kChains chains; blocks of kMmaWarps warps. Products are of 16 x 8 with a depth of 16 (bf16), 32
// (s8).
constexpr int kChains = 8, kMmaWarps = 8;
void mma_bf16(float* out, int n, int blocks, Stream stream);  // out: (blocks, 32 * kMmaWarps)
void mma_s8(int* out, int n, int blocks, Stream stream);

}  // namespace baton::kernels::cuda::bench
