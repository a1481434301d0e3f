#pragma once
// cp.async: asynchronous copies of 4, 8 or 16 bytes from global to shared memory. Both addresses are aligned to the size. The first
// source_bytes are copied and the rest of the destination becomes zero; with 0 the source is not read. The thread that issued the copies
// sees them after it waited; the other threads of the block see them after a following __syncthreads. Needs compute capability 8.0.
#include <cuda_runtime.h>

#include <cstdint>

#ifndef __CUDACC__
#include <baton/kernels/sim/async_copy.h>
#endif

namespace baton::kernels::cuda {

#ifdef __CUDACC__

// .cg bypasses the L1 and exists for 16 bytes only.
__device__ __forceinline__ void cp_async_16(void* shared, const void* global, int source_bytes = 16) {
  const auto address = static_cast<std::uint32_t>(__cvta_generic_to_shared(shared));
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(address), "l"(__cvta_generic_to_global(global)), "r"(source_bytes)
               : "memory");
}
__device__ __forceinline__ void cp_async_8(void* shared, const void* global, int source_bytes = 8) {
  const auto address = static_cast<std::uint32_t>(__cvta_generic_to_shared(shared));
  asm volatile("cp.async.ca.shared.global [%0], [%1], 8, %2;" ::"r"(address), "l"(__cvta_generic_to_global(global)), "r"(source_bytes)
               : "memory");
}
__device__ __forceinline__ void cp_async_4(void* shared, const void* global, int source_bytes = 4) {
  const auto address = static_cast<std::uint32_t>(__cvta_generic_to_shared(shared));
  asm volatile("cp.async.ca.shared.global [%0], [%1], 4, %2;" ::"r"(address), "l"(__cvta_generic_to_global(global)), "r"(source_bytes)
               : "memory");
}

// Closes the group of all copies since the last commit.
__device__ __forceinline__ void cp_async_commit() { asm volatile("cp.async.commit_group;" ::: "memory"); }

// Waits until at most kPending of the newest groups are still in progress.
template <int kPending>
__device__ __forceinline__ void cp_async_wait() {
  asm volatile("cp.async.wait_group %0;" ::"n"(kPending) : "memory");
}

// Waits for all copies, committed or not.
__device__ __forceinline__ void cp_async_wait_all() { asm volatile("cp.async.wait_all;" ::: "memory"); }

#else

inline void cp_async_16(void* shared, const void* global, int source_bytes = 16) { sim::async_copy(shared, global, 16, source_bytes); }
inline void cp_async_8(void* shared, const void* global, int source_bytes = 8) { sim::async_copy(shared, global, 8, source_bytes); }
inline void cp_async_4(void* shared, const void* global, int source_bytes = 4) { sim::async_copy(shared, global, 4, source_bytes); }
inline void cp_async_commit() { sim::async_commit(); }
template <int kPending>
void cp_async_wait() {
  sim::async_wait_group(kPending);
}
inline void cp_async_wait_all() { sim::async_wait_all(); }

#endif

}  // namespace baton::kernels::cuda
