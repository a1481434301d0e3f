#pragma once
// Keys and values of one byte as f16 operands of tensor-core products.
#include <cuda_fp16.h>

#include <cstdint>
#include <cstring>

#include "arithmetic.h"

namespace baton::kernels::cuda {

// Integers of q8_0, exactly: f16 1024 + u has u in its low byte.
struct Int8Bytes {
  // The two low bytes of x as two f16.
  __device__ static __forceinline__ std::uint32_t expand(std::uint32_t x) {
    const std::uint32_t biased = __byte_perm(x ^ 0x80808080u, 0x64646464u, 0x4140);
    __half2 h;
    memcpy(&h, &biased, 4);
    h = __hsub2(h, __floats2half2_rn(1152.0f, 1152.0f));
    std::uint32_t bits;
    memcpy(&bits, &h, 4);
    return bits;
  }
};

// e4m3, times 2^-8: its exponent and mantissa become those of an f16, whose exponent is biased by 8 more. NaN, 0x7f, stays one: adding 1 to
// it alone carries into the sign's place, and from there into the exponent's highest bit, which makes that of an f16 all ones.
struct Fp8Bytes {
  __device__ static __forceinline__ std::uint32_t expand(std::uint32_t x) {
    const std::uint32_t high = __byte_perm(x, 0, 0x1404), magnitude = high & 0x7f007f00u;
    const std::uint32_t nan = (magnitude + 0x01000100u) & 0x80008000u;
    return (high & 0x80008000u) | (magnitude | nan) >> 1;
  }
};

// To e4m3, nearest even; beyond 448 saturates, NaN stays one.
__device__ __forceinline__ std::uint8_t fp8_bits(float x) {
  const std::uint32_t bits = __float_as_uint(x), sign = bits >> 24 & 0x80;
  const float magnitude = fabsf(x);
  if (!(magnitude <= 448.0f)) return static_cast<std::uint8_t>(sign | (isnan(x) ? 0x7f : 0x7e));
  if (magnitude < 0x1p-6f) return static_cast<std::uint8_t>(sign | static_cast<std::uint32_t>(__float2int_rn(magnitude * 0x1p9f)));
  const std::uint32_t m = __float_as_uint(magnitude);
  return static_cast<std::uint8_t>(sign | (((m + 0x7ffff + (m >> 20 & 1)) >> 20) - (120 << 3)));
}

}  // namespace baton::kernels::cuda
