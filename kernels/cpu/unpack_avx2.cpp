// unpack_row with AVX2: integer shuffles only, so the values are the scalar ones by construction (and by test).
#include <baton/kernels/unpack.h>
#include <immintrin.h>

#include <cstddef>

#include "blocks.h"

namespace baton::kernels::cpu {
namespace {

inline float f16(std::uint16_t h) { return _cvtsh_ss(h); }

inline void store(std::int8_t* q, __m256i v) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(q), v); }

inline void set_scale(float* scale, float value) { scale[0] = scale[1] = value; }

// A block's field. Rows in a file are not aligned for the block structs, so no reference to one is formed.
inline const std::uint8_t* bytes(const std::byte* block, std::size_t offset) { return reinterpret_cast<const std::uint8_t*>(block) + offset; }

// 16 bytes -> 32 codes: the low nibbles, then the high ones.
inline __m256i nibbles(const std::uint8_t* qs) {
  const __m128i packed = _mm_loadu_si128(reinterpret_cast<const __m128i*>(qs));
  const __m256i both = _mm256_set_m128i(_mm_srli_epi16(packed, 4), packed);
  return _mm256_and_si256(both, _mm256_set1_epi8(15));
}

// 32 bits -> 32 bytes, 0x10 where the bit is set.
inline __m256i fifth_bits(const std::uint8_t* qh) {
  int word;
  std::memcpy(&word, qh, 4);
  const __m256i spread = _mm256_shuffle_epi8(
      _mm256_set1_epi32(word), _mm256_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3));
  const __m256i bit = _mm256_set1_epi64x(static_cast<long long>(0x8040201008040201ull));
  return _mm256_and_si256(_mm256_cmpeq_epi8(_mm256_and_si256(spread, bit), bit), _mm256_set1_epi8(0x10));
}

template <class Block, __m256i codes(const std::byte*)>
void unpack32(const std::byte* row, std::size_t n_groups, const UnpackedRow& out, bool minima) {
  for (std::size_t g = 0; g < n_groups; ++g, row += sizeof(Block)) {
    store(out.q + kGroup * g, codes(row));
    std::uint16_t d[2];
    std::memcpy(d, row, 4);
    set_scale(out.scale + 2 * g, f16(d[0]));
    if (minima) out.minimum[g] = f16(d[1]);
  }
}

inline __m256i codes_q4_0(const std::byte* b) { return _mm256_sub_epi8(nibbles(bytes(b, offsetof(BlockQ4_0, qs))), _mm256_set1_epi8(8)); }
inline __m256i codes_q4_1(const std::byte* b) { return nibbles(bytes(b, offsetof(BlockQ4_1, qs))); }
inline __m256i codes_q5_0(const std::byte* b) {
  return _mm256_sub_epi8(_mm256_or_si256(nibbles(bytes(b, offsetof(BlockQ5_0, qs))), fifth_bits(bytes(b, offsetof(BlockQ5_0, qh)))), _mm256_set1_epi8(16));
}
inline __m256i codes_q5_1(const std::byte* b) { return _mm256_or_si256(nibbles(bytes(b, offsetof(BlockQ5_1, qs))), fifth_bits(bytes(b, offsetof(BlockQ5_1, qh)))); }
inline __m256i codes_q8_0(const std::byte* b) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes(b, offsetof(BlockQ8_0, qs)))); }
inline __m256i codes_iq4_nl(const std::byte* b) {
  const __m128i values = _mm_loadu_si128(reinterpret_cast<const __m128i*>(kIq4nl));
  return _mm256_shuffle_epi8(_mm256_set_m128i(values, values), nibbles(bytes(b, offsetof(BlockQ4_0, qs))));
}

template <class Block>
void k_scales(const Block& b, std::size_t g, const UnpackedRow& out) {
  const float scale_unit = f16(b.d), minimum_unit = f16(b.dmin);
  for (int j = 0; j < 8; ++j) {
    int scale, minimum;
    scale_and_minimum(b.scales, j, scale, minimum);
    set_scale(out.scale + 2 * (g + j), scale_unit * static_cast<float>(scale));
    out.minimum[g + j] = -(minimum_unit * static_cast<float>(minimum));
  }
}

inline __m256i load(const std::uint8_t* p) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)); }

void unpack_q4_k(const std::byte* row, std::size_t n_groups, const UnpackedRow& out) {
  const __m256i low = _mm256_set1_epi8(15);
  for (std::size_t g = 0; g < n_groups; g += 8, row += sizeof(BlockQ4K)) {
    BlockQ4K b;
    std::memcpy(&b, row, sizeof b);
    k_scales(b, g, out);
    for (int j = 0; j < 4; ++j) {
      const __m256i pair = load(b.qs + 32 * j);
      store(out.q + kGroup * (g + 2 * j), _mm256_and_si256(pair, low));
      store(out.q + kGroup * (g + 2 * j + 1), _mm256_and_si256(_mm256_srli_epi16(pair, 4), low));
    }
  }
}

void unpack_q5_k(const std::byte* row, std::size_t n_groups, const UnpackedRow& out) {
  const __m256i low = _mm256_set1_epi8(15), fifth = _mm256_set1_epi8(16);
  for (std::size_t g = 0; g < n_groups; g += 8, row += sizeof(BlockQ5K)) {
    BlockQ5K b;
    std::memcpy(&b, row, sizeof b);
    k_scales(b, g, out);
    const __m256i high = load(b.qh);
    for (int j = 0; j < 4; ++j) {
      const __m256i pair = load(b.qs + 32 * j);
      // Bit 2j of each byte of qh belongs to the even group, bit 2j + 1 to the odd one.
      const auto fifth_bit = [&](int bit) {
        const __m256i mask = _mm256_set1_epi8(static_cast<char>(1 << bit));
        return _mm256_and_si256(_mm256_cmpeq_epi8(_mm256_and_si256(high, mask), mask), fifth);
      };
      const __m256i even_high = fifth_bit(2 * j), odd_high = fifth_bit(2 * j + 1);
      store(out.q + kGroup * (g + 2 * j), _mm256_or_si256(_mm256_and_si256(pair, low), even_high));
      store(out.q + kGroup * (g + 2 * j + 1), _mm256_or_si256(_mm256_and_si256(_mm256_srli_epi16(pair, 4), low), odd_high));
    }
  }
}

void unpack_q6_k(const std::byte* row, std::size_t n_groups, const UnpackedRow& out) {
  const __m256i low = _mm256_set1_epi8(15), two = _mm256_set1_epi8(0x30), offset = _mm256_set1_epi8(32);
  for (std::size_t g = 0; g < n_groups; g += 8, row += sizeof(BlockQ6K)) {
    BlockQ6K b;
    std::memcpy(&b, row, sizeof b);
    for (int half = 0; half < 2; ++half) {
      const __m256i l0 = load(b.ql + 64 * half), l1 = load(b.ql + 64 * half + 32), h = load(b.qh + 32 * half);
      std::int8_t* q = out.q + kGroup * (g + 4 * half);
      const auto join = [&](__m256i nibble, __m256i high) {
        return _mm256_sub_epi8(_mm256_or_si256(_mm256_and_si256(nibble, low), _mm256_and_si256(high, two)), offset);
      };
      store(q, join(l0, _mm256_slli_epi16(h, 4)));
      store(q + 32, join(l1, _mm256_slli_epi16(h, 2)));
      store(q + 64, join(_mm256_srli_epi16(l0, 4), h));
      store(q + 96, join(_mm256_srli_epi16(l1, 4), _mm256_srli_epi16(h, 2)));
    }
    const float unit = f16(b.d);
    for (int j = 0; j < 16; ++j) out.scale[2 * g + j] = unit * static_cast<float>(b.scales[j]);
  }
}

}  // namespace

void unpack_row_avx2(TensorType type, const std::byte* row, std::size_t n, const UnpackedRow& out) {
  const std::size_t n_groups = n / kGroup;
  switch (type) {
    case TensorType::q4_0: return unpack32<BlockQ4_0, codes_q4_0>(row, n_groups, out, false);
    case TensorType::q4_1: return unpack32<BlockQ4_1, codes_q4_1>(row, n_groups, out, true);
    case TensorType::q5_0: return unpack32<BlockQ5_0, codes_q5_0>(row, n_groups, out, false);
    case TensorType::q5_1: return unpack32<BlockQ5_1, codes_q5_1>(row, n_groups, out, true);
    case TensorType::q8_0: return unpack32<BlockQ8_0, codes_q8_0>(row, n_groups, out, false);
    case TensorType::iq4_nl: return unpack32<BlockQ4_0, codes_iq4_nl>(row, n_groups, out, false);
    case TensorType::q4_k: return unpack_q4_k(row, n_groups, out);
    case TensorType::q5_k: return unpack_q5_k(row, n_groups, out);
    case TensorType::q6_k: return unpack_q6_k(row, n_groups, out);
    case TensorType::f32:
    case TensorType::f16:
    case TensorType::bf16: return;  // not quantised
  }
}

}  // namespace baton::kernels::cpu
