#pragma once
// The block formats with AVX2: the codes of a group in a register, and a block's scales. Integer shuffles and the definition's own float
// operations, so the values are those of unpack.cpp. Only for *_avx2.cpp; everything has internal linkage, so that no other file is linked
// with code that a processor without AVX2 cannot run.
//
// A format has
//   Block               its bytes (blocks.h)
//   kGroups             groups of 32 a block
//   kTwoScales          the halves of a group have scales of their own
//   kMinima             it has minima, and its codes are not negative
//   groups(block, f)    calls f(j, codes) for each group
//   scales(block, s, m) scale[2 j], scale[2 j + 1] and, with minima, minimum[j] of each group
// Blocks are read through byte pointers: rows in a file are not aligned for the structs.
#include <immintrin.h>

#include <cstddef>

#include <baton/kernels/tensor_type.h>

#include "blocks.h"

namespace baton::kernels::cpu {
namespace {

inline const std::uint8_t* field(const std::byte* block, std::size_t offset) {
  return reinterpret_cast<const std::uint8_t*>(block) + offset;
}

inline float load_f16(const std::uint8_t* p) {
  std::uint16_t h;
  std::memcpy(&h, p, 2);
  return _cvtsh_ss(h);
}

inline __m256i load_32(const void* p) { return _mm256_loadu_si256(static_cast<const __m256i*>(p)); }

// 16 bytes -> 32 codes: the low nibbles, then the high ones.
inline __m256i nibbles(const std::uint8_t* qs) {
  const __m128i packed = _mm_loadu_si128(reinterpret_cast<const __m128i*>(qs));
  return _mm256_and_si256(_mm256_set_m128i(_mm_srli_epi16(packed, 4), packed), _mm256_set1_epi8(15));
}

// 32 bits -> 32 bytes, `set` where the bit is.
inline __m256i spread_bits(const std::uint8_t* qh, char set) {
  int word;
  std::memcpy(&word, qh, 4);
  const __m256i to_bytes = _mm256_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3);
  const __m256i bit = _mm256_set1_epi64x(static_cast<long long>(0x8040201008040201ull));
  const __m256i spread = _mm256_shuffle_epi8(_mm256_set1_epi32(word), to_bytes);
  return _mm256_and_si256(_mm256_cmpeq_epi8(_mm256_and_si256(spread, bit), bit), _mm256_set1_epi8(set));
}

template <class Bytes, bool kHasMinimum>
struct Format32 {
  using Block = Bytes;
  static constexpr int kGroups = 1;
  static constexpr bool kTwoScales = false, kMinima = kHasMinimum;
  static void scales(const std::byte* block, float* scale, float* minimum) {
    scale[0] = scale[1] = load_f16(field(block, 0));
    if constexpr (kHasMinimum) minimum[0] = load_f16(field(block, 2));
  }
};

struct Q4_0 : Format32<BlockQ4_0, false> {
  template <class F>
  static void groups(const std::byte* b, F&& each) {
    each(0, _mm256_sub_epi8(nibbles(field(b, offsetof(BlockQ4_0, qs))), _mm256_set1_epi8(8)));
  }
};
struct Q4_1 : Format32<BlockQ4_1, true> {
  template <class F>
  static void groups(const std::byte* b, F&& each) {
    each(0, nibbles(field(b, offsetof(BlockQ4_1, qs))));
  }
};
struct Q5_0 : Format32<BlockQ5_0, false> {
  // If the fifth bit is not set, 16 is subtracted: the three high bits of -16 are all ones, so an "or" is enough.
  template <class F>
  static void groups(const std::byte* b, F&& each) {
    const __m256i fifth = spread_bits(field(b, offsetof(BlockQ5_0, qh)), static_cast<char>(0xf0));
    each(0,
         _mm256_or_si256(nibbles(field(b, offsetof(BlockQ5_0, qs))), _mm256_xor_si256(fifth, _mm256_set1_epi8(static_cast<char>(0xf0)))));
  }
};
struct Q5_1 : Format32<BlockQ5_1, true> {
  template <class F>
  static void groups(const std::byte* b, F&& each) {
    each(0, _mm256_or_si256(nibbles(field(b, offsetof(BlockQ5_1, qs))), spread_bits(field(b, offsetof(BlockQ5_1, qh)), 16)));
  }
};
struct Q8_0 : Format32<BlockQ8_0, false> {
  template <class F>
  static void groups(const std::byte* b, F&& each) {
    each(0, load_32(field(b, offsetof(BlockQ8_0, qs))));
  }
};
struct Iq4Nl : Format32<BlockQ4_0, false> {
  template <class F>
  static void groups(const std::byte* b, F&& each) {
    const __m256i values = _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(kIq4nl)));
    each(0, _mm256_shuffle_epi8(values, nibbles(field(b, offsetof(BlockQ4_0, qs)))));
  }
};

// The eight scales and minima of 6 bits (scale_and_minimum() in blocks.h), four at a time in the bytes of a word.
inline void k_scales(const std::byte* block, float* scale, float* minimum) {
  static_assert(offsetof(BlockQ4K, scales) == 4 && offsetof(BlockQ5K, scales) == 4);
  std::uint32_t s[3];
  std::memcpy(s, block + 4, sizeof s);
  constexpr std::uint32_t kSix = 0x3f3f3f3f, kFour = 0x0f0f0f0f, kTop = 0x30303030;
  const auto bytes = [](std::uint32_t low, std::uint32_t high) {
    return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_cvtsi64_si128(static_cast<long long>(std::uint64_t{high} << 32 | low))));
  };
  const __m256 scales = bytes(s[0] & kSix, (s[2] & kFour) | ((s[0] >> 2) & kTop));
  const __m256 minima = bytes(s[1] & kSix, ((s[2] >> 4) & kFour) | ((s[1] >> 2) & kTop));
  const __m256 d = _mm256_mul_ps(_mm256_set1_ps(load_f16(field(block, 0))), scales);
  const __m256 m = _mm256_mul_ps(_mm256_set1_ps(load_f16(field(block, 2))), minima);
  const __m256 low = _mm256_unpacklo_ps(d, d), high = _mm256_unpackhi_ps(d, d);  // each twice: 0 0 1 1 | 4 4 5 5, 2 2 3 3 | 6 6 7 7
  _mm256_storeu_ps(scale, _mm256_permute2f128_ps(low, high, 0x20));
  _mm256_storeu_ps(scale + 8, _mm256_permute2f128_ps(low, high, 0x31));
  _mm256_storeu_ps(minimum, _mm256_xor_ps(m, _mm256_set1_ps(-0.0f)));
}

struct Q4K {
  using Block = BlockQ4K;
  static constexpr int kGroups = 8;
  static constexpr bool kTwoScales = false, kMinima = true;
  static void scales(const std::byte* b, float* scale, float* minimum) { k_scales(b, scale, minimum); }
  template <class F>
  static void groups(const std::byte* b, F&& each) {
    const __m256i low = _mm256_set1_epi8(15);
    for (int j = 0; j < 4; ++j) {
      const __m256i pair = load_32(field(b, offsetof(BlockQ4K, qs) + 32 * j));
      each(2 * j, _mm256_and_si256(pair, low));
      each(2 * j + 1, _mm256_and_si256(_mm256_srli_epi16(pair, 4), low));
    }
  }
};

struct Q5K {
  using Block = BlockQ5K;
  static constexpr int kGroups = 8;
  static constexpr bool kTwoScales = false, kMinima = true;
  static void scales(const std::byte* b, float* scale, float* minimum) { k_scales(b, scale, minimum); }
  template <class F>
  static void groups(const std::byte* b, F&& each) {
    const __m256i low = _mm256_set1_epi8(15), fifth = _mm256_set1_epi8(16);
    __m256i high = load_32(field(b, offsetof(BlockQ5K, qh)));  // bit j of each byte belongs to group j
    for (int j = 0; j < 4; ++j) {
      const __m256i pair = load_32(field(b, offsetof(BlockQ5K, qs) + 32 * j));
      each(2 * j, _mm256_or_si256(_mm256_and_si256(pair, low), _mm256_and_si256(_mm256_slli_epi16(high, 4), fifth)));
      each(2 * j + 1,
           _mm256_or_si256(_mm256_and_si256(_mm256_srli_epi16(pair, 4), low), _mm256_and_si256(_mm256_slli_epi16(high, 3), fifth)));
      high = _mm256_srli_epi16(high, 2);
    }
  }
};

struct Q6K {
  using Block = BlockQ6K;
  static constexpr int kGroups = 8;
  static constexpr bool kTwoScales = true, kMinima = false;
  static void scales(const std::byte* b, float* scale, float*) {
    const __m256 d = _mm256_set1_ps(load_f16(field(b, offsetof(BlockQ6K, d))));
    for (int j = 0; j < 16; j += 8) {
      const __m128i eight = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(field(b, offsetof(BlockQ6K, scales) + j)));
      _mm256_storeu_ps(scale + j, _mm256_mul_ps(d, _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(eight))));
    }
  }
  template <class F>
  static void groups(const std::byte* b, F&& each) {
    const __m256i low = _mm256_set1_epi8(15), two = _mm256_set1_epi8(0x30), offset = _mm256_set1_epi8(32);
    const auto join = [&](__m256i nibble, __m256i high) {
      return _mm256_sub_epi8(_mm256_or_si256(_mm256_and_si256(nibble, low), _mm256_and_si256(high, two)), offset);
    };
    for (int half = 0; half < 2; ++half) {
      const __m256i l0 = load_32(field(b, 64 * half)), l1 = load_32(field(b, 64 * half + 32));
      const __m256i h = load_32(field(b, offsetof(BlockQ6K, qh) + 32 * half));
      each(4 * half, join(l0, _mm256_slli_epi16(h, 4)));
      each(4 * half + 1, join(l1, _mm256_slli_epi16(h, 2)));
      each(4 * half + 2, join(_mm256_srli_epi16(l0, 4), h));
      each(4 * half + 3, join(_mm256_srli_epi16(l1, 4), _mm256_srli_epi16(h, 2)));
    }
  }
};

// Calls f with the format of a quantised type.
template <class F>
inline void with_format(TensorType type, F&& f) {
  switch (type) {
    case TensorType::q4_0:
      return f(Q4_0{});
    case TensorType::q4_1:
      return f(Q4_1{});
    case TensorType::q5_0:
      return f(Q5_0{});
    case TensorType::q5_1:
      return f(Q5_1{});
    case TensorType::q8_0:
      return f(Q8_0{});
    case TensorType::iq4_nl:
      return f(Iq4Nl{});
    case TensorType::q4_k:
      return f(Q4K{});
    case TensorType::q5_k:
      return f(Q5K{});
    case TensorType::q6_k:
      return f(Q6K{});
    case TensorType::f32:
    case TensorType::f16:
    case TensorType::bf16:
      return;  // not quantised
  }
}

}  // namespace
}  // namespace baton::kernels::cpu
