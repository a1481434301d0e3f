// Flash attention, few tokens a sequence (Flash-Decoding, Dao et al. 2023): the time is that of reading the keys and values once.
//
// Grid: (splits, KV heads * tiles of rows, sequences). Rows are packed as in attention_prefill.cu: 16 of them, the smallest tile of a
// tensor-core product, hold all query heads of a KV head for one token and more, so keys are read once for all.
// A split is a run of the keys that the tile sees, the same number of steps of 16 * kWarps keys for each; splits without keys return.
// Block: kWarps warps, each with keys of its own: 16 at a time, while the next kStages - 1 times 16 are on their way by cp.async (56 to 126
// KiB a multiprocessor with the larger configurations, which hides the memory's latency). Maxima, sums and outputs of the warps are
// combined in shared memory, in their order; those of the splits in global memory by the block that comes last, in their order: the result
// does not depend on who that is.
#include <baton/kernels/attention.h>
#include <baton/kernels/cuda/device/cp_async.h>
#include <baton/kernels/cuda/device/launch.h>
#include <baton/kernels/cuda/device/narrow_kv.h>
#include <baton/kernels/cuda/device/online_softmax.h>
#include <baton/kernels/cuda/device/shared_memory.h>
#include <baton/kernels/cuda/device/shared_room.h>
#include <baton/kernels/cuda/device/tile.h>
#include <baton/kernels/cuda/device/warp.h>

namespace baton::kernels::cuda {
namespace {

constexpr int kRows = 16, kKeys = 16, kMaxSplits = 128;  // AttentionDecodeParams::n_splits

// How keys and values stand in memory and become operands. kNarrow: bytes that Bytes::expand turns into f16, times kFactor.
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
  // 16 bytes more than a row: ldmatrix, and the words of narrow rows that a warp reads together, lie in different banks.
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
  const auto slot_of = [&](int key) {
    return (static_cast<std::size_t>(page_table[key >> page_shift]) * kv.n_head_kv + head) * kv.page_tokens + (key & (kv.page_tokens - 1));
  };
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

// Fragments of 16 rows of q. For narrow keys the columns of each 16 are taken in another order, 4 t to 4 t + 3 for lane t of a row, so that
// one word of keys makes a whole operand; a product over k may take k in any order.
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

// One row's result from the parts' common exponent, sum and output.
template <class C>
struct RowResult {
  float share;  // by which the output is multiplied
  float log_sum_exp;

  __device__ __forceinline__ RowResult(float exponent, float sum, const float* sinks, int head) {
    float correction = 1.0f;
    if (sinks) {
      const float sink = sinks[head] * kLog2E, highest = fmaxf(exponent, sink);
      correction = exp2_approx(exponent - highest);
      sum = sum * correction + exp2_approx(sink - highest);
      exponent = highest;
    }
    share = sum == 0.0f ? 0.0f : correction / sum * C::Kv::kValueFactor;
    log_sum_exp = sum == 0.0f ? kMinusInfinity : (exponent + log2f(sum)) * kLn2;
  }
};

template <class C>
__global__ void __launch_bounds__(C::kThreads, 1) attention_decode_kernel(AttentionDecodeParams params, int page_shift) {
  using Element = typename C::Kv::Element;
  const AttentionParams& p = params.attention;
  const int sequence = static_cast<int>(blockIdx.z), split = static_cast<int>(blockIdx.x);
  const int head_kv = static_cast<int>(blockIdx.y) % p.kv.n_head_kv, row_tile = static_cast<int>(blockIdx.y) / p.kv.n_head_kv;
  const int first_token = p.batch.first_token[sequence], n_tokens = p.batch.first_token[sequence + 1] - first_token;
  const int context = p.batch.context[sequence], first_position = context - n_tokens;
  const int group = p.n_head / p.kv.n_head_kv, first_row = row_tile * kRows, n_rows = min(kRows, n_tokens * group - first_row);
  if (n_rows <= 0) return;

  const auto seen_from = [&](int row) { return p.window > 0 ? max(0, first_position + (first_row + row) / group - p.window + 1) : 0; };
  const auto seen_to = [&](int row) { return p.causal ? min(first_position + (first_row + row) / group + 1, context) : context; };
  constexpr int kStep = kKeys * C::kWarps;
  const int from = seen_from(0) / kKeys * kKeys, to = seen_to(n_rows - 1);
  const int n_steps = max((to - from + kStep - 1) / kStep, 1), split_steps = (n_steps + params.n_splits - 1) / params.n_splits;
  const int n_used = (n_steps + split_steps - 1) / split_steps;
  if (split >= n_used) return;
  const int begin = from + split * split_steps * kStep, end = min(to, begin + split_steps * kStep);

  BATON_DYNAMIC_SHARED(shared);
  const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
  const std::int32_t* const page_table = p.batch.page_table + static_cast<std::size_t>(sequence) * p.batch.page_table_stride;
  const auto stage_at = [&](int i) { return Stage<C>{shared + warp * C::kWarpBytes + i % C::kStages * C::kStageBytes}; };
  const auto copy = [&](int i) {
    const int first = begin + (i * C::kWarps + warp) * kKeys;
    if (first < end) copy_stage<C>(stage_at(i), p.kv, page_table, page_shift, head_kv, first, end, lane);
    cp_async_commit();
  };
#pragma unroll
  for (int i = 0; i < C::kStages - 1; ++i) copy(i);

  const auto row_offset = [&](int row, int width) {  // in q and out
    const int r = first_row + row;
    return (static_cast<std::size_t>(first_token + r / group) * p.n_head + head_kv * group + r % group) * width;
  };
  const std::uint16_t* q_rows[2];
  int row_from[2], row_to[2];
#pragma unroll
  for (int h = 0; h < 2; ++h) {
    const int row = h * 8 + lane / 4;
    q_rows[h] = row < n_rows ? p.q + row_offset(row, C::kHeadDim) : nullptr;
    row_from[h] = seen_from(row);
    row_to[h] = seen_to(row);
  }
  std::uint32_t q[C::kHeadDim / 16][4];
  load_q<C>(q, q_rows, lane);

  const float key_factor = p.scale * C::Kv::kKeyFactor;
  const float factor = p.softcap > 0.0f ? kLog2E : key_factor * kLog2E;
  RowState state[2];
  float o[C::kHeadDim / 8][4];
#pragma unroll
  for (int n = 0; n < C::kHeadDim / 8; ++n) o[n][0] = o[n][1] = o[n][2] = o[n][3] = 0.0f;

  for (int i = 0; i < split_steps; ++i) {
    const int first = begin + (i * C::kWarps + warp) * kKeys;
    if (first >= end) break;  // the same for all lanes of the warp
    cp_async_wait<C::kStages - 2>();
    __syncwarp();  // stage i is there for all lanes, and all are done with stage i - 1
    copy(i + C::kStages - 1);

    float s[2][4];
    multiply_keys<C>(s, q, stage_at(i), lane);
#pragma unroll
    for (int n = 0; n < 2; ++n) {
#pragma unroll
      for (int j = 0; j < 4; ++j) {
        if (p.softcap > 0.0f) s[n][j] = soft_capped(s[n][j] * key_factor, p.softcap);
        const int key = first + n * 8 + lane % 4 * 2 + j % 2;
        if (key < row_from[j / 2] || key >= row_to[j / 2]) s[n][j] = kMinusInfinity;
      }
    }
#pragma unroll
    for (int h = 0; h < 2; ++h) {
      const float largest = fmaxf(fmaxf(s[0][2 * h], s[0][2 * h + 1]), fmaxf(s[1][2 * h], s[1][2 * h + 1]));
      const float correction = state[h].raise(quad_max(largest), factor);
      const float shift = state[h].shift() * factor;
#pragma unroll
      for (int n = 0; n < 2; ++n) {
#pragma unroll
        for (int j = 2 * h; j < 2 * h + 2; ++j) {
          s[n][j] = exp2_approx(s[n][j] * factor - shift);
          state[h].sum += s[n][j];
        }
      }
#pragma unroll
      for (int n = 0; n < C::kHeadDim / 8; ++n) {
        o[n][2 * h] *= correction;
        o[n][2 * h + 1] *= correction;
      }
    }
    multiply_values<C>(o, s, stage_at(i), lane);
  }

  // The warps' parts, where the ring was.
  BATON_SHARED(exponents, float[C::kWarps][kRows]);
  BATON_SHARED(sums, float[C::kWarps][kRows]);
  cp_async_wait_all();
  __syncthreads();
  auto* const outputs = reinterpret_cast<float*>(shared);  // (kWarps, 16, head_dim)
#pragma unroll
  for (int h = 0; h < 2; ++h) {
    const int row = h * 8 + lane / 4;
    const float sum = quad_sum(state[h].sum);
    if (lane % 4 == 0) {
      exponents[warp][row] = state[h].maximum * factor;
      sums[warp][row] = sum;
    }
#pragma unroll
    for (int n = 0; n < C::kHeadDim / 8; ++n) {
#pragma unroll
      for (int i = 0; i < 2; ++i) outputs[(warp * kRows + row) * C::kHeadDim + column_of<C>(n, i, lane)] = o[n][2 * h + i];
    }
  }
  __syncthreads();

  // Each thread combines four columns of a row at a time.
  const auto common_exponent = [&](int row) {
    float highest = exponents[0][row];
#pragma unroll
    for (int w = 1; w < C::kWarps; ++w) highest = fmaxf(highest, exponents[w][row]);
    return highest;
  };
  // exp2(-inf - -inf) would be no number; a part that saw nothing has the weight 0.
  const auto weight = [](float exponent, float highest) { return exponent == kMinusInfinity ? 0.0f : exp2_approx(exponent - highest); };
  const auto write = [&](int row, int column, float4 value, float share) {
    *reinterpret_cast<uint2*>(p.out + row_offset(row, C::kHeadDim) + column) =
        make_uint2(Element::pack(value.x * share, value.y * share), Element::pack(value.z * share, value.w * share));
  };
  const auto add = [](float4& sum, float w, const float4& value) {
    sum.x += w * value.x, sum.y += w * value.y, sum.z += w * value.z, sum.w += w * value.w;
  };
  const std::size_t place = (static_cast<std::size_t>(sequence) * gridDim.y + blockIdx.y) * params.n_splits;
  constexpr int kPartFloats = kRows * (C::kHeadDim + 2);
  float* const part = params.partial + (place + split) * kPartFloats;  // (16, head_dim) outputs, 16 exponents, 16 sums
  for (int i = static_cast<int>(threadIdx.x); i < n_rows * C::kHeadDim / 4; i += C::kThreads) {
    const int row = i / (C::kHeadDim / 4), column = i % (C::kHeadDim / 4) * 4;
    const float highest = common_exponent(row);
    float4 value = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
    float sum = 0.0f;
#pragma unroll
    for (int w = 0; w < C::kWarps; ++w) {
      const float share = weight(exponents[w][row], highest);
      add(value, share, *reinterpret_cast<const float4*>(outputs + (w * kRows + row) * C::kHeadDim + column));
      sum += share * sums[w][row];
    }
    if (n_used > 1) {
      *reinterpret_cast<float4*>(part + row * C::kHeadDim + column) = value;
      if (column == 0) part[kRows * C::kHeadDim + row] = highest, part[kRows * (C::kHeadDim + 1) + row] = sum;
      continue;
    }
    const RowResult<C> result(highest, sum, p.sinks, head_kv * group + (first_row + row) % group);
    write(row, column, value, result.share);
    if (p.log_sum_exp && column == 0) p.log_sum_exp[row_offset(row, 1)] = result.log_sum_exp;
  }
  if (n_used == 1) return;

  // The last block of the tile combines the splits.
  BATON_SHARED(is_last, bool);
  __threadfence();
  __syncthreads();
  std::uint32_t* const arrived = params.arrived + static_cast<std::size_t>(sequence) * gridDim.y + blockIdx.y;
  if (threadIdx.x == 0) is_last = atomicAdd(arrived, 1u) == static_cast<std::uint32_t>(n_used) - 1;
  __syncthreads();
  if (!is_last) return;
  __threadfence();
  auto* const weights = reinterpret_cast<float*>(shared);  // (n_used, 16), where the outputs of the warps were
  BATON_SHARED(totals, float[2][kRows]);                   // exponents, sums
  const float* const parts = params.partial + place * kPartFloats;
  for (int row = warp; row < n_rows; row += C::kWarps) {
    float highest = kMinusInfinity, sum = 0.0f;
    for (int i = lane; i < n_used; i += 32)
      highest = fmaxf(highest, parts[static_cast<std::size_t>(i) * kPartFloats + kRows * C::kHeadDim + row]);
    highest = warp_max(highest);
    for (int i = lane; i < n_used; i += 32) {
      const float* const of_split = parts + static_cast<std::size_t>(i) * kPartFloats + kRows * C::kHeadDim + row;
      weights[i * kRows + row] = weight(of_split[0], highest);
      sum += weights[i * kRows + row] * of_split[kRows];
    }
    sum = warp_sum(sum);
    if (lane == 0) totals[0][row] = highest, totals[1][row] = sum;
  }
  __syncthreads();
  for (int i = static_cast<int>(threadIdx.x); i < n_rows * C::kHeadDim / 4; i += C::kThreads) {
    const int row = i / (C::kHeadDim / 4), column = i % (C::kHeadDim / 4) * 4;
    float4 value = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
#pragma unroll 4
    for (int j = 0; j < n_used; ++j) {
      add(value, weights[j * kRows + row],
          *reinterpret_cast<const float4*>(parts + static_cast<std::size_t>(j) * kPartFloats + row * C::kHeadDim + column));
    }
    const RowResult<C> result(totals[0][row], totals[1][row], p.sinks, head_kv * group + (first_row + row) % group);
    write(row, column, value, result.share);
    if (p.log_sum_exp && column == 0) p.log_sum_exp[row_offset(row, 1)] = result.log_sum_exp;
  }
  if (threadIdx.x == 0) *arrived = 0;  // for the next call
}

int row_tiles(const AttentionParams& p) { return (p.batch.max_tokens * (p.n_head / p.kv.n_head_kv) + kRows - 1) / kRows; }

template <class C>
void launch_decode(const AttentionDecodeParams& p, Stream stream) {
  const AttentionParams& a = p.attention;
  const dim3 grid(static_cast<unsigned>(p.n_splits), static_cast<unsigned>(a.kv.n_head_kv * row_tiles(a)),
                  static_cast<unsigned>(a.batch.n_sequences));
  int page_shift = 0;
  while (1 << page_shift < a.kv.page_tokens) ++page_shift;
  cudaFuncSetAttribute(attention_decode_kernel<C>, cudaFuncAttributeMaxDynamicSharedMemorySize, C::kSharedBytes);
  launch(attention_decode_kernel<C>, grid, dim3(C::kThreads), C::kSharedBytes, stream, p, page_shift);
}

template <class Large, class Small>
void launch_fitting(const AttentionDecodeParams& p, Stream stream) {
  if constexpr (!fits(Large::kSharedBytes, kLeastRoom)) {
    static_assert(fits(Small::kSharedBytes, kLeastRoom));
    if (!fits(Large::kSharedBytes, shared_room())) return launch_decode<Small>(p, stream);
  }
  launch_decode<Large>(p, stream);
}

// Two configurations a head size: the second for devices that the first does not fit.
//                   head  warps  stages
template <class Kv>
void launch_by_head_dim(const AttentionDecodeParams& p, Stream stream) {
  constexpr int kWide = Kv::kNarrow ? 1 : 0;
  const int head_dim = p.attention.kv.head_dim;
  if constexpr (!Kv::kNarrow) {  // narrow caches have whole groups of 32
    if (head_dim == 80) return launch_fitting<Config<Kv, 80, 8, 3>, Config<Kv, 80, 4, 4>>(p, stream);
  }
  switch (head_dim) {
    case 64:
      return launch_fitting<Config<Kv, 64, 8, 4>, Config<Kv, 64, 4, 4>>(p, stream);
    case 96:
      return launch_fitting<Config<Kv, 96, 8, 3>, Config<Kv, 96, 4, 3>>(p, stream);
    case 128:
      return launch_fitting<Config<Kv, 128, 4 << kWide, 4>, Config<Kv, 128, 4, 2 << kWide>>(p, stream);
    default:
      return launch_fitting<Config<Kv, 256, 4, 2 << kWide>, Config<Kv, 256, 2, 2 << kWide>>(p, stream);
  }
}

}  // namespace

std::size_t attention_decode_counters(const AttentionDecodeParams& p) {
  const AttentionParams& a = p.attention;
  return static_cast<std::size_t>(a.batch.n_sequences) * a.kv.n_head_kv * row_tiles(a);
}

std::size_t attention_decode_scratch(const AttentionDecodeParams& p) {
  return p.n_splits == 1 ? 0 : attention_decode_counters(p) * p.n_splits * kRows * (p.attention.kv.head_dim + 2);
}

void attention_decode(const AttentionDecodeParams& p, Stream stream) {
  if (attention_decode_counters(p) == 0) return;
  switch (p.attention.kv.type) {
    case KvType::f16:
      return launch_by_head_dim<WideF16>(p, stream);
    case KvType::bf16:
      return launch_by_head_dim<WideBf16>(p, stream);
    case KvType::q8_0:
      return launch_by_head_dim<NarrowQ8>(p, stream);
    case KvType::fp8_e4m3:
      return launch_by_head_dim<NarrowFp8>(p, stream);
  }
}

}  // namespace baton::kernels::cuda
