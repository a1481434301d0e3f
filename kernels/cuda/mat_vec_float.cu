// y = W x with weights in f32, f16 or bf16, for one to eight tokens.
// Grid: blocks of 8 warps for every 16 rows, a warp two of them, so that x comes from the L1 once for two rows; a lane reads four weights
// of each at a time, four such words ahead.
#include <baton/kernels/cuda/device/block_value.h>
#include <baton/kernels/cuda/device/launch.h>
#include <baton/kernels/cuda/device/warp.h>

#include "mat_vec_kinds.h"

namespace baton::kernels::cuda {
namespace {

constexpr int kWarps = 8, kThreads = 32 * kWarps, kRows = 2;

// Four neighbouring weights.
template <TensorType kType>
__device__ __forceinline__ float4 four_weights(const std::byte* row, int i) {
  if constexpr (kType == TensorType::f32) return reinterpret_cast<const float4*>(row)[i];
  const uint2 word = reinterpret_cast<const uint2*>(row)[i];
  const auto value = [](std::uint32_t pair, int shift) {
    const auto bits = static_cast<std::uint16_t>(pair >> shift);
    return kType == TensorType::f16 ? f16_value(bits) : bf16_value(bits);
  };
  return make_float4(value(word.x, 0), value(word.x, 16), value(word.y, 0), value(word.y, 16));
}

template <TensorType kType>
__global__ void __launch_bounds__(kThreads, 2) mat_vec_float_kernel(MatVecMatrix m, const float* x, int n_tokens, int n_in) {
  const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
  const int first = (static_cast<int>(blockIdx.x) * kWarps + warp) * kRows;
  if (first >= m.n_out) return;
  const std::byte* weights[kRows];  // if the second row is beyond the matrix, the first one takes its place
#pragma unroll
  for (int r = 0; r < kRows; ++r) {
    weights[r] = m.weight + static_cast<std::size_t>(min(first + r, m.n_out - 1)) * n_in * kBlockBytes<kType>;
  }
  float sums[kRows][MatVecParams::kMaxTokens] = {};
#pragma unroll 4
  for (int i = lane; i < n_in / 4; i += 32) {
    float4 w[kRows];
#pragma unroll
    for (int r = 0; r < kRows; ++r) w[r] = four_weights<kType>(weights[r], i);
#pragma unroll
    for (int t = 0; t < MatVecParams::kMaxTokens; ++t) {
      if (t >= n_tokens) break;
      const float4 v = reinterpret_cast<const float4*>(x + static_cast<std::size_t>(t) * n_in)[i];
#pragma unroll
      for (int r = 0; r < kRows; ++r) {
        sums[r][t] += w[r].x * v.x, sums[r][t] += w[r].y * v.y, sums[r][t] += w[r].z * v.z, sums[r][t] += w[r].w * v.w;
      }
    }
  }
#pragma unroll
  for (int r = 0; r < kRows; ++r) {
    const int row = first + r;
    if (row >= m.n_out) break;  // the same for all lanes
#pragma unroll
    for (int t = 0; t < MatVecParams::kMaxTokens; ++t) {
      if (t >= n_tokens) break;
      float value = warp_sum(sums[r][t]);
      if (lane != 0) continue;
      if (m.bias) value += m.bias[row];
      float* const y = m.y + t * m.y_stride + row;
      *y = m.accumulate ? *y + value : value;
    }
  }
}

template <TensorType kType>
void launch_float(const MatVecParams& p, Stream stream) {
  for (int i = 0; i < p.n_matrices; ++i) {
    const MatVecMatrix& m = p.matrices[i];
    if (m.type != kType || m.n_out == 0) continue;
    launch(mat_vec_float_kernel<kType>, dim3(static_cast<unsigned>((m.n_out + kWarps * kRows - 1) / (kWarps * kRows))), dim3(kThreads), 0,
           stream, m, p.x_f32, p.n_tokens, p.n_in);
  }
}

}  // namespace

void mat_vec_float(const MatVecParams& p, Stream stream) {
  launch_float<TensorType::f32>(p, stream);
  launch_float<TensorType::f16>(p, stream);
  launch_float<TensorType::bf16>(p, stream);
}

void mat_vec(const MatVecParams& p, Stream stream) {
  if (p.n_tokens == 0) return;
  mat_vec_quantised(p, stream);
  mat_vec_float(p, stream);
}

}  // namespace baton::kernels::cuda
