#pragma once
// Quantised weights as the matrix kernels use them: 8-bit integers in groups of 32, with the scales and minima that convert them back into
// numbers. Every block format becomes this one form without loss, so that one inner loop serves them all (and the next format is one more
// unpacker).
#include <baton/kernels/tensor_type.h>

#include <cstddef>
#include <cstdint>

namespace baton::kernels {

constexpr int kGroup = 32;

// One row: weight[i] = scale[2 * (i / 32) + (i % 32) / 16] * q[i] + minimum[i / 32].
// (q6_K has a scale for each 16; the others repeat theirs. Formats without minima do not write `minimum`: see has_minimum().)
struct UnpackedRow {
  std::int8_t* q;  // (n)
  float* scale;    // (n / 16)
  float* minimum;  // (n / 32)
};

constexpr bool has_minimum(TensorType type) {
  return type == TensorType::q4_1 || type == TensorType::q5_1 || type == TensorType::q4_k || type == TensorType::q5_k;
}

namespace cpu {
// One row of n elements, n a multiple of the block's, type quantised. Scalar definition; the fast paths give the same values.
void unpack_row(TensorType type, const std::byte* row, std::size_t n, const UnpackedRow& out);
void unpack_row_avx2(TensorType type, const std::byte* row, std::size_t n, const UnpackedRow& out);
}  // namespace cpu

}  // namespace baton::kernels
