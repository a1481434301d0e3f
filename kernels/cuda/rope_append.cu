// QK-norm, RoPE (Su et al. 2021), rounding and append to the paged cache.
//
// Grid: (n_tokens, ceil(heads / 8)), heads being those of q, k and v in this order; a block of 256 threads belongs to one token, each of
// its warps to one head. The block computes the token's cos and sin once, from an angle in double precision that becomes a float only after
// whole turns were subtracted: position 131,072 is as exact as position 1. Reads 4 and writes 1 to 2 bytes an element.
#include <baton/kernels/cuda/device/kv_slot.h>
#include <baton/kernels/cuda/device/launch.h>
#include <baton/kernels/cuda/device/narrow_kv.h>
#include <baton/kernels/cuda/device/shared_memory.h>
#include <baton/kernels/cuda/device/warp.h>
#include <baton/kernels/rope_append.h>

namespace baton::kernels::cuda {
namespace {

constexpr int kWarps = 8, kThreads = 32 * kWarps, kMaxHeadDim = 256, kParts = kMaxHeadDim / 32;

// Lane l has x[j] = element 32 j + l of a head: writes all of them in one type.
__device__ __forceinline__ void store_halves(std::uint16_t* to, const float (&x)[kParts], int head_dim, int lane, bool bf16) {
#pragma unroll
  for (int j = 0; j < kParts; ++j) {
    const int d = j * 32 + lane;
    if (d < head_dim) to[d] = bf16 ? bf16_bits(x[j]) : f16_bits(x[j]);
  }
}

__device__ __forceinline__ void store_kv(const KvPages& kv, void* pages, std::uint16_t* scales, std::size_t slot, const float (&x)[kParts],
                                         int n_scales, int lane) {
  const std::size_t at = slot * kv.head_dim;
  if (kv.type == KvType::f16 || kv.type == KvType::bf16) {
    store_halves(static_cast<std::uint16_t*>(pages) + at, x, kv.head_dim, lane, kv.type == KvType::bf16);
    return;
  }
  auto* const to = static_cast<std::uint8_t*>(pages) + at;
#pragma unroll
  for (int j = 0; j < kParts; ++j) {
    if (j * 32 >= kv.head_dim) break;  // the same for all lanes; head_dim is a multiple of 32 here
    if (kv.type == KvType::fp8_e4m3) {
      to[j * 32 + lane] = fp8_bits(x[j]);
      continue;
    }
    const std::uint16_t scale_bits = f16_bits(warp_max(fabsf(x[j])) / 127.0f);
    const float scale = f16_value(scale_bits), wanted = scale > 0.0f ? x[j] / scale : 0.0f;
    to[j * 32 + lane] = static_cast<std::uint8_t>(__float2int_rn(fminf(fmaxf(wanted, -127.0f), 127.0f)));
    // NaN must not become a number.
    const bool finite = __all_sync(kAllLanes, isfinite(x[j]));
    if (lane == 0) scales[slot * n_scales + j] = finite ? scale_bits : static_cast<std::uint16_t>(0x7e00);
  }
}

__global__ void __launch_bounds__(kThreads) rope_append_kernel(RopeAppendParams p, int page_shift, int n_scales) {
  BATON_SHARED(cosines, float[kMaxHeadDim / 2]);
  BATON_SHARED(sines, float[kMaxHeadDim / 2]);
  BATON_SHARED(rows, float[kWarps][kMaxHeadDim]);
  const int token = static_cast<int>(blockIdx.x), position = p.batch.positions[token];
  const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
  const int half = p.n_rot / 2;
  for (int i = static_cast<int>(threadIdx.x); i < half; i += kThreads) {
    const double turns = position * p.inverse_frequency[i] / 6.283185307179586;
    float sine, cosine;
    sincospif(static_cast<float>(2 * (turns - rint(turns))), &sine, &cosine);
    cosines[i] = cosine * p.attention_factor;
    sines[i] = sine * p.attention_factor;
  }
  __syncthreads();

  const int head = static_cast<int>(blockIdx.y) * kWarps + warp, head_dim = p.kv.head_dim;
  const bool is_q = head < p.n_head, is_k = !is_q && head < p.n_head + p.kv.n_head_kv;
  if (head >= p.n_head + 2 * p.kv.n_head_kv) return;
  const int head_kv = is_k ? head - p.n_head : head - p.n_head - p.kv.n_head_kv;  // of k or v
  const float* const from = (is_q ? p.q + head * head_dim : (is_k ? p.k : p.v) + head_kv * head_dim) + token * p.row_stride;
  float x[kParts];
#pragma unroll
  for (int j = 0; j < kParts; ++j) x[j] = j * 32 + lane < head_dim ? from[j * 32 + lane] : 0.0f;

  const float* const norm = is_q ? p.q_norm : is_k ? p.k_norm : nullptr;
  if (norm) {
    float squares = 0.0f;
#pragma unroll
    for (int j = 0; j < kParts; ++j) squares += x[j] * x[j];
    const float factor = 1.0f / sqrtf(warp_sum(squares) / static_cast<float>(head_dim) + p.epsilon);
#pragma unroll
    for (int j = 0; j < kParts; ++j) {
      if (j * 32 + lane < head_dim) x[j] *= factor * norm[j * 32 + lane];
    }
  }
  if (is_q || is_k) {
#pragma unroll
    for (int j = 0; j < kParts; ++j) rows[warp][j * 32 + lane] = x[j];
    __syncwarp();
#pragma unroll
    for (int j = 0; j < kParts; ++j) {
      const int d = j * 32 + lane;
      if (d >= p.n_rot) continue;
      const int pair = p.halves ? d % half : d / 2;
      const bool first = p.halves ? d < half : d % 2 == 0;
      const float other = rows[warp][p.halves ? (first ? d + half : d - half) : d ^ 1];
      x[j] = first ? x[j] * cosines[pair] - other * sines[pair] : x[j] * cosines[pair] + other * sines[pair];
    }
  }
  if (is_q) {
    store_halves(p.q_out + (static_cast<std::size_t>(token) * p.n_head + head) * head_dim, x, head_dim, lane, p.kv.type == KvType::bf16);
    return;
  }
  const std::int32_t page =
      p.batch.page_table[static_cast<std::size_t>(p.batch.sequence[token]) * p.batch.page_table_stride + (position >> page_shift)];
  store_kv(p.kv, is_k ? p.kv.k : p.kv.v, is_k ? p.kv.k_scale : p.kv.v_scale, kv_slot(p.kv, page, head_kv, position), x, n_scales, lane);
}

}  // namespace

void rope_append(const RopeAppendParams& p, Stream stream) {
  if (p.batch.n_tokens == 0) return;
  const int heads = p.n_head + 2 * p.kv.n_head_kv;
  const dim3 grid(static_cast<unsigned>(p.batch.n_tokens), static_cast<unsigned>((heads + kWarps - 1) / kWarps));
  launch(rope_append_kernel, grid, dim3(kThreads), 0, stream, p, page_shift(p.kv), kv_scale_stride(p.kv.head_dim));
}

}  // namespace baton::kernels::cuda
