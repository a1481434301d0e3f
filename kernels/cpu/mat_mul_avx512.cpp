// mat_mul's inner loop over unpacked rows with AVX-512 VNNI: two weight rows side by side in a register, eight lanes each, so the order of
// float operations is that of mat_mul_scalar.cpp.
#include <immintrin.h>

#include "lanes_avx2.h"
#include "mat_mul_tiles.h"

namespace baton::kernels::cpu {
namespace {

inline __m512i pair_of(__m256i low, __m256i high) { return _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1); }
inline __m512 pair_of(__m256 low, __m256 high) { return _mm512_insertf32x8(_mm512_castps256_ps512(low), high, 1); }

// The instruction multiplies unsigned weights by signed activations. Weights that may be negative are raised by 128, and 128 times the sum
// of the activations is subtracted again. These are integers, so the result is exact.
template <bool kSigned>
inline __m512i raised(__m512i w) {
  return kSigned ? _mm512_xor_si512(w, _mm512_set1_epi8(-128)) : w;
}
template <bool kSigned>
inline __m512i taken_away(__m512i a) {
  if constexpr (!kSigned) return _mm512_setzero_si512();
  return _mm512_sub_epi32(_mm512_setzero_si512(), _mm512_dpbusd_epi32(_mm512_setzero_si512(), _mm512_set1_epi8(-128), a));
}

// 2 * kPairs rows times kTokens tokens at once: kPairs * kTokens accumulators stay in registers.
template <int kPairs, int kTokens, bool kTwoScales, bool kMinima>
void block(const QuantisedTile& t, int row, int token) {
  const int n_groups = t.n_in / kGroup;
  const std::int8_t* q = t.q + static_cast<std::size_t>(token) * t.n_in;
  const float* scale = t.scale + static_cast<std::size_t>(token) * n_groups;
  const UnpackedRow* w = t.rows + row;
  __m512 lanes[kPairs][kTokens];
  for (auto& pair : lanes) {
    for (__m512& l : pair) l = _mm512_setzero_ps();
  }
  for (int g = 0; g < n_groups; ++g) {
    __m512i a[kTokens], start[kTokens];
    __m512 a_scale[kTokens];
    for (int k = 0; k < kTokens; ++k) {
      a[k] = _mm512_broadcast_i64x4(load_group(q + static_cast<std::size_t>(k) * t.n_in + kGroup * g));
      start[k] = taken_away<!kMinima>(a[k]);
      a_scale[k] = _mm512_set1_ps(scale[static_cast<std::size_t>(k) * n_groups + g]);
    }
    for (int p = 0; p < kPairs; ++p) {
      const UnpackedRow &low = w[2 * p], &high = w[2 * p + 1];
      const __m512i codes = raised<!kMinima>(pair_of(load_group(low.q + kGroup * g), load_group(high.q + kGroup * g)));
      const __m512 w_scale = pair_of(weight_scale<kTwoScales>(low.scale, g), weight_scale<kTwoScales>(high.scale, g));
      for (int k = 0; k < kTokens; ++k) {
        const __m512 sums = _mm512_cvtepi32_ps(_mm512_dpbusd_epi32(start[k], codes, a[k]));
        lanes[p][k] = _mm512_add_ps(lanes[p][k], _mm512_mul_ps(sums, _mm512_mul_ps(w_scale, a_scale[k])));
      }
    }
  }
  for (int r = 0; r < 2 * kPairs; ++r) {
    for (int k = 0; k < kTokens; ++k) {
      const __m512 both = lanes[r / 2][k];
      float y = sum_lanes(r % 2 == 0 ? _mm512_castps512_ps256(both) : _mm512_extractf32x8_ps(both, 1));
      if (kMinima) y += dot_f32(w[r].minimum, t.scaled_sum + static_cast<std::size_t>(token + k) * n_groups, n_groups);
      t.y[(token + k) * t.y_stride + row + r] = y;
    }
  }
}

template <int kPairs, bool kTwoScales, bool kMinima>
void rows(const QuantisedTile& t, int row) {
  int token = 0;
  for (; token + 4 <= t.n_tokens; token += 4) block<kPairs, 4, kTwoScales, kMinima>(t, row, token);
  for (; token < t.n_tokens; ++token) block<kPairs, 1, kTwoScales, kMinima>(t, row, token);
}

template <bool kTwoScales, bool kMinima>
void tile(const QuantisedTile& t) {
  int row = 0;
  for (; row + 4 <= t.n_rows; row += 4) rows<2, kTwoScales, kMinima>(t, row);
  for (; row + 2 <= t.n_rows; row += 2) rows<1, kTwoScales, kMinima>(t, row);
  if (row == t.n_rows) return;
  QuantisedTile last = t;
  last.rows += row;
  last.n_rows = 1;
  last.y += row;
  kMatMulAvx2.quantised(last);
}

}  // namespace

void quantised_tile_avx512(const QuantisedTile& t) {
  if (t.two_scales) return tile<true, false>(t);
  t.minima ? tile<false, true>(t) : tile<false, false>(t);
}

}  // namespace baton::kernels::cpu
