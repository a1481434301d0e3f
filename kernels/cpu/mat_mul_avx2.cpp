// mat_mul's inner loops with AVX2. Same order of float operations as mat_mul_scalar.cpp: one lane of a register is one lane there.
#include <immintrin.h>

#include "codes_avx2.h"
#include "lanes_avx2.h"
#include "mat_mul_tiles.h"

namespace baton::kernels::cpu {
namespace {

constexpr float kLargestFloat = 3.40282347e38f;

void quantise(const float* x, int n, std::int8_t* q, float* scale, float* scaled_sum) {
  const __m256i magnitude = _mm256_set1_epi32(0x7fffffff);
  const auto bits = [magnitude](__m256 v) { return _mm256_and_si256(_mm256_castps_si256(v), magnitude); };
  for (int g = 0; g < n / kGroup; ++g, x += kGroup, q += kGroup) {
    const __m256 x0 = _mm256_loadu_ps(x), x1 = _mm256_loadu_ps(x + 8), x2 = _mm256_loadu_ps(x + 16), x3 = _mm256_loadu_ps(x + 24);
    const __m256i top = _mm256_max_epi32(_mm256_max_epi32(bits(x0), bits(x1)), _mm256_max_epi32(bits(x2), bits(x3)));
    __m128i t = _mm_max_epi32(_mm256_castsi256_si128(top), _mm256_extracti128_si256(top, 1));
    t = _mm_max_epi32(t, _mm_shuffle_epi32(t, 0x4e));
    t = _mm_max_epi32(t, _mm_shuffle_epi32(t, 0xb1));
    const float largest = _mm_cvtss_f32(_mm_castsi128_ps(t));
    if (!(largest >= kSmallestActivation && largest <= kLargestFloat)) {
      kMatMulScalar.quantise(x, kGroup, q, scale + g, scaled_sum + g);
      continue;
    }
    const float s = largest / 127.0f;
    const __m256 inverse = _mm256_set1_ps(127.0f / largest);
    const __m256i i0 = _mm256_cvtps_epi32(_mm256_mul_ps(x0, inverse)), i1 = _mm256_cvtps_epi32(_mm256_mul_ps(x1, inverse));
    const __m256i i2 = _mm256_cvtps_epi32(_mm256_mul_ps(x2, inverse)), i3 = _mm256_cvtps_epi32(_mm256_mul_ps(x3, inverse));
    const __m256i packed = _mm256_packs_epi16(_mm256_packs_epi32(i0, i1), _mm256_packs_epi32(i2, i3));
    // The packs work within halves: put the groups of four back into order.
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(q), _mm256_permutevar8x32_epi32(packed, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7)));
    const __m256i sums = _mm256_add_epi32(_mm256_add_epi32(i0, i1), _mm256_add_epi32(i2, i3));
    __m128i sum = _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
    sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0x4e));
    sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0xb1));
    scale[g] = s;
    scaled_sum[g] = s * static_cast<float>(_mm_cvtsi128_si32(sum));
  }
}

// The product of a group: 8 lanes of exact integer sums of four. |w| fits 8 unsigned bits, |a| is at most 127, so a pair of products fits
// 16 bits (2 * 128 * 127 = 32512). Codes that are not negative need no detour over their magnitudes.
template <bool kSigned>
struct GroupWeights {
  explicit GroupWeights(__m256i w) : codes(w), magnitudes(kSigned ? _mm256_abs_epi8(w) : w) {}

  __m256 sums(__m256i a) const {
    const __m256i pairs = _mm256_maddubs_epi16(magnitudes, kSigned ? _mm256_sign_epi8(a, codes) : a);
    return _mm256_cvtepi32_ps(_mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
  }

  __m256i codes, magnitudes;
};

// Computes kRows x kTokens results at once: kRows * kTokens accumulators stay in registers.
template <int kRows, int kTokens, bool kTwoScales, bool kMinima>
void block(const QuantisedTile& t, int row, int token) {
  const int n_groups = t.n_in / kGroup;
  const std::int8_t* q = t.q + static_cast<std::size_t>(token) * t.n_in;
  const float* scale = t.scale + static_cast<std::size_t>(token) * n_groups;
  const UnpackedRow* w = t.rows + row;
  __m256 lanes[kRows][kTokens];
  for (int r = 0; r < kRows; ++r) {
    for (int k = 0; k < kTokens; ++k) lanes[r][k] = _mm256_setzero_ps();
  }
  for (int g = 0; g < n_groups; ++g) {
    __m256 a_scale[kTokens];
    __m256i a[kTokens];
    for (int k = 0; k < kTokens; ++k) {
      a[k] = load_group(q + static_cast<std::size_t>(k) * t.n_in + kGroup * g);
      a_scale[k] = _mm256_broadcast_ss(scale + static_cast<std::size_t>(k) * n_groups + g);
    }
    for (int r = 0; r < kRows; ++r) {
      const GroupWeights<!kMinima> weights(load_group(w[r].q + kGroup * g));
      const __m256 w_scale = weight_scale<kTwoScales>(w[r].scale, g);
      for (int k = 0; k < kTokens; ++k) {
        lanes[r][k] = _mm256_add_ps(lanes[r][k], _mm256_mul_ps(weights.sums(a[k]), _mm256_mul_ps(w_scale, a_scale[k])));
      }
    }
  }
  for (int r = 0; r < kRows; ++r) {
    for (int k = 0; k < kTokens; ++k) {
      float y = sum_lanes(lanes[r][k]);
      if (kMinima) y += dot_f32(w[r].minimum, t.scaled_sum + static_cast<std::size_t>(token + k) * n_groups, n_groups);
      t.y[(token + k) * t.y_stride + row + r] = y;
    }
  }
}

template <bool kTwoScales, bool kMinima>
void quantised_tile(const QuantisedTile& t) {
  for (int row = 0; row < t.n_rows;) {
    const bool two_rows = row + 2 <= t.n_rows;
    for (int token = 0; token < t.n_tokens;) {
      const bool four_tokens = token + 4 <= t.n_tokens;
      if (two_rows && four_tokens)
        block<2, 4, kTwoScales, kMinima>(t, row, token);
      else if (four_tokens)
        block<1, 4, kTwoScales, kMinima>(t, row, token);
      else if (two_rows)
        block<2, 1, kTwoScales, kMinima>(t, row, token);
      else
        block<1, 1, kTwoScales, kMinima>(t, row, token);
      token += four_tokens ? 4 : 1;
    }
    row += two_rows ? 2 : 1;
  }
}

// A format has either two scales per group or minima, never both.
void quantised(const QuantisedTile& t) {
  if (t.two_scales) return quantised_tile<true, false>(t);
  t.minima ? quantised_tile<false, true>(t) : quantised_tile<false, false>(t);
}

// Weights are read once, in order, but the processor's own prefetching stops at each page of 4 KB. Prefetched this far ahead, they arrive
// 1.5 to 2.8 times as fast (Xeon with AMX, one thread, 2.5 to 6.9 GB/s for q5_0; 512 bytes are half as good, 4 to 12 KB no better).
constexpr std::size_t kAhead = 2048;

inline void fetch_ahead(const std::byte* block, std::size_t size) {
  for (std::size_t at = 0; at < size; at += 64) _mm_prefetch(reinterpret_cast<const char*>(block) + kAhead + at, _MM_HINT_T0);
}

// Codes are used in the products directly from the file's bytes.
template <class Format, int kTokens>
void direct_rows(const DirectTile& t) {
  const int n_groups = t.n_in / kGroup;
  for (int row = 0; row < t.n_rows; ++row) {
    const std::byte* block = t.weight + row * t.row_stride;
    __m256 lanes[kTokens];
    for (__m256& l : lanes) l = _mm256_setzero_ps();
    for (int g = 0; g < n_groups; g += Format::kGroups, block += sizeof(typename Format::Block)) {
      fetch_ahead(block, sizeof(typename Format::Block));
      Format::scales(block, t.row_scale + 2 * g, t.row_minimum + g);
      Format::groups(
          block, [&](int j, __m256i codes) __attribute__((always_inline)) {
            const GroupWeights<!Format::kMinima> weights(codes);
            const __m256 w_scale = weight_scale<Format::kTwoScales>(t.row_scale, g + j);
            for (int k = 0; k < kTokens; ++k) {
              const __m256 sums = weights.sums(load_group(t.q + static_cast<std::size_t>(k) * t.n_in + kGroup * (g + j)));
              const __m256 a_scale = _mm256_broadcast_ss(t.scale + static_cast<std::size_t>(k) * n_groups + g + j);
              lanes[k] = _mm256_add_ps(lanes[k], _mm256_mul_ps(sums, _mm256_mul_ps(w_scale, a_scale)));
            }
          });
    }
    for (int k = 0; k < kTokens; ++k) {
      float y = sum_lanes(lanes[k]);
      if (Format::kMinima) y += dot_f32(t.row_minimum, t.scaled_sum + static_cast<std::size_t>(k) * n_groups, n_groups);
      t.y[k * t.y_stride + row] = y;
    }
  }
}

void direct(const DirectTile& t) {
  with_format(t.type, [&](auto format) {
    using Format = decltype(format);
    switch (t.n_tokens) {
      case 1:
        return direct_rows<Format, 1>(t);
      case 2:
        return direct_rows<Format, 2>(t);
      case 3:
        return direct_rows<Format, 3>(t);
      case 4:
        return direct_rows<Format, 4>(t);
    }
  });
}

void to_f32(TensorType type, const std::byte* row, std::size_t n, float* out) {
  std::size_t i = 0;
  if (type == TensorType::f32) {
    std::memcpy(out, row, n * sizeof(float));
    return;
  }
  for (; i + 8 <= n; i += 8) {
    const __m128i eight = _mm_loadu_si128(reinterpret_cast<const __m128i*>(row + 2 * i));
    const __m256 values =
        type == TensorType::f16 ? _mm256_cvtph_ps(eight) : _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(eight), 16));
    _mm256_storeu_ps(out + i, values);
  }
  if (i < n) kMatMulScalar.to_f32(type, row + 2 * i, n - i, out + i);
}

void floats(const FloatTile& t) {
  for (int row = 0; row < t.n_rows; ++row) {
    for (int token = 0; token < t.n_tokens; ++token) {
      t.y[token * t.y_stride + row] = dot_f32(t.rows[row], t.x + static_cast<std::size_t>(token) * t.n_in, t.n_in);
    }
  }
}

}  // namespace

const MatMulOps kMatMulAvx2 = {unpack_row_avx2, quantise, quantised, floats, direct, to_f32};

}  // namespace baton::kernels::cpu
