// Launches that no device can run, or that do not cover their data.
#include <baton/kernels/cuda/device/launch.h>
#include <baton/kernels/cuda/device/shared_memory.h>

#include "planted.h"

namespace baton::kernels::planted {
namespace {

// y = x through dynamic shared memory
__global__ void through_shared_kernel(float* y, const float* x, int n) {
  BATON_DYNAMIC_SHARED(bytes);
  float* values = reinterpret_cast<float*>(bytes);
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) values[threadIdx.x] = x[i];
  __syncthreads();
  if (i < n) y[i] = values[threadIdx.x];
}

// A separate kernel for each limit, because a limit is raised for the whole kernel.
template <bool kBug>
__global__ void large_shared_kernel(float* y, const float* x, int n) {
  BATON_DYNAMIC_SHARED(bytes);
  float* values = reinterpret_cast<float*>(bytes) + 15000;  // 60 KB after the beginning
  const int i = threadIdx.x;
  if (i < n) values[i] = x[i];
  __syncthreads();
  if (i < n) y[i] = values[i];
}

// A block has 65536 registers: 128 of them in each of 512 threads. This one keeps 200 numbers alive.
template <bool kBug>
__global__ void many_registers_kernel(float* y, const float* x, int n) {
  constexpr int kLive = kBug ? 200 : 8;
  float values[kLive];
  const int i = threadIdx.x;
#pragma unroll
  for (int j = 0; j < kLive; ++j) values[j] = x[(i + j) % n];
  __syncthreads();
  float sum = 0;
#pragma unroll
  for (int j = 0; j < kLive; ++j) sum += values[j] * values[kLive - 1 - j];
#pragma unroll
  for (int j = 0; j < kLive; ++j) sum -= values[j] * values[kLive - 1 - j];
  y[i] = x[i] + sum;
}

template <bool kBug>
__global__ void __launch_bounds__(kBug ? 128 : 512) launch_bounds_kernel(float* y, const float* x) {
  y[threadIdx.x] = x[threadIdx.x];
}

constexpr int kN = 512;
const std::vector<float> kInput = count_from_one<float>(kN);

bool too_much_shared(bool bug) {
  return gives(kInput, kInput, [=](float* y, const float* x) {
    const std::size_t bytes = (15000 + kN) * sizeof(float);
    const auto kernel = bug ? large_shared_kernel<true> : large_shared_kernel<false>;
    if (!bug) cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(bytes));
    cuda::launch(kernel, dim3(1), dim3(kN), bytes, nullptr, y, x, kN);
  });
}
bool too_many_threads(bool bug) {
  return gives(kInput, kInput, [=](float* y, const float* x) {
    const int threads = bug ? 2048 : kN;
    cuda::launch(through_shared_kernel, dim3(1), dim3(threads), threads * sizeof(float), nullptr, y, x, kN);
  });
}
bool no_dynamic_shared(bool bug) {
  return gives(kInput, kInput, [=](float* y, const float* x) {
    cuda::launch(through_shared_kernel, dim3(1), dim3(kN), bug ? 0 : kN * sizeof(float), nullptr, y, x, kN);
  });
}
bool grid_too_small(bool bug) {
  return gives(kInput, kInput, [=](float* y, const float* x) {
    constexpr int kThreads = 96;
    const int blocks = bug ? kN / kThreads : (kN + kThreads - 1) / kThreads;
    cuda::launch(through_shared_kernel, dim3(blocks), dim3(kThreads), kThreads * sizeof(float), nullptr, y, x, kN);
  });
}
bool empty_grid(bool bug) {
  return gives(kInput, kInput, [=](float* y, const float* x) {
    cuda::launch(through_shared_kernel, dim3(1), dim3(kN), kN * sizeof(float), nullptr, y, x, kN);
    const int n_more = 0;
    if (bug) cuda::launch(through_shared_kernel, dim3(n_more), dim3(kN), kN * sizeof(float), nullptr, y, x, n_more);
  });
}
bool grid_y_too_large(bool bug) {
  return gives(kInput, kInput, [=](float* y, const float* x) {
    const dim3 grid = bug ? dim3(1, 65536) : dim3(1, 1);
    cuda::launch(through_shared_kernel, grid, dim3(kN), kN * sizeof(float), nullptr, y, x, kN);
  });
}
bool too_many_registers(bool bug) {
  return gives(kInput, kInput, [=](float* y, const float* x) {
    const auto kernel = bug ? many_registers_kernel<true> : many_registers_kernel<false>;
    cuda::launch(kernel, dim3(1), dim3(kN), 0, nullptr, y, x, kN);
  });
}
bool launch_bounds(bool bug) {
  return gives(kInput, kInput, [=](float* y, const float* x) {
    const auto kernel = bug ? launch_bounds_kernel<true> : launch_bounds_kernel<false>;
    cuda::launch(kernel, dim3(1), dim3(kN), 0, nullptr, y, x);
  });
}

}  // namespace

const std::vector<Bug>& launch_bugs() {
  static const std::vector<Bug> bugs = {
      {"too_much_shared", "61 KB of dynamic shared memory without cudaFuncSetAttribute", too_much_shared},
      {"no_dynamic_shared", "dynamic shared memory forgotten in the launch", no_dynamic_shared},
      {"too_many_threads", "2048 threads in a block", too_many_threads},
      {"grid_too_small", "a grid that leaves a rest of the data out", grid_too_small},
      {"empty_grid", "a grid of no blocks", empty_grid},
      {"grid_y_too_large", "65536 blocks in y", grid_y_too_large},
      {"too_many_registers", "more registers than a block has", too_many_registers},
      {"launch_bounds", "more threads than __launch_bounds__ allows", launch_bounds},
  };
  return bugs;
}

}  // namespace baton::kernels::planted
