#pragma once
// The inner loops of mat_mul, one set per level. A tile is a few unpacked weight rows times a few tokens.
#include <baton/kernels/tensor_type.h>
#include <baton/kernels/unpack.h>

#include <cstddef>
#include <cstdint>

namespace baton::kernels::cpu {

// Groups of activations whose largest magnitude is below this value count as zeros: 127 / largest overflows below 3.7e-37.
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

// Rows of a matrix in their stored format, for so few tokens that unpacking them first would cost more than it saves.
struct DirectTile {
  TensorType type;
  const std::byte* weight;  // of the first row; the next one row_stride bytes further
  std::size_t row_stride;
  int n_rows;
  int n_tokens;  // at most kDirectTokens
  int n_in;
  const std::int8_t* q;  // activations, as in QuantisedTile
  const float* scale;
  const float* scaled_sum;
  float* y;
  std::size_t y_stride;
  float* row_scale;    // scratch (n_in / 16)
  float* row_minimum;  // scratch (n_in / 32)
};
constexpr int kDirectTokens = 4;

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
  void (*direct)(const DirectTile&);                                            // null: a level without it unpacks
  void (*to_f32)(TensorType, const std::byte* row, std::size_t n, float* out);  // type not quantised
};
extern const MatMulOps kMatMulScalar;
extern const MatMulOps kMatMulAvx2;
void quantised_tile_avx512(const QuantisedTile&);  // the functions that level avx512 implements itself

}  // namespace baton::kernels::cpu
