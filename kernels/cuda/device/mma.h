#pragma once
// Tensor-core products of a whole warp: d (16 x 8) = a (16 x k) b (k x 8) + c. d and c may be the same array.
// Needs compute capability 8.0. Lane l, with g = l / 4 and t = l % 4, holds (PTX ISA, "Matrix Fragments for mma.m16n8k16", "mma.m16n8k32"):
//   k = 16, bf16 and f16   a[i]: row g + 8 (i % 2), columns 2 t + 8 (i / 2) and the next, the first in the low half
//                          b[i]: column g, rows 2 t + 8 i and the next
//   k = 32, s8             a[i]: row g + 8 (i % 2), columns 4 t + 16 (i / 2) and the next three, the first in the low byte
//                          b[i]: column g, rows 4 t + 16 i and the next three
//   all                    c[i], d[i]: row g + 8 (i / 2), column 2 t + i % 2
#include <cuda_runtime.h>

#include <cstdint>

#ifndef __CUDACC__
#include <baton/kernels/sim/warp.h>

#include <bit>
#endif

namespace baton::kernels::cuda {

#ifdef __CUDACC__

#define BATON_MMA_F32(name, types)                                                                                                 \
  __device__ __forceinline__ void name(float(&d)[4], const std::uint32_t(&a)[4], const std::uint32_t(&b)[2], const float(&c)[4]) { \
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32." types ".f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%10,%11,%12,%13};"   \
                 : "=f"(d[0]), "=f"(d[1]), "=f"(d[2]), "=f"(d[3])                                                                  \
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]), "f"(c[0]), "f"(c[1]), "f"(c[2]), "f"(c[3]));  \
  }
BATON_MMA_F32(mma_m16n8k16_bf16, "bf16.bf16")
BATON_MMA_F32(mma_m16n8k16_f16, "f16.f16")
#undef BATON_MMA_F32

__device__ __forceinline__ void mma_m16n8k32_s8(int (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2], const int (&c)[4]) {
  asm volatile("mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%10,%11,%12,%13};"
               : "=r"(d[0]), "=r"(d[1]), "=r"(d[2]), "=r"(d[3])
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]), "r"(c[0]), "r"(c[1]), "r"(c[2]), "r"(c[3]));
}

#else

// The line is the caller's, so that lanes that come from two places are told apart.
#define BATON_MMA(name, type, Value)                                                                         \
  inline void name(Value(&d)[4], const std::uint32_t(&a)[4], const std::uint32_t(&b)[2], const Value(&c)[4], \
                   const char* file = __builtin_FILE(), int line = __builtin_LINE()) {                       \
    std::uint32_t c_bits[4], d_bits[4];                                                                      \
    for (int i = 0; i < 4; ++i) c_bits[i] = std::bit_cast<std::uint32_t>(c[i]);                              \
    sim::mma(sim::MmaType::type, d_bits, a, b, c_bits, {file, line});                                        \
    for (int i = 0; i < 4; ++i) d[i] = std::bit_cast<Value>(d_bits[i]);                                      \
  }
BATON_MMA(mma_m16n8k16_bf16, bf16, float)
BATON_MMA(mma_m16n8k16_f16, f16, float)
BATON_MMA(mma_m16n8k32_s8, s8, int)
#undef BATON_MMA

#endif

}  // namespace baton::kernels::cuda
