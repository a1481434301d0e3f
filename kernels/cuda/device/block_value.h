#pragma once
// One element of a row in any weight format, as f32: the definition of kernels/cpu/unpack.cpp on the device. Rows start at even addresses.
#include <baton/kernels/tensor_type.h>

#include <cstdint>

#include "arithmetic.h"

namespace baton::kernels::cuda {

template <TensorType kType>
constexpr int kBlockElements = block_shape(kType).elements;
template <TensorType kType>
constexpr int kBlockBytes = block_shape(kType).bytes;

// A block's bytes: 16-bit words lie at even addresses, nothing wider is aligned.
struct BlockBytes {
  const unsigned char* data;

  __device__ __forceinline__ int byte(int i) const { return data[i]; }
  __device__ __forceinline__ float f16(int i) const { return f16_value(*reinterpret_cast<const std::uint16_t*>(data + i)); }
  // Element i of 32 codes of 4 bits: 0 to 15 in the low halves of 16 bytes, 16 to 31 in the high ones.
  __device__ __forceinline__ int nibble(int from, int i) const { return byte(from + i % 16) >> (i / 16 * 4) & 15; }
  __device__ __forceinline__ int bit(int from, int i) const { return byte(from + i / 8) >> (i % 8) & 1; }
};

// Scale and minimum j of 8 of a K format, as numbers: 6 bits each in the 12 bytes after the two f16, of which they are multiples.
struct KScale {
  float scale, minimum;

  __device__ __forceinline__ KScale(const BlockBytes& b, int j) {
    constexpr int kFrom = 4;
    const int s = j < 4 ? b.byte(kFrom + j) & 63 : (b.byte(kFrom + j + 4) & 15) | (b.byte(kFrom + j - 4) >> 6) << 4;
    const int m = j < 4 ? b.byte(kFrom + j + 4) & 63 : b.byte(kFrom + j + 4) >> 4 | (b.byte(kFrom + j) >> 6) << 4;
    scale = b.f16(0) * static_cast<float>(s);
    minimum = b.f16(2) * static_cast<float>(m);
  }
  __device__ __forceinline__ float value(int q) const { return scale * static_cast<float>(q) - minimum; }
};

// Element i of a block (of a row, for f32, f16 and bf16).
template <TensorType kType>
__device__ __forceinline__ float block_value(const unsigned char* block, int i) {
  const BlockBytes b{block};
  if constexpr (kType == TensorType::f32) return reinterpret_cast<const float*>(block)[i];
  if constexpr (kType == TensorType::f16) return b.f16(2 * i);
  if constexpr (kType == TensorType::bf16) return bf16_value(reinterpret_cast<const std::uint16_t*>(block)[i]);
  if constexpr (kType == TensorType::q4_0) return b.f16(0) * static_cast<float>(b.nibble(2, i) - 8);
  if constexpr (kType == TensorType::q4_1) return b.f16(0) * static_cast<float>(b.nibble(4, i)) + b.f16(2);
  if constexpr (kType == TensorType::q5_0) return b.f16(0) * static_cast<float>((b.nibble(6, i) | b.bit(2, i) << 4) - 16);
  if constexpr (kType == TensorType::q5_1) return b.f16(0) * static_cast<float>(b.nibble(8, i) | b.bit(4, i) << 4) + b.f16(2);
  if constexpr (kType == TensorType::q8_0) return b.f16(0) * static_cast<float>(static_cast<std::int8_t>(b.byte(2 + i)));
  if constexpr (kType == TensorType::iq4_nl) {
    // -127 -104 -83 -65 -49 -35 -22 -10 and 1 13 25 38 53 69 89 113, a byte each: an array would lie in slow local memory.
    const int code = b.nibble(2, i);
    const std::uint64_t values = code < 8 ? 0xf6eaddcfbfad9881u : 0x7159453526190d01u;
    return b.f16(0) * static_cast<float>(static_cast<std::int8_t>(values >> (code % 8 * 8)));
  }
  if constexpr (kType == TensorType::q4_k) {
    const int j = i / 32;
    return KScale(b, j).value(b.byte(16 + j / 2 * 32 + i % 32) >> (j % 2 * 4) & 15);
  }
  if constexpr (kType == TensorType::q5_k) {
    const int j = i / 32;
    return KScale(b, j).value((b.byte(48 + j / 2 * 32 + i % 32) >> (j % 2 * 4) & 15) | (b.byte(16 + i % 32) >> j & 1) << 4);
  }
  if constexpr (kType == TensorType::q6_k) {
    const int half = i / 128, quarter = i % 128 / 32, l = i % 32;
    const int low = b.byte(64 * half + 32 * (quarter % 2) + l) >> (quarter / 2 * 4) & 15;
    const int q = low | (b.byte(128 + 32 * half + l) >> (2 * quarter) & 3) << 4;
    return b.f16(208) * static_cast<float>(static_cast<std::int8_t>(b.byte(192 + i / 16))) * static_cast<float>(q - 32);
  }
}

}  // namespace baton::kernels::cuda
