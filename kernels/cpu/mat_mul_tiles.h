#pragma once
// The inner loops of mat_mul, one set a level. A tile is a few unpacked weight rows times a few tokens.
#include <baton/kernels/unpack.h>

#include <cstddef>
#include <cstdint>

namespace baton::kernels::cpu {

// Groups of activations whose largest magnitude is below this count as zeros: 127 / largest would overflow from 3.7e-37 on.
constexpr float kSmallestActivation = 1e-36f;

struct QuantisedTile {
  const UnpackedRow* rows;
  int n_rows;
  int n_tokens;
  int n_in;
  bool two_scales;  // the halves of a group have scales of their own
  bool minima;
  const std::int8_t* q;     // activations of the first token; the next one n_in further
  const float* scale;       // likewise, n_in / 32 further
  const float* scaled_sum;  // likewise
  float* y;                 // y[token * y_stride + row]
  std::size_t y_stride;
};

struct FloatTile {
  const float* const* rows;  // weights as f32
  int n_rows;
  int n_tokens;
  int n_in;
  const float* x;  // the next token n_in further
  float* y;
  std::size_t y_stride;
};

struct MatMulOps {
  void (*unpack)(TensorType, const std::byte*, std::size_t, const UnpackedRow&);
  void (*quantise)(const float* x, int n, std::int8_t* q, float* scale, float* scaled_sum);
  void (*quantised)(const QuantisedTile&);
  void (*floats)(const FloatTile&);
};
extern const MatMulOps kMatMulScalar;
extern const MatMulOps kMatMulAvx2;

}  // namespace baton::kernels::cpu
