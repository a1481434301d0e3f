#include <baton/kernels/mat_mul.h>

#include <algorithm>

#include "mat_mul_tiles.h"

namespace baton::kernels::cpu {
namespace {

// Rows unpacked at a time: 16 rows of 4864 weights are 78 KB of int8, which stay in L2 while all tokens are processed.
constexpr int kPanelRows = 16;
// Rows multiplied directly at a time. They are read once, in order: with long runs, two threads decode 1.5 to 1.8 times as fast as with 16
// rows in turns (docs/measured/engine.md); 512 rows balance worse.
constexpr int kDirectRows = 256;
// Tokens multiplied by the panel at a time: their quantised rows stay in L1.
constexpr int kPanelTokens = 4;

const MatMulOps kMatMulAvx512 = [] {
  MatMulOps ops = kMatMulAvx2;
  ops.quantised = quantised_tile_avx512;
  return ops;
}();

const MatMulOps& ops(CpuLevel level) {
  switch (level) {
    case CpuLevel::scalar:
      break;
    case CpuLevel::avx2:
      return kMatMulAvx2;
    case CpuLevel::avx512:
      return kMatMulAvx512;
  }
  return kMatMulScalar;
}

// Scratch of one thread, kept between calls.
struct Panel {
  std::vector<std::int8_t> q;
  std::vector<float> scale, minimum, f32;

  void quantised_rows(const MatMulParams& m, int first, int n_rows, int n_in, const MatMulOps& level, UnpackedRow* rows) {
    q.resize(static_cast<std::size_t>(kPanelRows) * n_in);
    scale.resize(static_cast<std::size_t>(kPanelRows) * n_in / 16);
    minimum.resize(static_cast<std::size_t>(kPanelRows) * n_in / kGroup);
    const std::size_t stride = row_bytes(m.type, n_in);
    for (int r = 0; r < n_rows; ++r) {
      rows[r] = {q.data() + static_cast<std::size_t>(r) * n_in, scale.data() + static_cast<std::size_t>(r) * (n_in / 16),
                 minimum.data() + static_cast<std::size_t>(r) * (n_in / kGroup)};
      level.unpack(m.type, m.weight + (first + r) * stride, n_in, rows[r]);
    }
  }
  void float_rows(const MatMulParams& m, int first, int n_rows, int n_in, const MatMulOps& level, const float** rows) {
    f32.resize(static_cast<std::size_t>(kPanelRows) * n_in);
    const std::size_t stride = row_bytes(m.type, n_in);
    for (int r = 0; r < n_rows; ++r) {
      float* row = f32.data() + static_cast<std::size_t>(r) * n_in;
      level.to_f32(m.type, m.weight + (first + r) * stride, n_in, row);
      rows[r] = row;
    }
  }
};

void add_bias(const MatMulParams& m, int token, int n_tokens, int first, int n_rows) {
  if (!m.bias) return;
  for (int t = token; t < token + n_tokens; ++t) {
    float* y = m.y + static_cast<std::size_t>(t) * m.n_out + first;
    for (int r = 0; r < n_rows; ++r) y[r] += m.bias[first + r];
  }
}

void multiply_directly(const MatMulParams& m, const Activations& a, int first, int n_rows, const MatMulOps& level, Panel& panel) {
  panel.scale.resize(a.n_in / 16);
  panel.minimum.resize(a.n_in / kGroup);
  const std::size_t stride = row_bytes(m.type, a.n_in);
  level.direct({m.type, m.weight + first * stride, stride, n_rows, a.n_tokens, a.n_in, a.q.data(), a.scale.data(), a.scaled_sum.data(),
                m.y + first, static_cast<std::size_t>(m.n_out), panel.scale.data(), panel.minimum.data()});
  add_bias(m, 0, a.n_tokens, first, n_rows);
}

bool multiplies_directly(const MatMulParams& m, const Activations& a, const MatMulOps& level) {
  return is_quantised(m.type) && level.direct && a.n_tokens <= kDirectTokens;
}

void multiply_panel(const MatMulParams& m, const Activations& a, int first, int n_rows, const MatMulOps& level, Panel& panel) {
  const bool quantised = is_quantised(m.type);
  UnpackedRow unpacked[kPanelRows];
  const float* plain[kPanelRows];
  if (quantised) {
    panel.quantised_rows(m, first, n_rows, a.n_in, level, unpacked);
  } else {
    panel.float_rows(m, first, n_rows, a.n_in, level, plain);
  }
  const std::size_t n_groups = a.n_in / kGroup, n_in = a.n_in;
  for (int token = 0; token < a.n_tokens; token += kPanelTokens) {
    const int n_tokens = std::min(kPanelTokens, a.n_tokens - token);
    float* y = m.y + static_cast<std::size_t>(token) * m.n_out + first;
    const std::size_t stride = m.n_out;
    if (quantised) {
      level.quantised({unpacked, n_rows, n_tokens, a.n_in, m.type == TensorType::q6_k, has_minimum(m.type), a.q.data() + token * n_in,
                       a.scale.data() + token * n_groups, a.scaled_sum.data() + token * n_groups, y, stride});
    } else {
      level.floats({plain, n_rows, n_tokens, a.n_in, a.x + token * n_in, y, stride});
    }
    add_bias(m, token, n_tokens, first, n_rows);
  }
}

}  // namespace

void prepare_activations(Activations& a, const float* x, int n_tokens, int n_in, bool quantise, const Cpu& cpu) {
  a.x = x;
  a.n_tokens = n_tokens;
  a.n_in = n_in;
  if (!quantise) return;
  const std::size_t n_groups = n_in / kGroup, width = n_in;
  a.q.resize(n_tokens * width);
  a.scale.resize(n_tokens * n_groups);
  a.scaled_sum.resize(n_tokens * n_groups);
  const auto one = [&](int t, int) {
    ops(cpu.level).quantise(x + t * width, n_in, a.q.data() + t * width, a.scale.data() + t * n_groups, a.scaled_sum.data() + t * n_groups);
  };
  if (n_tokens < 8) {  // less work than waking a thread
    for (int t = 0; t < n_tokens; ++t) one(t, 0);
  } else {
    cpu.pool.run(n_tokens, one);
  }
}

void mat_mul(const MatMulParams* matrices, int n_matrices, const Activations& a, const Cpu& cpu) {
  std::vector<int> first_item = {0};
  const auto rows = [&](const MatMulParams& m) { return multiplies_directly(m, a, ops(cpu.level)) ? kDirectRows : kPanelRows; };
  for (int i = 0; i < n_matrices; ++i)
    first_item.push_back(first_item.back() + (matrices[i].n_out + rows(matrices[i]) - 1) / rows(matrices[i]));
  cpu.pool.run(first_item.back(), [&](int item, int) {
    static thread_local Panel panel;
    int i = 0;
    while (item >= first_item[i + 1]) ++i;
    const MatMulParams& m = matrices[i];
    const int n_rows = rows(m), first = (item - first_item[i]) * n_rows;
    const auto multiply = multiplies_directly(m, a, ops(cpu.level)) ? multiply_directly : multiply_panel;
    multiply(m, a, first, std::min(n_rows, m.n_out - first), ops(cpu.level), panel);
  });
}

}  // namespace baton::kernels::cpu
