#include "ceilings.h"

#include <cuda_runtime.h>

#include <baton/kernels/cuda/device/launch.h>
#include <baton/kernels/cuda/device/ptx.h>

namespace baton::kernels::cuda::bench {
namespace {

constexpr int kThreads = 512, kWordsAhead = 8;

// Any grid. kWordsAhead words of 16 bytes of each thread are in flight at once.
__global__ void __launch_bounds__(kThreads, 2) copy_kernel(uint4* to, const uint4* from, std::size_t n) {
  const std::size_t stride = static_cast<std::size_t>(gridDim.x) * blockDim.x;
  std::size_t i = static_cast<std::size_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  for (; i + (kWordsAhead - 1) * stride < n; i += kWordsAhead * stride) {
    uint4 words[kWordsAhead];
#pragma unroll
    for (int w = 0; w < kWordsAhead; ++w) words[w] = from[i + w * stride];
#pragma unroll
    for (int w = 0; w < kWordsAhead; ++w) to[i + w * stride] = words[w];
  }
  for (; i < n; i += stride) to[i] = from[i];
}

// Any grid. In each turn a block reads the part that another block read in the turn before, so that it is not in its L1.
__global__ void __launch_bounds__(kThreads, 2) read_kernel(std::uint32_t* sum, const uint4* from, std::size_t n, int times) {
  const std::size_t stride = static_cast<std::size_t>(gridDim.x) * blockDim.x;
  std::uint32_t found = 0;
  for (int turn = 0; turn < times; ++turn) {
    std::size_t i = static_cast<std::size_t>((blockIdx.x + 37 * turn) % gridDim.x) * blockDim.x + threadIdx.x;
    for (; i + (kWordsAhead - 1) * stride < n; i += kWordsAhead * stride) {
      uint4 words[kWordsAhead];
#pragma unroll
      for (int w = 0; w < kWordsAhead; ++w) words[w] = from[i + w * stride];
#pragma unroll
      for (int w = 0; w < kWordsAhead; ++w) found += words[w].x ^ words[w].y ^ words[w].z ^ words[w].w;
    }
    for (; i < n; i += stride) found += from[i].x ^ from[i].y ^ from[i].z ^ from[i].w;
    found = found * 3 + 1;  // so that each turn differs from the one before
  }
  atomicAdd(sum, found);
}

struct MmaBf16 {
  using Value = float;
  static constexpr std::uint32_t kOperand = 0x3f803f80;  // ones
  __device__ static void run(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2]) { mma_m16n8k16_bf16(d, a, b, d); }
};
struct MmaS8 {
  using Value = int;
  static constexpr std::uint32_t kOperand = 0x01010101;
  __device__ static void run(int (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2]) { mma_m16n8k32_s8(d, a, b, d); }
};

// Any grid; kMmaWarps warps a block. Eight chains hide the latency of a product.
template <class Mma>
__global__ void __launch_bounds__(32 * kMmaWarps) mma_kernel(typename Mma::Value* out, int n) {
  const std::uint32_t a[4] = {Mma::kOperand, Mma::kOperand, Mma::kOperand, Mma::kOperand}, b[2] = {Mma::kOperand, Mma::kOperand};
  typename Mma::Value sums[kChains][4] = {};
  for (int i = 0; i < n; ++i) {
#pragma unroll
    for (int c = 0; c < kChains; ++c) Mma::run(sums[c], a, b);
  }
  typename Mma::Value sum = 0;
#pragma unroll
  for (int c = 0; c < kChains; ++c) sum += sums[c][0];
  out[static_cast<std::size_t>(blockIdx.x) * blockDim.x + threadIdx.x] = sum;
}

}  // namespace

void copy_words(void* to, const void* from, std::size_t bytes, int blocks, Stream stream) {
  launch(copy_kernel, dim3(static_cast<unsigned>(blocks)), dim3(kThreads), 0, stream, static_cast<uint4*>(to),
         static_cast<const uint4*>(from), bytes / 16);
}

void read_words(std::uint32_t* sum, const void* from, std::size_t bytes, int times, int blocks, Stream stream) {
  launch(read_kernel, dim3(static_cast<unsigned>(blocks)), dim3(kThreads), 0, stream, sum, static_cast<const uint4*>(from), bytes / 16,
         times);
}

void mma_bf16(float* out, int n, int blocks, Stream stream) {
  launch(mma_kernel<MmaBf16>, dim3(static_cast<unsigned>(blocks)), dim3(32 * kMmaWarps), 0, stream, out, n);
}

void mma_s8(int* out, int n, int blocks, Stream stream) {
  launch(mma_kernel<MmaS8>, dim3(static_cast<unsigned>(blocks)), dim3(32 * kMmaWarps), 0, stream, out, n);
}

}  // namespace baton::kernels::cuda::bench
