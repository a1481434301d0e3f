// Flash attention, few tokens a sequence (Flash-Decoding, Dao et al. 2023). Memory-bound: the lower bound is the time to read the keys and
// values once.
//
// Grid: (splits, KV heads * tiles of rows, sequences). Rows are packed as in attention_prefill.cu: 16 of them, the smallest tile of a
// tensor-core product, hold all query heads of a KV head for one token and more, so keys are read once for all.
// A split is a range of the keys that the tile sees, the same number of steps of 16 * kWarps keys for each; splits without keys return.
// Block: kWarps warps, each with keys of its own: 16 at a time, while the next kStages - 1 times 16 are being copied by cp.async (56 to 126
// KiB a multiprocessor with the larger configurations, which hides the memory's latency). Maxima, sums and outputs of the warps are
// combined in shared memory, in their order; those of the splits in global memory by the block that finishes last, in their order: the
// result does not depend on which block that is.
#include <baton/kernels/attention.h>
#include <baton/kernels/cuda/device/cp_async.h>
#include <baton/kernels/cuda/device/decode_tile.h>
#include <baton/kernels/cuda/device/kv_slot.h>
#include <baton/kernels/cuda/device/launch.h>
#include <baton/kernels/cuda/device/online_softmax.h>
#include <baton/kernels/cuda/device/shared_memory.h>
#include <baton/kernels/cuda/device/shared_room.h>
#include <baton/kernels/cuda/device/warp.h>

namespace baton::kernels::cuda {
namespace {

using namespace decode;

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
  const float factor = p.softcap > 0.0f ? 1.0f : key_factor * kLog2E;
  const SoftCap capped(key_factor, p.softcap);
  RowState state[2];
  float o[C::kHeadDim / 8][4];
#pragma unroll
  for (int n = 0; n < C::kHeadDim / 8; ++n) o[n][0] = o[n][1] = o[n][2] = o[n][3] = 0.0f;

  for (int i = 0; i < split_steps; ++i) {
    const int first = begin + (i * C::kWarps + warp) * kKeys;
    if (first >= end) break;  // the same for all lanes of the warp
    cp_async_wait<C::kStages - 2>();
    __syncwarp();  // stage i has arrived for all lanes, and all are done with stage i - 1
    copy(i + C::kStages - 1);

    float s[2][4];
    multiply_keys<C>(s, q, stage_at(i), lane);
#pragma unroll
    for (int n = 0; n < 2; ++n) {
#pragma unroll
      for (int j = 0; j < 4; ++j) {
        if (p.softcap > 0.0f) s[n][j] = capped(s[n][j]);
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

  // The warps' parts, in the memory of the ring.
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
  // exp2(-inf - -inf) would be NaN; a part without visible keys has the weight 0.
  const auto weight = [](float exponent, float highest) { return exponent == kMinusInfinity ? 0.0f : exp2_approx(exponent - highest); };
  const auto write = [&](int row, int column, float4 value, float share) {
    *reinterpret_cast<uint2*>(p.out + row_offset(row, C::kHeadDim) + column) =
        make_uint2(Element::pack(value.x * share, value.y * share), Element::pack(value.z * share, value.w * share));
  };
  const auto sink_of = [&](int row) { return p.sinks ? p.sinks + head_kv * group + (first_row + row) % group : nullptr; };
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
    const RowResult result(highest, sum, sink_of(row));
    write(row, column, value, result.share * C::Kv::kValueFactor);
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
  auto* const weights = reinterpret_cast<float*>(shared);  // (n_used, 16), in the memory of the warps' outputs
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
    const RowResult result(totals[0][row], totals[1][row], sink_of(row));
    write(row, column, value, result.share * C::Kv::kValueFactor);
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
  cudaFuncSetAttribute(attention_decode_kernel<C>, cudaFuncAttributeMaxDynamicSharedMemorySize, C::kSharedBytes);
  launch(attention_decode_kernel<C>, grid, dim3(C::kThreads), C::kSharedBytes, stream, p, page_shift(a.kv));
}

template <class Large, class Small>
void launch_fitting(const AttentionDecodeParams& p, Stream stream) {
  if constexpr (!fits(Large::kSharedBytes, kLeastRoom)) {
    static_assert(fits(Small::kSharedBytes, kLeastRoom));
    if (!fits(Large::kSharedBytes, shared_room())) return launch_decode<Small>(p, stream);
  }
  launch_decode<Large>(p, stream);
}

// Two configurations per head size: the second for devices that the first does not fit.
//                  head  warps  stages
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
