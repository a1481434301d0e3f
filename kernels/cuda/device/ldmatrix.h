#pragma once
// ldmatrix: a warp loads N = 1, 2 or 4 matrices of 8 x 8 16-bit elements from shared memory. Lanes 8 i .. 8 i + 7 give the addresses of the
// rows of matrix i, 16 bytes each and aligned to 16; the addresses of lanes from 8 N on are not used. Lane l gets in r[i] of matrix i row
// l / 4, columns 2 (l % 4) and the next: what mma takes as a fragment. _trans: of the transposed matrix.
#include <cuda_runtime.h>

#include <cstdint>

#ifndef __CUDACC__
#include <baton/kernels/sim/shared_memory.h>
#include <baton/kernels/sim/warp.h>
#endif

namespace baton::kernels::cuda {

#ifdef __CUDACC__

#define BATON_LDMATRIX(suffix, trans)                                                                                                    \
  __device__ __forceinline__ void ldmatrix_x1##suffix(std::uint32_t(&r)[1], const void* row) {                                           \
    const auto address = static_cast<std::uint32_t>(__cvta_generic_to_shared(row));                                                      \
    asm volatile("ldmatrix.sync.aligned.m8n8.x1" trans ".shared.b16 {%0}, [%1];" : "=r"(r[0]) : "r"(address) : "memory");                \
  }                                                                                                                                      \
  __device__ __forceinline__ void ldmatrix_x2##suffix(std::uint32_t(&r)[2], const void* row) {                                           \
    const auto address = static_cast<std::uint32_t>(__cvta_generic_to_shared(row));                                                      \
    asm volatile("ldmatrix.sync.aligned.m8n8.x2" trans ".shared.b16 {%0,%1}, [%2];" : "=r"(r[0]), "=r"(r[1]) : "r"(address) : "memory"); \
  }                                                                                                                                      \
  __device__ __forceinline__ void ldmatrix_x4##suffix(std::uint32_t(&r)[4], const void* row) {                                           \
    const auto address = static_cast<std::uint32_t>(__cvta_generic_to_shared(row));                                                      \
    asm volatile("ldmatrix.sync.aligned.m8n8.x4" trans ".shared.b16 {%0,%1,%2,%3}, [%4];"                                                \
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])                                                                        \
                 : "r"(address)                                                                                                          \
                 : "memory");                                                                                                            \
  }
BATON_LDMATRIX(, "")
BATON_LDMATRIX(_trans, ".trans")
#undef BATON_LDMATRIX

#else

// Each lane reads its own row here, in code that ThreadSanitizer sees.
template <int kMatrices>
void load_matrices(std::uint32_t (&r)[kMatrices], const void* row, bool transposed, sim::Site site) {
  std::uint32_t own[4] = {}, result[4];
  if (sim::running.thread->lane < 8 * kMatrices) {
    sim::check_shared_address(row, 16, 16, "ldmatrix");
    for (int i = 0; i < 4; ++i) own[i] = static_cast<const std::uint32_t*>(row)[i];
  }
  sim::exchange_matrices(kMatrices, transposed, own, result, site);
  for (int i = 0; i < kMatrices; ++i) r[i] = result[i];
}

#define BATON_LDMATRIX(n, suffix, transposed)                                                                   \
  inline void ldmatrix_x##n##suffix(std::uint32_t(&r)[n], const void* row, const char* file = __builtin_FILE(), \
                                    int line = __builtin_LINE()) {                                              \
    load_matrices<n>(r, row, transposed, {file, line});                                                         \
  }
BATON_LDMATRIX(1, , false)
BATON_LDMATRIX(2, , false)
BATON_LDMATRIX(4, , false)
BATON_LDMATRIX(1, _trans, true)
BATON_LDMATRIX(2, _trans, true)
BATON_LDMATRIX(4, _trans, true)
#undef BATON_LDMATRIX

#endif

}  // namespace baton::kernels::cuda
