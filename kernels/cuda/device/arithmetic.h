#pragma once
// Single instructions of one thread for which CUDA C++ has no portable function.
#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <cstdint>

#ifndef __CUDACC__
#include <baton/kernels/sim/toolkit/float16_bits.h>
#endif

namespace baton::kernels::cuda {

constexpr float kMinusInfinity = -__builtin_huge_valf();

// c + the sum of the four products of signed bytes of a and b.
__device__ __forceinline__ int dp4a(int a, int b, int c) {
#ifdef __CUDACC__
  int d;
  asm("dp4a.s32.s32 %0, %1, %2, %3;" : "=r"(d) : "r"(a), "r"(b), "r"(c));
  return d;
#else
  return __dp4a(a, b, c);
#endif
}

// Two floats as 16-bit ones, rounded to nearest even, `low` in the low half: the registers of mma's fragments.
__device__ __forceinline__ std::uint32_t pack_bf16(float low, float high) {
#ifdef __CUDACC__
  std::uint32_t d;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(d) : "f"(high), "f"(low));
  return d;
#else
  return sim::float_to_bf16_bits(low) | std::uint32_t{sim::float_to_bf16_bits(high)} << 16;
#endif
}
__device__ __forceinline__ std::uint32_t pack_f16(float low, float high) {
#ifdef __CUDACC__
  std::uint32_t d;
  asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(d) : "f"(high), "f"(low));
  return d;
#else
  return sim::float_to_f16_bits(low) | std::uint32_t{sim::float_to_f16_bits(high)} << 16;
#endif
}

__device__ __forceinline__ std::uint16_t bf16_bits(float x) { return static_cast<std::uint16_t>(pack_bf16(x, 0.0f)); }
__device__ __forceinline__ std::uint16_t f16_bits(float x) { return static_cast<std::uint16_t>(pack_f16(x, 0.0f)); }

__device__ __forceinline__ float f16_value(std::uint16_t bits) { return __half2float(__ushort_as_half(bits)); }
__device__ __forceinline__ float bf16_value(std::uint16_t bits) { return __uint_as_float(static_cast<std::uint32_t>(bits) << 16); }

// 2^x with an error of at most 2 units in the last place; subnormal results are 0. The simulator is exact instead. -inf gives 0.
__device__ __forceinline__ float exp2_approx(float x) {
#ifdef __CUDACC__
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
#else
  const float y = exp2f(x);
  return y < 0x1p-126f ? 0.0f : y;
#endif
}

}  // namespace baton::kernels::cuda
