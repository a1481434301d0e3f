#pragma once
// exp for f32, the same bits at every level: only additions, multiplications and exact steps, in one order.
//
// exp(x) = 2^n * exp(r), n = round(x / ln 2), |r| <= ln(2) / 2; exp(r) by the Taylor polynomial of degree 7, whose remainder is below
// 0.3466^8 / 8! = 5e-9 relative. With the rounding of the Horner steps the result is within 2 ulp (tested against double precision).
// ln 2 is split (Cody & Waite 1980): the high part has 15 bits, so n * high is exact for |n| < 512.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>

namespace baton::kernels::cpu {

constexpr float kExpLowest = -87.0f;  // exp(-87) = 1.6e-38, still normal; below, 0
constexpr float kExpHighest = 88.0f;  // exp(88) = 1.7e38; above, clamped to it
constexpr float kLog2e = 1.44269504088896341f;
constexpr float kLn2High = 0.693145751953125f;  // 0x1.62e4p-1
constexpr float kLn2Low = 1.42860682030941723e-6f;
constexpr float kRoundMagic = 12582912.0f;  // 1.5 * 2^23: adding it rounds to the nearest integer, ties to even
constexpr float kExpTaylor[] = {1.0f / 5040, 1.0f / 720, 1.0f / 120, 1.0f / 24, 1.0f / 6, 0.5f, 1.0f, 1.0f};

// Internal linkage: the copies compiled in the fast paths must not be used on a processor without their instructions.
static inline float exp_f32(float x) {
  if (x < kExpLowest) return 0.0f;
  if (x != x) return x;  // NaN has no integer part
  x = x > kExpHighest ? kExpHighest : x;
  const float n = (x * kLog2e + kRoundMagic) - kRoundMagic;
  const float r = (x - n * kLn2High) - n * kLn2Low;
  float p = kExpTaylor[0];
  for (int i = 1; i < 8; ++i) p = p * r + kExpTaylor[i];
  return p * std::bit_cast<float>((static_cast<std::int32_t>(n) + 127) << 23);
}

}  // namespace baton::kernels::cpu
