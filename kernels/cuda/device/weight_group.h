#pragma once
// A group of 32 quantised weights as operands of dp4a: eight words of four signed bytes in the order of the elements, and the scales that
// convert their sums back into numbers. The formats are defined in kernels/cpu/unpack.cpp and blocks.h.
#include <baton/kernels/tensor_type.h>
#include <baton/kernels/unpack.h>

#include <cstdint>

#include "arithmetic.h"
#include "block_value.h"

namespace baton::kernels::cuda {

struct WeightGroup {
  std::uint32_t q[8];
  float scale[2];  // of elements 0 to 15 and 16 to 31: the same, except in q6_K
  float minimum;   // added to each weight; only in formats that have one
};

// Bytes of 32 groups, which a warp reads together.
template <TensorType kType>
constexpr int kChunkBytes = 32 * 32 / kBlockElements<kType>* kBlockBytes<kType>;

template <TensorType kType>
constexpr bool kHasMinimum = has_minimum(kType);

namespace weight_group {

__device__ __forceinline__ std::uint32_t half_word(const unsigned char* p) { return *reinterpret_cast<const std::uint16_t*>(p); }
// kWords times four bytes from an even address on: aligned words, and words that lie across two of them are put together.
template <int kWords>
__device__ __forceinline__ void even_words(const unsigned char* p, std::uint32_t (&words)[kWords]) {
  const unsigned across = static_cast<unsigned>(reinterpret_cast<std::uintptr_t>(p)) & 2;
  const auto* const aligned = reinterpret_cast<const std::uint32_t*>(p - across);
  const unsigned select = across ? 0x5432 : 0x3210;
  std::uint32_t low = aligned[0];
#pragma unroll
  for (int i = 0; i < kWords; ++i) {
    const std::uint32_t high = i + 1 < kWords || across ? aligned[i + 1] : 0;
    words[i] = __byte_perm(low, high, select);
    low = high;
  }
}
// Four bytes at a multiple of four.
__device__ __forceinline__ std::uint32_t word(const unsigned char* p) { return *reinterpret_cast<const std::uint32_t*>(p); }
__device__ __forceinline__ float f16(const unsigned char* p) { return f16_value(static_cast<std::uint16_t>(half_word(p))); }

constexpr std::uint32_t kLow = 0x0f0f0f0f, kOnes = 0x01010101;

// Bits 0 to 3 as the lowest bits of four bytes.
__device__ __forceinline__ std::uint32_t spread(std::uint32_t bits) { return (bits & 15) * 0x00204081 & kOnes; }

// Each byte minus 8 (of 0 to 15), 16 (of 0 to 31) or 32 (of 0 to 63): the inverted top bit is the sign, and is copied upwards.
template <std::uint32_t kOffset>
__device__ __forceinline__ std::uint32_t minus(std::uint32_t q) {
  q ^= kOffset * kOnes;
  return q | (q & kOffset * kOnes) * (256 / kOffset - 2);
}

// IQ4_NL's values for four codes.
__device__ __forceinline__ std::uint32_t iq4nl(std::uint32_t codes) {
  std::uint32_t select = codes & 0x07070707;
  select = (select | select >> 4) & 0x00ff00ff;
  select = select | select >> 8;  // four nibbles; higher bits are ignored
  const std::uint32_t low = __byte_perm(0xbfad9881, 0xf6eaddcf, select), high = __byte_perm(0x26190d01, 0x71594535, select);
  const std::uint32_t is_high = (codes >> 3 & kOnes) * 255;
  return (low & ~is_high) | (high & is_high);
}

}  // namespace weight_group

// Group `index` of a chunk, which begins with a whole block.
template <TensorType kType>
__device__ __forceinline__ WeightGroup read_weight_group(const unsigned char* chunk, int index) {
  using namespace weight_group;
  WeightGroup g;
  constexpr int kBytes = kBlockBytes<kType>;
  if constexpr (kBlockElements<kType> == 32) {
    const unsigned char* const block = chunk + index * kBytes;
    g.scale[0] = g.scale[1] = f16(block);
    if constexpr (kHasMinimum<kType>) g.minimum = f16(block + 2);
    if constexpr (kType == TensorType::q8_0) {
      even_words(block + 2, g.q);
    } else {
      constexpr bool kFive = kType == TensorType::q5_0 || kType == TensorType::q5_1;
      constexpr int kWords = kFive ? 5 : 4;  // the fifth bits come before the codes
      std::uint32_t words[kWords];
      if constexpr (kBytes % 4 == 0) {
#pragma unroll
        for (int i = 0; i < kWords; ++i) words[i] = word(block + kBytes - 4 * (kWords - i));
      } else {
        even_words(block + kBytes - 4 * kWords, words);
      }
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        const std::uint32_t codes = words[kWords - 4 + i];
        g.q[i] = codes & kLow;
        g.q[4 + i] = codes >> 4 & kLow;
        if constexpr (kFive) {
          g.q[i] |= spread(words[0] >> (4 * i)) << 4;
          g.q[4 + i] |= spread(words[0] >> (16 + 4 * i)) << 4;
        }
      }
#pragma unroll
      for (int i = 0; i < 8; ++i) {
        if constexpr (kType == TensorType::q4_0) g.q[i] = minus<8>(g.q[i]);
        if constexpr (kType == TensorType::q5_0) g.q[i] = minus<16>(g.q[i]);
        if constexpr (kType == TensorType::iq4_nl) g.q[i] = iq4nl(g.q[i]);
      }
    }
  } else {
    const unsigned char* const block = chunk + index / 8 * kBytes;
    const int j = index % 8;
    if constexpr (kType == TensorType::q6_k) {
      const int half = j / 4, quarter = j % 4;
      std::uint32_t low[8], high[8];
      even_words(block + 64 * half + 32 * (quarter % 2), low);
      even_words(block + 128 + 32 * half, high);
#pragma unroll
      for (int i = 0; i < 8; ++i) {
        g.q[i] = minus<32>((low[i] >> (quarter / 2 * 4) & kLow) | (high[i] >> (2 * quarter) & 0x03030303) << 4);
      }
      const float d = f16(block + 208);
#pragma unroll
      for (int i = 0; i < 2; ++i) g.scale[i] = d * static_cast<float>(static_cast<std::int8_t>(block[192 + 2 * j + i]));
    } else {
      const KScale k(BlockBytes{block}, j);
      g.scale[0] = g.scale[1] = k.scale;
      g.minimum = -k.minimum;
      constexpr int kCodes = kType == TensorType::q5_k ? 48 : 16;
#pragma unroll
      for (int i = 0; i < 8; ++i) {
        g.q[i] = word(block + kCodes + j / 2 * 32 + 4 * i) >> (j % 2 * 4) & kLow;
        if constexpr (kType == TensorType::q5_k) g.q[i] |= (word(block + 16 + 4 * i) >> j & kOnes) << 4;
      }
    }
  }
  return g;
}

}  // namespace baton::kernels::cuda
