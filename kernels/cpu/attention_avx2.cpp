// attention's tile with AVX2. Keys are converted to f32 and transposed once per page, so that eight scores are summed side by side, each in
// the order of the definition (attention.h).
#include <immintrin.h>

#include "attention_tile.h"
#include "exp_avx2.h"

namespace baton::kernels::cpu {
namespace {

inline __m256 load_f16(const std::uint16_t* p) { return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))); }

// Rows of an 8 x 8 block become its columns.
inline void transpose_8x8(__m256 (&r)[8]) {
  __m256 t[8];
  for (int i = 0; i < 8; i += 2) {  // pairs of rows, element by element
    t[i] = _mm256_unpacklo_ps(r[i], r[i + 1]);
    t[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
  }
  __m256 u[8];  // four rows: columns 0 and 4, 1 and 5, 2 and 6, 3 and 7
  for (int i = 0; i < 8; i += 4) {
    u[i] = _mm256_shuffle_ps(t[i], t[i + 2], 0x44);
    u[i + 1] = _mm256_shuffle_ps(t[i], t[i + 2], 0xee);
    u[i + 2] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0x44);
    u[i + 3] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0xee);
  }
  for (int i = 0; i < 4; ++i) {
    r[i] = _mm256_permute2f128_ps(u[i], u[i + 4], 0x20);
    r[i + 4] = _mm256_permute2f128_ps(u[i], u[i + 4], 0x31);
  }
}

// (page_tokens, head_dim) f16 -> (head_dim, page_tokens) f32
void transpose_keys(const AttentionTile& t, float* out) {
  for (int j = 0; j < t.page_tokens; j += 8) {
    for (int d = 0; d < t.head_dim; d += 8) {
      __m256 block[8];
      for (int i = 0; i < 8; ++i) block[i] = load_f16(t.k + static_cast<std::size_t>(j + i) * t.head_dim + d);
      transpose_8x8(block);
      for (int i = 0; i < 8; ++i) _mm256_storeu_ps(out + static_cast<std::size_t>(d + i) * t.page_tokens + j, block[i]);
    }
  }
}

// The largest of m and p[first .. last); the order of comparisons does not change it.
float largest(const float* p, int first, int last, float m) {
  __m256 top = _mm256_set1_ps(m);
  int j = first;
  for (; j + 8 <= last; j += 8) top = _mm256_max_ps(_mm256_loadu_ps(p + j), top);  // a NaN is replaced by `top`, as in the definition
  __m128 t = _mm_max_ps(_mm256_castps256_ps128(top), _mm256_extractf128_ps(top, 1));
  t = _mm_max_ps(t, _mm_movehl_ps(t, t));
  m = _mm_cvtss_f32(_mm_max_ss(t, _mm_movehdup_ps(t)));
  for (; j < last; ++j) m = m < p[j] ? p[j] : m;
  return m;
}

void scores(const float* q, const float* keys, int head_dim, int page_tokens, float scale, float* out) {
  for (int j = 0; j < page_tokens; j += 32) {  // four registers of scores at a time
    const int n = page_tokens - j < 32 ? (page_tokens - j) / 8 : 4;
    __m256 s[4] = {_mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps()};
    if (n == 4) {
      for (int d = 0; d < head_dim; ++d) {
        const __m256 x = _mm256_broadcast_ss(q + d);
        const float* k = keys + static_cast<std::size_t>(d) * page_tokens + j;
        s[0] = _mm256_add_ps(s[0], _mm256_mul_ps(x, _mm256_loadu_ps(k)));
        s[1] = _mm256_add_ps(s[1], _mm256_mul_ps(x, _mm256_loadu_ps(k + 8)));
        s[2] = _mm256_add_ps(s[2], _mm256_mul_ps(x, _mm256_loadu_ps(k + 16)));
        s[3] = _mm256_add_ps(s[3], _mm256_mul_ps(x, _mm256_loadu_ps(k + 24)));
      }
    } else {
      for (int d = 0; d < head_dim; ++d) {
        const __m256 x = _mm256_broadcast_ss(q + d);
        const float* k = keys + static_cast<std::size_t>(d) * page_tokens + j;
        for (int i = 0; i < n; ++i) s[i] = _mm256_add_ps(s[i], _mm256_mul_ps(x, _mm256_loadu_ps(k + 8 * i)));
      }
    }
    for (int i = 0; i < n; ++i) _mm256_storeu_ps(out + j + 8 * i, _mm256_mul_ps(s[i], _mm256_set1_ps(scale)));
  }
}

// o = o * correction, then o += p_j * v_j in order; 64 dimensions stay in registers.
void accumulate(const float* p, int first, int last, const float* values, int head_dim, float correction, float* o) {
  const __m256 c = _mm256_set1_ps(correction);
  for (int d = 0; d < head_dim; d += 64) {
    const int n = head_dim - d < 64 ? (head_dim - d) / 8 : 8;
    __m256 acc[8];
    for (int i = 0; i < n; ++i) acc[i] = _mm256_mul_ps(_mm256_loadu_ps(o + d + 8 * i), c);
    if (n == 8) {
      for (int j = first; j < last; ++j) {
        const __m256 weight = _mm256_broadcast_ss(p + j);
        const float* v = values + static_cast<std::size_t>(j) * head_dim + d;
        for (int i = 0; i < 8; ++i) acc[i] = _mm256_add_ps(acc[i], _mm256_mul_ps(weight, _mm256_loadu_ps(v + 8 * i)));
      }
    } else {
      for (int j = first; j < last; ++j) {
        const __m256 weight = _mm256_broadcast_ss(p + j);
        const float* v = values + static_cast<std::size_t>(j) * head_dim + d;
        for (int i = 0; i < n; ++i) acc[i] = _mm256_add_ps(acc[i], _mm256_mul_ps(weight, _mm256_loadu_ps(v + 8 * i)));
      }
    }
    for (int i = 0; i < n; ++i) _mm256_storeu_ps(o + d + 8 * i, acc[i]);
  }
}

void tile(const AttentionTile& t, float* scratch) {
  if (t.head_dim % 8 != 0 || t.page_tokens % 8 != 0) return kAttentionScalar.tile(t, scratch);
  float* keys = scratch;
  float* values = keys + static_cast<std::size_t>(t.page_tokens) * t.head_dim;
  float* p = values + static_cast<std::size_t>(t.page_tokens) * t.head_dim;
  transpose_keys(t, keys);
  for (int i = 0; i < t.page_tokens * t.head_dim; i += 8) _mm256_storeu_ps(values + i, load_f16(t.v + i));
  for (int i = 0; i < t.n_queries; ++i) {
    const int first = t.first[i], last = t.last[i];
    if (first >= last) continue;
    scores(t.q[i], keys, t.head_dim, t.page_tokens, t.scale, p);
    const float m = largest(p, first, last, t.state[i].m);
    for (int j = 0; j < t.page_tokens; j += 8) _mm256_storeu_ps(p + j, exp_avx2(_mm256_sub_ps(_mm256_loadu_ps(p + j), _mm256_set1_ps(m))));
    const float correction = exp_f32(t.state[i].m - m);
    float sum = 0;
    for (int j = first; j < last; ++j) sum += p[j];
    accumulate(p, first, last, values, t.head_dim, correction, t.o[i]);
    t.state[i] = {m, t.state[i].l * correction + sum};
  }
}

void to_f16(const float* x, std::uint16_t* y, int n) {
  int i = 0;
  for (; i + 8 <= n; i += 8) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(y + i), _mm256_cvtps_ph(_mm256_loadu_ps(x + i), _MM_FROUND_TO_NEAREST_INT));
  }
  if (i < n) kAttentionScalar.to_f16(x + i, y + i, n - i);
}

}  // namespace

const AttentionOps kAttentionAvx2 = {tile, to_f16};

}  // namespace baton::kernels::cpu
