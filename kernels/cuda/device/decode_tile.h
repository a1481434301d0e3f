#pragma once
// The work of one warp of attention_decode.cu on 16 rows and 16 keys: it loads the keys and values and multiplies, in each type of the
// cache.
#include <baton/kernels/attention.h>
#include <cuda_runtime.h>

#include <cstdint>

#include "cp_async.h"
#include "kv_slot.h"
#include "narrow_kv.h"
#include "tile.h"

namespace baton::kernels::cuda::decode {

constexpr int kRows = 16, kKeys = 16, kMaxSplits = 128;  // AttentionDecodeParams::n_splits

// How keys and values are stored and become operands. kNarrow: bytes that Bytes::expand turns into f16, times kFactor.
struct WideF16 {
  using Element = F16;
  static constexpr bool kNarrow = false, kScaled = false;
  static constexpr float kKeyFactor = 1, kValueFactor = 1;
};
struct WideBf16 : WideF16 {
  using Element = Bf16;
};
struct NarrowQ8 {
  using Element = F16;
  using Bytes = Int8Bytes;
  static constexpr bool kNarrow = true, kScaled = true;
  static constexpr float kKeyFactor = 1;
  // Weights are multiplied by the values' scales before they are rounded to f16. 64 keeps the products of small scales out of the
  // subnormal numbers and those of large ones, at most 65504 / 127, finite.
  static constexpr float kWeightFactor = 64, kValueFactor = 1 / kWeightFactor;
};
struct NarrowFp8 {
  using Element = F16;
  using Bytes = Fp8Bytes;
  static constexpr bool kNarrow = true, kScaled = false;
  static constexpr float kKeyFactor = 256, kValueFactor = 256;
};

template <class Kv_, int kHeadDim_, int kWarps_, int kStages_>
struct Config {
  using Kv = Kv_;
  using Rows = Tile<kHeadDim_>;
  static constexpr int kHeadDim = kHeadDim_, kWarps = kWarps_, kStages = kStages_, kThreads = 32 * kWarps;
  static constexpr int kElementBytes = Kv::kNarrow ? 1 : 2;
  // 16 bytes more than a row, so that ldmatrix, and the words of narrow rows that a warp reads together, access different banks.
  static constexpr int kRowBytes = kHeadDim * kElementBytes + 16, kTileBytes = kKeys * kRowBytes;
  static constexpr int kScaleStride = kv_scale_stride(kHeadDim), kScaleBytes = Kv::kScaled ? kKeys * kScaleStride * 2 : 0;
  static constexpr int kStageBytes = 2 * (kTileBytes + kScaleBytes), kWarpBytes = kStages * kStageBytes;
  static constexpr int kRingBytes = kWarps * kWarpBytes;
  static constexpr int kCombineBytes = kWarps * kRows * kHeadDim * 4;
  static constexpr int kSharedBytes = kRingBytes > kCombineBytes ? kRingBytes : kCombineBytes;
  static_assert(!Kv::kNarrow || kHeadDim % 32 == 0);
  static_assert(kSharedBytes >= kMaxSplits * kRows * 4);
};

// One stage of one warp.
template <class C>
struct Stage {
  unsigned char* data;
  __device__ __forceinline__ unsigned char* k() const { return data; }
  __device__ __forceinline__ unsigned char* v() const { return data + C::kTileBytes; }
  __device__ __forceinline__ std::uint16_t* k_scale() const { return reinterpret_cast<std::uint16_t*>(data + 2 * C::kTileBytes); }
  __device__ __forceinline__ std::uint16_t* v_scale() const { return k_scale() + kKeys * C::kScaleStride; }
};

// Copies keys and values [first, first + 16) of one head; those from `end` on become zeros.
template <class C>
__device__ __forceinline__ void copy_stage(const Stage<C>& stage, const KvPages& kv, const std::int32_t* page_table, int page_shift,
                                           int head, int first, int end, int lane) {
  constexpr int kWords = C::kHeadDim * C::kElementBytes / 16;  // of a row
  const auto slot_of = [&](int key) { return kv_slot(kv, page_table[key >> page_shift], head, key); };
  const auto* k = static_cast<const unsigned char*>(kv.k);
  const auto* v = static_cast<const unsigned char*>(kv.v);
#pragma unroll 4
  for (int i = 0; i < kKeys * kWords / 32; ++i) {
    const int word = i * 32 + lane, row = word / kWords, column = word % kWords * 16;
    const bool is_there = first + row < end;
    const std::size_t from = is_there ? slot_of(first + row) * (C::kHeadDim * C::kElementBytes) + column : 0;
    cp_async_16(stage.k() + row * C::kRowBytes + column, k + from, is_there ? 16 : 0);
    cp_async_16(stage.v() + row * C::kRowBytes + column, v + from, is_there ? 16 : 0);
  }
  if constexpr (C::Kv::kScaled) {  // lanes 0 to 15 the keys', the others the values'
    const int row = lane % kKeys;
    const bool is_there = first + row < end;
    const std::size_t from = is_there ? slot_of(first + row) * C::kScaleStride : 0;
    std::uint16_t* const to = (lane < kKeys ? stage.k_scale() : stage.v_scale()) + row * C::kScaleStride;
    const std::uint16_t* const scales = lane < kKeys ? kv.k_scale : kv.v_scale;
    constexpr int kBytes = C::kScaleStride * 2;
    if constexpr (kBytes == 4) cp_async_4(to, scales + from, is_there ? kBytes : 0);
    if constexpr (kBytes == 8) cp_async_8(to, scales + from, is_there ? kBytes : 0);
    if constexpr (kBytes == 16) cp_async_16(to, scales + from, is_there ? kBytes : 0);
  }
}

// Fragments of 16 rows of q. For narrow keys, the columns of each 16 are permuted, 4 t to 4 t + 3 for lane t of a row, so that one word of
// keys is a whole operand. A product over k may take k in any order.
template <class C>
__device__ __forceinline__ void load_q(std::uint32_t (&a)[C::kHeadDim / 16][4], const std::uint16_t* const (&rows)[2], int lane) {
  constexpr int kFirst = C::Kv::kNarrow ? 4 : 2, kSecond = C::Kv::kNarrow ? 2 : 8;
#pragma unroll
  for (int d = 0; d < C::kHeadDim / 16; ++d) {
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const std::uint16_t* row = rows[i % 2];
      a[d][i] = row ? *reinterpret_cast<const std::uint32_t*>(row + d * 16 + lane % 4 * kFirst + i / 2 * kSecond) : 0;
    }
  }
}

// s[n] = scores of 16 rows and keys [8 n, 8 n + 8).
template <class C>
__device__ __forceinline__ void multiply_keys(float (&s)[2][4], const std::uint32_t (&q)[C::kHeadDim / 16][4], const Stage<C>& stage,
                                              int lane) {
  using Element = typename C::Kv::Element;
#pragma unroll
  for (int n = 0; n < 2; ++n) s[n][0] = s[n][1] = s[n][2] = s[n][3] = 0.0f;
  if constexpr (!C::Kv::kNarrow) {
    const typename C::Rows tile{reinterpret_cast<std::uint16_t*>(stage.k())};
#pragma unroll
    for (int d = 0; d < C::kHeadDim / 16; ++d) {
      std::uint32_t left[2], right[2];
      tile.load_b(left, right, 0, d * 16, lane);
      Element::mma(s[0], q[d], left);
      Element::mma(s[1], q[d], right);
    }
  } else {
#pragma unroll
    for (int n = 0; n < 2; ++n) {
      const unsigned char* const row = stage.k() + (n * 8 + lane / 4) * C::kRowBytes + lane % 4 * 4;
#pragma unroll
      for (int group = 0; group < C::kHeadDim / 32; ++group) {
        float part[4] = {0.0f, 0.0f, 0.0f, 0.0f};
#pragma unroll
        for (int d = 2 * group; d < 2 * group + 2; ++d) {
          const std::uint32_t word = *reinterpret_cast<const std::uint32_t*>(row + d * 16);
          const std::uint32_t b[2] = {C::Kv::Bytes::expand(word), C::Kv::Bytes::expand(word >> 16)};
          Element::mma(C::Kv::kScaled ? part : s[n], q[d], b);
        }
        if constexpr (C::Kv::kScaled) {
          const std::uint16_t* const scale = stage.k_scale() + (n * 8 + lane % 4 * 2) * C::kScaleStride + group;
          const float left = f16_value(scale[0]), right = f16_value(scale[C::kScaleStride]);
#pragma unroll
          for (int i = 0; i < 4; ++i) s[n][i] += part[i] * (i % 2 ? right : left);
        }
      }
    }
  }
}

// o += weights s times values. o[n] holds columns n * 8 and on; for narrow values o[4 J + j] holds columns 32 J + j, 32 J + 4 + j, ..,
// because a lane reads four neighbouring bytes.
template <class C>
__device__ __forceinline__ void multiply_values(float (&o)[C::kHeadDim / 8][4], const float (&s)[2][4], const Stage<C>& stage, int lane) {
  using Element = typename C::Kv::Element;
  if constexpr (!C::Kv::kNarrow) {
    const std::uint32_t a[4] = {Element::pack(s[0][0], s[0][1]), Element::pack(s[0][2], s[0][3]), Element::pack(s[1][0], s[1][1]),
                                Element::pack(s[1][2], s[1][3])};
    const typename C::Rows tile{reinterpret_cast<std::uint16_t*>(stage.v())};
#pragma unroll
    for (int d = 0; d < C::kHeadDim / 16; ++d) {
      std::uint32_t left[2], right[2];
      tile.load_b_trans(left, right, 0, d * 16, lane);
      Element::mma(o[2 * d], a, left);
      Element::mma(o[2 * d + 1], a, right);
    }
  } else {
    const int key = lane % 4 * 2;
#pragma unroll
    for (int group = 0; group < C::kHeadDim / 32; ++group) {
      float factor[2][2] = {{1.0f, 1.0f}, {1.0f, 1.0f}};  // of keys key, key + 1; key + 8, key + 9
      if constexpr (C::Kv::kScaled) {
        const std::uint16_t* const scale = stage.v_scale() + key * C::kScaleStride + group;
#pragma unroll
        for (int n = 0; n < 2; ++n) {
#pragma unroll
          for (int i = 0; i < 2; ++i) factor[n][i] = f16_value(scale[(n * 8 + i) * C::kScaleStride]) * C::Kv::kWeightFactor;
        }
      }
      std::uint32_t a[4];
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        const int n = i / 2, h = i % 2 * 2;
        a[i] = Element::pack(s[n][h] * factor[n][0], s[n][h + 1] * factor[n][1]);
      }
      std::uint32_t words[4];
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        words[i] =
            *reinterpret_cast<const std::uint32_t*>(stage.v() + (key + i / 2 * 8 + i % 2) * C::kRowBytes + group * 32 + lane / 4 * 4);
      }
#pragma unroll
      for (int j = 0; j < 4; ++j) {
        const unsigned select = static_cast<unsigned>(j | (4 + j) << 4);
        const std::uint32_t b[2] = {C::Kv::Bytes::expand(__byte_perm(words[0], words[1], select)),
                                    C::Kv::Bytes::expand(__byte_perm(words[2], words[3], select))};
        Element::mma(o[4 * group + j], a, b);
      }
    }
  }
}

// Column of o[n][i].
template <class C>
__device__ __forceinline__ int column_of(int n, int i, int lane) {
  const int column = lane % 4 * 2 + i % 2;
  return C::Kv::kNarrow ? n / 4 * 32 + column * 4 + n % 4 : n * 8 + column;
}

}  // namespace baton::kernels::cuda::decode
