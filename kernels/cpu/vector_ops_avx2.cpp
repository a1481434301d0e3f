#include "vector_ops.h"

#include <immintrin.h>

#include "exp_avx2.h"

namespace baton::kernels::cpu {
namespace {

void rms_norm_row(const float* x, const float* weight, float* y, int n, float epsilon) {
  __m256 lanes = _mm256_setzero_ps();
  int i = 0;
  for (; i + 8 <= n; i += 8) lanes = _mm256_add_ps(lanes, _mm256_mul_ps(_mm256_loadu_ps(x + i), _mm256_loadu_ps(x + i)));
  alignas(32) float l[8];
  _mm256_store_ps(l, lanes);
  for (; i < n; ++i) l[i % 8] += x[i] * x[i];
  const float sum = ((l[0] + l[4]) + (l[2] + l[6])) + ((l[1] + l[5]) + (l[3] + l[7]));
  const float factor = 1.0f / _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(sum / static_cast<float>(n) + epsilon)));
  for (i = 0; i + 8 <= n; i += 8) {
    const __m256 scaled = _mm256_mul_ps(_mm256_loadu_ps(x + i), _mm256_set1_ps(factor));
    _mm256_storeu_ps(y + i, _mm256_mul_ps(scaled, _mm256_loadu_ps(weight + i)));
  }
  for (; i < n; ++i) y[i] = (x[i] * factor) * weight[i];
}

void swiglu_row(const float* gate, const float* up, float* y, std::size_t n) {
  std::size_t i = 0;
  const __m256 one = _mm256_set1_ps(1), sign = _mm256_set1_ps(-0.0f);
  for (; i + 8 <= n; i += 8) {
    const __m256 g = _mm256_loadu_ps(gate + i);
    const __m256 silu = _mm256_div_ps(g, _mm256_add_ps(one, exp_avx2(_mm256_xor_ps(g, sign))));
    _mm256_storeu_ps(y + i, _mm256_mul_ps(silu, _mm256_loadu_ps(up + i)));
  }
  if (i < n) kVectorScalar.swiglu(gate + i, up + i, y + i, n - i);
}

}  // namespace

const VectorOps kVectorAvx2 = {rms_norm_row, swiglu_row};

}  // namespace baton::kernels::cpu
