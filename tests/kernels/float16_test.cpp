#include <baton/kernels/float16.h>

#include <limits>

#include "levels.h"

namespace baton::kernels {
namespace {

// The definition, in double precision: sign, exponent, mantissa of IEEE 754 binary16.
double half_value(std::uint16_t h) {
  const int exponent = h >> 10 & 31, mantissa = h & 1023;
  const double magnitude = exponent ? std::ldexp(1024 + mantissa, exponent - 25) : std::ldexp(mantissa, -24);
  return h & 0x8000 ? -magnitude : magnitude;
}

bool is_half_nan(std::uint16_t h) { return (h & 0x7c00) == 0x7c00 && (h & 0x3ff); }

// The nearest half by its definition: the neighbours are found by search, ties go to the even mantissa, numbers at or past the middle
// between 65504 and 65536 are infinite.
std::uint16_t nearest_half(double x) {
  const std::uint16_t sign = std::signbit(x) ? 0x8000 : 0;
  const double magnitude = std::fabs(x);
  if (magnitude >= 65520) return sign | 0x7c00;
  int low = 0, high = 0x7bff;  // the largest half not above magnitude
  while (low < high) {
    const int middle = (low + high + 1) / 2;
    if (half_value(static_cast<std::uint16_t>(middle)) <= magnitude)
      low = middle;
    else
      high = middle - 1;
  }
  const double below = magnitude - half_value(static_cast<std::uint16_t>(low));
  const double above = (low == 0x7bff ? 65536.0 : half_value(static_cast<std::uint16_t>(low + 1))) - magnitude;
  const bool up = above < below || (above == below && low % 2 == 1);
  return static_cast<std::uint16_t>(sign | (low + up));
}

TEST(Float16, all_65536_values_are_exact_in_f32) {
  for (int h = 0; h < 65536; ++h) {
    const auto half = static_cast<std::uint16_t>(h);
    const float f = f16_to_f32(half);
    if (is_half_nan(half)) {
      ASSERT_TRUE(std::isnan(f)) << h;
    } else if ((half & 0x7c00) == 0x7c00) {
      ASSERT_EQ(f, half & 0x8000 ? -std::numeric_limits<float>::infinity() : std::numeric_limits<float>::infinity()) << h;
    } else {
      ASSERT_EQ(static_cast<double>(f), half_value(half)) << h;
      ASSERT_EQ(std::signbit(f), (half & 0x8000) != 0) << h;
    }
  }
}

TEST(Float16, all_65536_values_come_back) {
  for (int h = 0; h < 65536; ++h) {
    const auto half = static_cast<std::uint16_t>(h);
    const std::uint16_t back = f32_to_f16(f16_to_f32(half));
    if (is_half_nan(half)) {
      ASSERT_TRUE(is_half_nan(back)) << h;
    } else {
      ASSERT_EQ(back, half);
    }
  }
}

TEST(Float16, rounds_to_the_nearest_and_ties_to_even) {
  std::mt19937 random(1);
  const auto check = [](float x) {
    ASSERT_EQ(f32_to_f16(x), nearest_half(x)) << std::hexfloat << x;
    ASSERT_EQ(f32_to_f16(-x), nearest_half(-x)) << std::hexfloat << -x;
  };
  for (int h = 0; h < 0x7c00; ++h) {  // each half, the middle to the next one, and the f32 neighbours of both
    const auto low = half_value(static_cast<std::uint16_t>(h));
    const double next = h == 0x7bff ? 65536.0 : half_value(static_cast<std::uint16_t>(h + 1));
    for (const auto x : {static_cast<float>(low), static_cast<float>((low + next) / 2)}) {
      for (const float y : {x, std::nextafter(x, 1e9f), std::nextafter(x, 0.0f)}) check(y);
    }
  }
  for (int i = 0; i < 200000; ++i) {
    const float x = std::bit_cast<float>(static_cast<std::uint32_t>(random()));
    if (!std::isnan(x)) check(x);
  }
}

TEST(Float16, keeps_infinity_and_nan) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(f32_to_f16(kInfinity), 0x7c00);
  EXPECT_EQ(f32_to_f16(-kInfinity), 0xfc00);
  EXPECT_EQ(f32_to_f16(std::numeric_limits<float>::max()), 0x7c00);
  EXPECT_TRUE(is_half_nan(f32_to_f16(std::numeric_limits<float>::quiet_NaN())));
  EXPECT_TRUE(is_half_nan(f32_to_f16(std::bit_cast<float>(0x7f800001u)))) << "a NaN whose payload is lost must not become infinity";
}

TEST(Float16, bf16_is_the_upper_half_of_f32) {
  for (int h = 0; h < 65536; ++h) {
    ASSERT_EQ(std::bit_cast<std::uint32_t>(bf16_to_f32(static_cast<std::uint16_t>(h))), static_cast<std::uint32_t>(h) << 16);
  }
}

}  // namespace
}  // namespace baton::kernels
