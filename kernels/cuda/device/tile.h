#pragma once
// Tiles of 16-bit elements in shared memory, and the fragments of tensor-core products read from them.
#include <cstdint>

#include "arithmetic.h"
#include "ldmatrix.h"
#include "mma.h"

namespace baton::kernels::cuda {

// The 16-bit types, as bits.
struct F16 {
  __device__ static __forceinline__ std::uint32_t pack(float low, float high) { return pack_f16(low, high); }
  __device__ static __forceinline__ void mma(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2]) {
    mma_m16n8k16_f16(d, a, b, d);
  }
};
struct Bf16 {
  __device__ static __forceinline__ std::uint32_t pack(float low, float high) { return pack_bf16(low, high); }
  __device__ static __forceinline__ void mma(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2]) {
    mma_m16n8k16_bf16(d, a, b, d);
  }
};

// Rows of kColumns elements, 16 bytes further apart than they are long. A row is an odd number of 16-byte words then (columns are a
// multiple of 16), so the eight rows that ldmatrix reads together lie in different banks.
template <int kColumns>
struct Tile {
  static_assert(kColumns % 16 == 0);
  static constexpr int kStride = kColumns + 8;
  static constexpr int kWords = kColumns / 8;  // of 16 bytes a row

  std::uint16_t* data;

  __device__ __forceinline__ std::uint16_t* at(int row, int column) const { return data + row * kStride + column; }

  // Operand a of rows [row, row + 16), columns [column, column + 16).
  __device__ __forceinline__ void load_a(std::uint32_t (&a)[4], int row, int column, int lane) const {
    ldmatrix_x4(a, at(row + lane % 16, column + lane / 16 * 8));
  }
  // Operands b of two products side by side, the tile's rows being b's columns: rows [row, row + 16) are the two times 8 columns, columns
  // [column, column + 16) are k.
  __device__ __forceinline__ void load_b(std::uint32_t (&left)[2], std::uint32_t (&right)[2], int row, int column, int lane) const {
    std::uint32_t r[4];
    ldmatrix_x4(r, at(row + lane % 8 + lane / 16 * 8, column + lane / 8 % 2 * 8));
    left[0] = r[0], left[1] = r[1], right[0] = r[2], right[1] = r[3];
  }
  // Likewise, the tile's rows being k: rows [row, row + 16) are k, columns [column, column + 16) the two times 8 columns.
  __device__ __forceinline__ void load_b_trans(std::uint32_t (&left)[2], std::uint32_t (&right)[2], int row, int column, int lane) const {
    std::uint32_t r[4];
    ldmatrix_x4_trans(r, at(row + lane % 16, column + lane / 16 * 8));
    left[0] = r[0], left[1] = r[1], right[0] = r[2], right[1] = r[3];
  }
};

}  // namespace baton::kernels::cuda
