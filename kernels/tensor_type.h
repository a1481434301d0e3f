#pragma once
// The number formats of weights, with ggml's type ids. A quantised row is a sequence of blocks; rows are whole blocks.
#include <cstddef>
#include <cstdint>

namespace baton::kernels {

enum class TensorType : std::uint32_t {
  f32 = 0,
  f16 = 1,
  q4_0 = 2,
  q4_1 = 3,
  q5_0 = 6,
  q5_1 = 7,
  q8_0 = 8,
  q4_k = 12,
  q5_k = 13,
  q6_k = 14,
  iq4_nl = 20,
  bf16 = 30,
};

struct BlockShape {
  int elements = 0;  // 0: not a type of ours
  int bytes = 0;
};

constexpr BlockShape block_shape(TensorType type) {
  switch (type) {
    case TensorType::f32:
      return {1, 4};
    case TensorType::f16:
      return {1, 2};
    case TensorType::bf16:
      return {1, 2};
    case TensorType::q4_0:
      return {32, 18};
    case TensorType::q4_1:
      return {32, 20};
    case TensorType::q5_0:
      return {32, 22};
    case TensorType::q5_1:
      return {32, 24};
    case TensorType::q8_0:
      return {32, 34};
    case TensorType::iq4_nl:
      return {32, 18};
    case TensorType::q4_k:
      return {256, 144};
    case TensorType::q5_k:
      return {256, 176};
    case TensorType::q6_k:
      return {256, 210};
  }
  return {};
}

// Bytes of a row of n elements, n a multiple of the block's.
constexpr std::size_t row_bytes(TensorType type, std::size_t n) {
  const BlockShape block = block_shape(type);
  return n / block.elements * block.bytes;
}

constexpr bool is_quantised(TensorType type) { return block_shape(type).elements > 1; }

}  // namespace baton::kernels
