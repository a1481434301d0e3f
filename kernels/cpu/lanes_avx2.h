#pragma once
// The eight lanes in which mat_mul sums (docs/kernels.md). Only for *_avx2.cpp and *_avx512.cpp; internal linkage, as in codes_avx2.h.
#include <immintrin.h>

#include <cstdint>

#include "mat_mul_tiles.h"

namespace baton::kernels::cpu {
namespace {

inline float sum_lanes(__m256 v) {
  const __m128 t = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));  // l0+l4, l1+l5, l2+l6, l3+l7
  const __m128 u = _mm_add_ps(t, _mm_movehl_ps(t, t));                                  // (l0+l4)+(l2+l6), (l1+l5)+(l3+l7)
  return _mm_cvtss_f32(_mm_add_ss(u, _mm_movehdup_ps(u)));
}

// The first n lanes, 0 < n < 8.
inline __m256i first_lanes(int n) { return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)); }

inline float dot_f32(const float* a, const float* b, int n) {
  __m256 lanes = _mm256_setzero_ps();
  int i = 0;
  for (; i + 8 <= n; i += 8) lanes = _mm256_add_ps(lanes, _mm256_mul_ps(_mm256_loadu_ps(a + i), _mm256_loadu_ps(b + i)));
  if (i < n) {
    // The other lanes gain 0 * 0. That changes no bit: a sum that starts at +0 is never -0.
    const __m256i tail = first_lanes(n - i);
    lanes = _mm256_add_ps(lanes, _mm256_mul_ps(_mm256_maskload_ps(a + i, tail), _mm256_maskload_ps(b + i, tail)));
  }
  return sum_lanes(lanes);
}

inline __m256i load_group(const std::int8_t* q) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(q)); }

// Of the weights of group g: a scale each 16 of them.
template <bool kTwoScales>
inline __m256 weight_scale(const float* scale, int g) {
  if constexpr (!kTwoScales) return _mm256_broadcast_ss(scale + 2 * g);
  return _mm256_set_m128(_mm_broadcast_ss(scale + 2 * g + 1), _mm_broadcast_ss(scale + 2 * g));
}

}  // namespace
}  // namespace baton::kernels::cpu
