// The definition of mat_mul's arithmetic (see mat_mul.h): fast paths reproduce it bit for bit.
#include <baton/kernels/dequantize.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "mat_mul_tiles.h"

namespace baton::kernels::cpu {
namespace {

float sum_lanes(const float (&l)[8]) { return ((l[0] + l[4]) + (l[2] + l[6])) + ((l[1] + l[5]) + (l[3] + l[7])); }

float dot_f32(const float* a, const float* b, int n) {
  float lanes[8] = {};
  for (int i = 0; i < n; ++i) lanes[i % 8] += a[i] * b[i];
  return sum_lanes(lanes);
}

void quantise(const float* x, int n, std::int8_t* q, float* scale, float* scaled_sum) {
  for (int g = 0; g < n / kGroup; ++g, x += kGroup, q += kGroup) {
    std::uint32_t bits = 0;  // magnitudes have the order of their bits, NaN above infinity
    for (int i = 0; i < kGroup; ++i) bits = std::max(bits, std::bit_cast<std::uint32_t>(x[i]) & 0x7fffffff);
    const float largest = std::bit_cast<float>(bits);
    if (!(largest >= kSmallestActivation && std::isfinite(largest))) {
      std::memset(q, 0, kGroup);
      scale[g] = scaled_sum[g] = std::isfinite(largest) ? 0.0f : std::numeric_limits<float>::quiet_NaN();
      continue;
    }
    const float s = largest / 127.0f, inverse = 127.0f / largest;
    int sum = 0;
    for (int i = 0; i < kGroup; ++i) {
      q[i] = static_cast<std::int8_t>(std::nearbyint(x[i] * inverse));
      sum += q[i];
    }
    scale[g] = s;
    scaled_sum[g] = s * static_cast<float>(sum);
  }
}

void quantised(const QuantisedTile& t) {
  const int n_groups = t.n_in / kGroup;
  for (int token = 0; token < t.n_tokens; ++token) {
    const std::int8_t* q = t.q + static_cast<std::size_t>(token) * t.n_in;
    const float* scale = t.scale + static_cast<std::size_t>(token) * n_groups;
    for (int row = 0; row < t.n_rows; ++row) {
      const UnpackedRow& w = t.rows[row];
      float lanes[8] = {};
      for (int g = 0; g < n_groups; ++g) {
        for (int l = 0; l < 8; ++l) {
          int sum = 0;
          for (int i = kGroup * g + 4 * l; i < kGroup * g + 4 * l + 4; ++i) sum += w.q[i] * q[i];
          lanes[l] += static_cast<float>(sum) * (w.scale[2 * g + l / 4] * scale[g]);
        }
      }
      float y = sum_lanes(lanes);
      if (t.minima) y += dot_f32(w.minimum, t.scaled_sum + static_cast<std::size_t>(token) * n_groups, n_groups);
      t.y[token * t.y_stride + row] = y;
    }
  }
}

void floats(const FloatTile& t) {
  for (int token = 0; token < t.n_tokens; ++token) {
    for (int row = 0; row < t.n_rows; ++row) {
      t.y[token * t.y_stride + row] = dot_f32(t.rows[row], t.x + static_cast<std::size_t>(token) * t.n_in, t.n_in);
    }
  }
}

}  // namespace

const MatMulOps kMatMulScalar = {unpack_row, quantise, quantised, floats, nullptr, dequantize_row};

}  // namespace baton::kernels::cpu
