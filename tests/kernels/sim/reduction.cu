// Sums: by a tree in shared memory and shuffles, and over blocks by the last one to finish.
#include <cuda_runtime.h>

#include <baton/kernels/cuda/device/launch.h>
#include <baton/kernels/cuda/device/shared_memory.h>

#include "samples.h"

namespace baton::kernels::samples {
namespace {

constexpr int kThreads = 128;
constexpr unsigned kAllLanes = 0xffffffff;

// Grid: one block a row, kThreads threads.
__global__ void __launch_bounds__(kThreads) sum_rows_kernel(float* y, const float* __restrict__ x, int n_columns) {
  BATON_SHARED(warp_sums, float[kThreads / 32]);
  float sum = 0;
  for (int i = threadIdx.x; i < n_columns; i += kThreads) sum += x[std::size_t{blockIdx.x} * n_columns + i];
#pragma unroll
  for (int offset = 16; offset > 0; offset /= 2) sum += __shfl_xor_sync(kAllLanes, sum, offset);
  if (threadIdx.x % 32 == 0) warp_sums[threadIdx.x / 32] = sum;
  __syncthreads();
  if (threadIdx.x == 0) {
    for (int w = 1; w < kThreads / 32; ++w) sum += warp_sums[w];
    y[blockIdx.x] = sum;
  }
}

// Grid: n / kThreads rounded up blocks of kThreads threads.
__global__ void __launch_bounds__(kThreads)
    sum_by_last_block_kernel(float* total, float* partial, unsigned* done, const float* __restrict__ x, int n) {
  BATON_SHARED(values, float[kThreads]);
  BATON_SHARED(is_last, bool);
  const int i = blockIdx.x * kThreads + threadIdx.x;
  values[threadIdx.x] = i < n ? x[i] : 0.0f;
  for (int half = kThreads / 2; half > 0; half /= 2) {
    __syncthreads();
    if (threadIdx.x < static_cast<unsigned>(half)) values[threadIdx.x] += values[threadIdx.x + half];
  }
  if (threadIdx.x == 0) {
    partial[blockIdx.x] = values[0];
    __threadfence();
    is_last = atomicAdd(done, 1u) + 1 == gridDim.x;
  }
  __syncthreads();
  if (!is_last) return;
  if (threadIdx.x == 0) {
    __threadfence();
    float sum = 0;
    for (unsigned b = 0; b < gridDim.x; ++b) sum += partial[b];  // in the order of blocks, whichever finished first
    *total = sum;
  }
}

__global__ void scale_add_kernel(float* x, int n, float factor, float addend) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) x[i] = x[i] * factor + addend;
}

}  // namespace

void sum_rows(float* y, const float* x, int n_rows, int n_columns, cudaStream_t stream) {
  cuda::launch(sum_rows_kernel, dim3(n_rows), dim3(kThreads), 0, stream, y, x, n_columns);
}

void sum_by_last_block(float* total, float* partial, unsigned* done, const float* x, int n, cudaStream_t stream) {
  cuda::launch(sum_by_last_block_kernel, dim3((n + kThreads - 1) / kThreads), dim3(kThreads), 0, stream, total, partial, done, x, n);
}

void scale_add(float* x, int n, float factor, float addend, cudaStream_t stream) {
  cuda::launch(scale_add_kernel, dim3((n + kThreads - 1) / kThreads), dim3(kThreads), 0, stream, x, n, factor, addend);
}

}  // namespace baton::kernels::samples
