#pragma once
// The 16-bit float formats as bits: to f32 exactly, from f32 with round to nearest even. NaN becomes 0x7fff, as in the device's
// conversions.
#include <baton/kernels/float16.h>

#include <bit>
#include <cstdint>

namespace baton::kernels::sim {

inline float f16_bits_to_float(std::uint16_t bits) { return f16_to_f32(bits); }
inline float bf16_bits_to_float(std::uint16_t bits) { return bf16_to_f32(bits); }

inline std::uint16_t float_to_f16_bits(float f) { return f != f ? std::uint16_t{0x7fff} : f32_to_f16(f); }

inline std::uint16_t float_to_bf16_bits(float f) {
  if (f != f) return 0x7fff;
  const auto bits = std::bit_cast<std::uint32_t>(f);
  return static_cast<std::uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);  // may carry into infinity, as it should
}

}  // namespace baton::kernels::sim
