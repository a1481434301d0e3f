#pragma once
// CUDA's keywords and built-in variables, defined for a C++ compiler.
#include <baton/kernels/sim/block.h>

// NOLINTBEGIN(bugprone-reserved-identifier): CUDA's names
#define __global__
#define __device__
#define __host__
#define __constant__
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)  // tests/check/kernels/planted_bugs.py compares nvcc's with the launches
#define __align__(n) alignas(n)
#define __grid_constant__
// See shared_memory.h for the reason.
#define __shared__ declare_it_with_BATON_SHARED_of_kernels_cuda_device_shared_memory_h
// NOLINTEND(bugprone-reserved-identifier)

#define threadIdx (::baton::kernels::sim::running.thread->thread_idx)
#define blockIdx (::baton::kernels::sim::running.block_idx)
#define blockDim (::baton::kernels::sim::running.block_dim)
#define gridDim (::baton::kernels::sim::running.grid_dim)
constexpr int warpSize = baton::kernels::sim::kWarpSize;
