// y (m, n) = x (m, k) w (n, k)^T in bf16 with f32 sums, on tensor cores: the fallback of prefill without cuBLAS.
//
// Grid: blocks of 128 x 128 outputs, in groups of 8 rows of blocks, so that blocks that run at the same time share x and w in the L2.
// Block: 8 warps, 2 x 4; a warp owns 64 x 32 outputs in registers. k is loaded in steps of 32, four stages by cp.async.
// Reads 4 * 128 * k bytes a block for 128 * 128 * k multiply-adds.
#include <baton/kernels/cuda/device/cp_async.h>
#include <baton/kernels/cuda/device/launch.h>
#include <baton/kernels/cuda/device/shared_memory.h>
#include <baton/kernels/cuda/device/tile.h>
#include <baton/kernels/gemm.h>

namespace baton::kernels::cuda {
namespace {

constexpr int kBlockM = 128, kBlockN = 128, kStepK = 32, kStages = 4, kThreads = 256;
constexpr int kWarpM = 64, kWarpN = 32, kWarpsN = kBlockN / kWarpN;
constexpr int kGroup = 8;
using Operand = Tile<kStepK>;
constexpr int kTileElements = kBlockM * Operand::kStride;
static_assert(kBlockM == kBlockN);
constexpr int kSharedBytes = kStages * 2 * kTileElements * 2;

// Rows [first, first + 128) and columns [k, k + 32) of a matrix; elements outside the matrix become zeros.
__device__ __forceinline__ void copy_tile(std::uint16_t* tile, const std::uint16_t* matrix, int first, int n_rows, int k, int n_columns) {
#pragma unroll
  for (int i = 0; i < kBlockM * Operand::kWords / kThreads; ++i) {
    const int word = i * kThreads + static_cast<int>(threadIdx.x);
    const int row = word / Operand::kWords, column = word % Operand::kWords * 8;
    const bool is_there = first + row < n_rows && k + column < n_columns;
    const std::uint16_t* from = is_there ? matrix + static_cast<std::size_t>(first + row) * n_columns + k + column : matrix;
    cp_async_16(tile + row * Operand::kStride + column, from, is_there ? 16 : 0);
  }
}

__global__ void __launch_bounds__(kThreads, 2) gemm_kernel(GemmParams p) {
  BATON_DYNAMIC_SHARED(shared);
  auto* const tiles = reinterpret_cast<std::uint16_t*>(shared);  // (kStages, x and w)
  const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;

  // Blocks in groups of kGroup rows: down the group first, then to the right.
  const int blocks_m = (p.m + kBlockM - 1) / kBlockM, blocks_n = (p.n + kBlockN - 1) / kBlockN;
  const int group = static_cast<int>(blockIdx.x) / (kGroup * blocks_n), in_group = static_cast<int>(blockIdx.x) % (kGroup * blocks_n);
  const int rows_here = min(kGroup, blocks_m - group * kGroup);
  const int first_m = (group * kGroup + in_group % rows_here) * kBlockM, first_n = in_group / rows_here * kBlockN;

  const int n_steps = (p.k + kStepK - 1) / kStepK;
  const auto x_tile = [&](int step) { return Operand{tiles + step % kStages * 2 * kTileElements}; };
  const auto w_tile = [&](int step) { return Operand{tiles + (step % kStages * 2 + 1) * kTileElements}; };
  const auto copy = [&](int step) {
    if (step < n_steps) {
      copy_tile(x_tile(step).data, p.x, first_m, p.m, step * kStepK, p.k);
      copy_tile(w_tile(step).data, p.w, first_n, p.n, step * kStepK, p.k);
    }
    cp_async_commit();
  };
#pragma unroll
  for (int step = 0; step < kStages - 1; ++step) copy(step);

  const int warp_m = warp / kWarpsN * kWarpM, warp_n = warp % kWarpsN * kWarpN;
  float sums[kWarpM / 16][kWarpN / 8][4];
#pragma unroll
  for (int m = 0; m < kWarpM / 16; ++m) {
#pragma unroll
    for (int n = 0; n < kWarpN / 8; ++n) sums[m][n][0] = sums[m][n][1] = sums[m][n][2] = sums[m][n][3] = 0.0f;
  }
  for (int step = 0; step < n_steps; ++step) {
    cp_async_wait<kStages - 2>();
    __syncthreads();  // the step has arrived for all, and all are done with step - 1, whose stage is filled now
    copy(step + kStages - 1);
    const Operand x = x_tile(step), w = w_tile(step);
#pragma unroll
    for (int k = 0; k < kStepK; k += 16) {
      std::uint32_t a[kWarpM / 16][4], b[kWarpN / 8][2];
#pragma unroll
      for (int m = 0; m < kWarpM / 16; ++m) x.load_a(a[m], warp_m + m * 16, k, lane);
#pragma unroll
      for (int n = 0; n < kWarpN / 8; n += 2) w.load_b(b[n], b[n + 1], warp_n + n * 8, k, lane);
#pragma unroll
      for (int m = 0; m < kWarpM / 16; ++m) {
#pragma unroll
        for (int n = 0; n < kWarpN / 8; ++n) Bf16::mma(sums[m][n], a[m], b[n]);
      }
    }
  }
  cp_async_wait_all();

#pragma unroll
  for (int m = 0; m < kWarpM / 16; ++m) {
#pragma unroll
    for (int h = 0; h < 2; ++h) {
      const int row = first_m + warp_m + m * 16 + h * 8 + lane / 4;
      if (row >= p.m) continue;
#pragma unroll
      for (int n = 0; n < kWarpN / 8; ++n) {
#pragma unroll
        for (int i = 0; i < 2; ++i) {
          const int column = first_n + warp_n + n * 8 + lane % 4 * 2 + i;
          if (column >= p.n) continue;
          float* const y = p.y + row * p.y_stride + column;
          float value = sums[m][n][2 * h + i];
          if (p.bias) value += p.bias[column];
          *y = p.accumulate ? *y + value : value;
        }
      }
    }
  }
}

}  // namespace

void gemm(const GemmParams& p, Stream stream) {
  if (p.m == 0 || p.n == 0) return;
  const unsigned blocks = static_cast<unsigned>((p.m + kBlockM - 1) / kBlockM) * static_cast<unsigned>((p.n + kBlockN - 1) / kBlockN);
  cudaFuncSetAttribute(gemm_kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, kSharedBytes);
  launch(gemm_kernel, dim3(blocks), dim3(kThreads), kSharedBytes, stream, p);
}

}  // namespace baton::kernels::cuda
