// Races between the threads of a block, and between blocks.
#include <baton/kernels/cuda/device/launch.h>
#include <baton/kernels/cuda/device/shared_memory.h>

#include "planted.h"

namespace baton::kernels::planted {
namespace {

constexpr int kThreads = 96;

template <bool kBug>
__global__ void missing_barrier_kernel(float* y, const float* x) {
  BATON_SHARED(values, float[kThreads]);
  values[threadIdx.x] = x[threadIdx.x];
  if (!kBug) __syncthreads();
  y[threadIdx.x] = values[kThreads - 1 - threadIdx.x];
}

// Two warps write the same value at once: no order of threads shows it in the result.
template <bool kBug>
__global__ void shared_race_kernel(float* y, const float* x) {
  BATON_SHARED(scale, float);
  if (threadIdx.x % 32 == 0 && (kBug || threadIdx.x == 0)) scale = 1;
  __syncthreads();
  y[threadIdx.x] = x[threadIdx.x] * scale;
}

// A buffer is written again while others may still read it; they read the same numbers, so the result is right.
template <bool kBug>
__global__ void reuse_race_kernel(float* y, const float* x) {
  BATON_SHARED(values, float[kThreads]);
  float sum = 0;
  for (int round = 0; round < 2; ++round) {
    values[threadIdx.x] = x[threadIdx.x];
    __syncthreads();
    sum += values[(threadIdx.x + 1) % kThreads];
    if (!kBug) __syncthreads();
  }
  y[threadIdx.x] = sum / 2;
}

template <bool kBug>
__global__ void missing_syncwarp_kernel(float* y, const float* x) {
  BATON_SHARED(values, float[kThreads]);
  const int lane = threadIdx.x % 32, first = threadIdx.x - lane;
  values[threadIdx.x] = x[threadIdx.x];
  if (!kBug) __syncwarp();
  y[threadIdx.x] = values[first + 31 - lane];
}

template <bool kBug>
__global__ void divergent_barrier_kernel(float* y, const float* x) {
  BATON_SHARED(values, float[kThreads]);
  values[threadIdx.x] = x[threadIdx.x];
  if (!kBug) {
    __syncthreads();
  } else if (threadIdx.x < 32) {
    __syncthreads();
  } else {
    __syncthreads();
  }
  y[threadIdx.x] = values[kThreads - 1 - threadIdx.x];
}

template <bool kBug>
__global__ void early_return_kernel(float* y, const float* x, int n) {
  BATON_SHARED(values, float[kThreads]);
  const int i = threadIdx.x;
  if (kBug && i >= n) return;
  values[i] = i < n ? x[i] : 0.0f;
  __syncthreads();
  if (i < n) y[i] = values[n - 1 - i];
}

// Block b reads the value that block b - 1 wrote.
template <bool kBug>
__global__ void block_order_kernel(float* y, const float* x) {
  if (kBug) {
    y[blockIdx.x] = (blockIdx.x ? y[blockIdx.x - 1] : 0.0f) + x[blockIdx.x];
  } else {
    float sum = 0;
    for (unsigned b = 0; b <= blockIdx.x; ++b) sum += x[b];
    y[blockIdx.x] = sum;
  }
}

template <bool kBug>
__global__ void missing_atomic_kernel(int* y, const int* x) {
  BATON_SHARED(total, int);
  if (threadIdx.x == 0) total = 0;
  __syncthreads();
  if (kBug) {
    total += x[threadIdx.x];
  } else {
    atomicAdd(&total, x[threadIdx.x]);
  }
  __syncthreads();
  if (threadIdx.x == 0) *y = total;
}

const std::vector<float> kInput = count_from_one<float>(kThreads);

template <class Kernel>
auto with(Kernel kernel) {
  return [=](auto* y, const auto* x) { cuda::launch(kernel, dim3(1), dim3(kThreads), 0, nullptr, y, x); };
}

bool missing_barrier(bool bug) {
  const std::vector<float> expected(kInput.rbegin(), kInput.rend());
  return gives(kInput, expected, with(bug ? missing_barrier_kernel<true> : missing_barrier_kernel<false>));
}
bool shared_race(bool bug) { return gives(kInput, kInput, with(bug ? shared_race_kernel<true> : shared_race_kernel<false>)); }
bool reuse_race(bool bug) {
  std::vector<float> expected(kInput.begin() + 1, kInput.end());
  expected.push_back(1);
  return gives(kInput, expected, with(bug ? reuse_race_kernel<true> : reuse_race_kernel<false>));
}
bool missing_syncwarp(bool bug) {
  std::vector<float> expected;
  for (int i = 0; i < kThreads; ++i) expected.push_back(static_cast<float>(i / 32 * 32 + 31 - i % 32 + 1));
  return gives(kInput, expected, with(bug ? missing_syncwarp_kernel<true> : missing_syncwarp_kernel<false>));
}
bool divergent_barrier(bool bug) {
  const std::vector<float> expected(kInput.rbegin(), kInput.rend());
  return gives(kInput, expected, with(bug ? divergent_barrier_kernel<true> : divergent_barrier_kernel<false>));
}
bool early_return(bool bug) {
  const auto x = count_from_one<float>(kThreads - 6);
  const std::vector<float> expected(x.rbegin(), x.rend());
  const auto kernel = bug ? early_return_kernel<true> : early_return_kernel<false>;
  return gives(x, expected,
               [=](float* y, const float* in) { cuda::launch(kernel, dim3(1), dim3(kThreads), 0, nullptr, y, in, kThreads - 6); });
}
bool block_order(bool bug) {
  std::vector<float> expected;
  for (int i = 1; i <= 8; ++i) expected.push_back(static_cast<float>(i * (i + 1) / 2));
  const auto kernel = bug ? block_order_kernel<true> : block_order_kernel<false>;
  return gives(count_from_one<float>(8), expected,
               [=](float* y, const float* x) { cuda::launch(kernel, dim3(8), dim3(1), 0, nullptr, y, x); });
}
bool missing_atomic(bool bug) {
  const std::vector<int> expected{kThreads * (kThreads + 1) / 2};
  return gives(count_from_one<int>(kThreads), expected, with(bug ? missing_atomic_kernel<true> : missing_atomic_kernel<false>));
}

}  // namespace

const std::vector<Bug>& barrier_bugs() {
  static const std::vector<Bug> bugs = {
      {"missing_barrier", "missing __syncthreads between write and read", missing_barrier},
      {"shared_race", "two warps write one shared variable, result right", shared_race},
      {"reuse_race", "missing __syncthreads before a tile is reused, result right", reuse_race},
      {"missing_syncwarp", "missing __syncwarp between lanes", missing_syncwarp},
      {"missing_atomic", "a sum without atomicAdd, result right by chance", missing_atomic},
      {"divergent_barrier", "__syncthreads in both arms of a branch", divergent_barrier},
      {"early_return", "threads return before a __syncthreads", early_return},
      {"block_order", "a block reads what the block before it wrote", block_order},
  };
  return bugs;
}

}  // namespace baton::kernels::planted
