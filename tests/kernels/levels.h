#pragma once
// Shared by the tests of the kernels: levels, random numbers, comparison of bits.
#include <baton/kernels/cpu.h>
#include <baton/kernels/float16.h>
#include <baton/kernels/tensor_type.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <span>
#include <string>
#include <vector>

namespace baton::kernels {

// A case that compares the fast path with the definition ends here if there is no fast path.
#define BATON_SKIP_WITHOUT_AVX2() \
  if (best_cpu_level() == CpuLevel::scalar) GTEST_SKIP() << "this processor has no AVX2 with FMA and F16C"

inline std::vector<CpuLevel> levels_here() {
  std::vector<CpuLevel> out;
  for (const CpuLevel level : known_cpu_levels()) {
    if (level <= best_cpu_level()) out.push_back(level);
  }
  return out;
}

inline std::vector<float> normal_floats(std::size_t n, unsigned seed, float deviation = 1) {
  std::mt19937 random(seed);
  std::normal_distribution<float> value(0, deviation);
  std::vector<float> out(n);
  for (float& x : out) x = value(random);
  return out;
}

// Empty if all bits agree (NaN and the sign of zero included), otherwise the first difference.
inline std::string first_difference(std::span<const float> a, std::span<const float> b) {
  if (a.size() != b.size()) return "sizes " + std::to_string(a.size()) + " and " + std::to_string(b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (std::bit_cast<std::uint32_t>(a[i]) != std::bit_cast<std::uint32_t>(b[i])) {
      return "element " + std::to_string(i) + ": " + std::to_string(a[i]) + " and " + std::to_string(b[i]);
    }
  }
  return "";
}

constexpr TensorType kQuantisedTypes[] = {TensorType::q4_0, TensorType::q4_1, TensorType::q5_0, TensorType::q5_1,  TensorType::q8_0,
                                          TensorType::q4_k, TensorType::q5_k, TensorType::q6_k, TensorType::iq4_nl};
constexpr TensorType kFloatTypes[] = {TensorType::f32, TensorType::f16, TensorType::bf16};

inline const char* type_name(TensorType type) {
  switch (type) {
    case TensorType::f32:
      return "F32";
    case TensorType::f16:
      return "F16";
    case TensorType::bf16:
      return "BF16";
    case TensorType::q4_0:
      return "Q4_0";
    case TensorType::q4_1:
      return "Q4_1";
    case TensorType::q5_0:
      return "Q5_0";
    case TensorType::q5_1:
      return "Q5_1";
    case TensorType::q8_0:
      return "Q8_0";
    case TensorType::q4_k:
      return "Q4_K";
    case TensorType::q5_k:
      return "Q5_K";
    case TensorType::q6_k:
      return "Q6_K";
    case TensorType::iq4_nl:
      return "IQ4_NL";
  }
  return "?";
}

// The places and number of a block's f16 scales: the other bytes may have any value.
struct ScaleFields {
  std::size_t offset;
  int count;
};
inline ScaleFields scale_fields(TensorType type) {
  switch (type) {
    case TensorType::q4_1:
    case TensorType::q5_1:
    case TensorType::q4_k:
    case TensorType::q5_k:
      return {0, 2};
    case TensorType::q6_k:
      return {208, 1};
    default:
      return {0, 1};
  }
}

// n_rows rows of n elements: every code occurs, scales are ordinary numbers of either sign.
inline std::vector<std::byte> random_weights(TensorType type, std::size_t n_rows, std::size_t n, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<std::byte> out(n_rows * row_bytes(type, n));
  if (!is_quantised(type)) {
    std::normal_distribution<float> value(0, 0.1f);
    for (std::size_t i = 0; i < n_rows * n; ++i) {
      const float x = value(random);
      const std::uint32_t bits = std::bit_cast<std::uint32_t>(x);
      const std::uint16_t half = type == TensorType::f16 ? f32_to_f16(x) : static_cast<std::uint16_t>(bits >> 16);
      if (type == TensorType::f32) {
        std::memcpy(out.data() + 4 * i, &bits, 4);
      } else {
        std::memcpy(out.data() + 2 * i, &half, 2);
      }
    }
    return out;
  }
  for (std::byte& b : out) b = static_cast<std::byte>(random());
  std::uniform_real_distribution<float> scale(-0.01f, 0.01f);
  for (std::size_t block = 0; block < out.size(); block += block_shape(type).bytes) {
    for (int i = 0; i < scale_fields(type).count; ++i) {
      const std::uint16_t half = f32_to_f16(scale(random));
      std::memcpy(out.data() + block + scale_fields(type).offset + 2 * i, &half, 2);
    }
  }
  return out;
}

}  // namespace baton::kernels
