#include "vector_ops.h"

#include <baton/kernels/add.h>
#include <baton/kernels/rms_norm.h>
#include <baton/kernels/softmax.h>
#include <baton/kernels/swiglu.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "exp.h"

namespace baton::kernels::cpu {
namespace {

// Below this many rows or elements, the work is done before another thread is awake.
constexpr int kFewRows = 8;
constexpr std::size_t kChunk = 16384;

void rms_norm_row(const float* x, const float* weight, float* y, int n, float epsilon) {
  float l[8] = {};
  for (int i = 0; i < n; ++i) l[i % 8] += x[i] * x[i];
  const float sum = ((l[0] + l[4]) + (l[2] + l[6])) + ((l[1] + l[5]) + (l[3] + l[7]));
  const float factor = 1.0f / std::sqrt(sum / static_cast<float>(n) + epsilon);
  for (int i = 0; i < n; ++i) y[i] = (x[i] * factor) * weight[i];
}

void swiglu_row(const float* gate, const float* up, float* y, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) y[i] = (gate[i] / (1.0f + exp_f32(-gate[i]))) * up[i];
}

const VectorOps& ops(CpuLevel level) { return level >= CpuLevel::avx2 ? kVectorAvx2 : kVectorScalar; }

}  // namespace

const VectorOps kVectorScalar = {rms_norm_row, swiglu_row};

void rms_norm(const RmsNormParams& p, const Cpu& cpu) {
  const auto row = [&](int t, int) {
    const std::size_t at = static_cast<std::size_t>(t) * p.n;
    ops(cpu.level).rms_norm(p.x + at, p.weight, p.y + at, p.n, p.epsilon);
  };
  if (p.n_tokens >= kFewRows) return cpu.pool.run(p.n_tokens, row);
  for (int t = 0; t < p.n_tokens; ++t) row(t, 0);
}

void swiglu(const SwigluParams& p, const Cpu& cpu) {
  const int n_chunks = static_cast<int>((p.n + kChunk - 1) / kChunk);
  cpu.pool.run(n_chunks, [&](int chunk, int) {
    const std::size_t at = chunk * kChunk;
    ops(cpu.level).swiglu(p.gate + at, p.up + at, p.y + at, std::min(kChunk, p.n - at));
  });
}

void add(float* x, const float* y, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) x[i] += y[i];
}

void softmax(const float* x, std::size_t n, float* y) {
  float largest = -std::numeric_limits<float>::infinity();
  for (std::size_t i = 0; i < n; ++i) largest = std::max(largest, x[i]);
  if (largest == -std::numeric_limits<float>::infinity()) largest = 0;  // all entries are -infinity or NaN
  float sum = 0;
  for (std::size_t i = 0; i < n; ++i) sum += y[i] = exp_f32(x[i] - largest);
  if (sum == 0) return;
  for (std::size_t i = 0; i < n; ++i) y[i] /= sum;
}

}  // namespace baton::kernels::cpu
