// A tiled product of matrices: cp.async loads tile i + 1 while tile i is multiplied, ldmatrix loads the fragments of mma from the tiles.
#include <cuda_bf16.h>
#include <cuda_runtime.h>

#include <baton/kernels/cuda/device/launch.h>
#include <baton/kernels/cuda/device/ptx.h>
#include <baton/kernels/cuda/device/shared_memory.h>

#include "samples.h"

namespace baton::kernels::samples {
namespace {

constexpr int kTile = 64;      // rows of a and of b in a block
constexpr int kDepth = 32;     // of k in a stage
constexpr int kStride = 40;    // elements of a row of a tile: 80 bytes, so that the eight rows that ldmatrix reads lie in different banks
constexpr int kThreads = 128;  // 2 x 2 warps of 32 x 32
constexpr int kStages = 2;

using Tile = __nv_bfloat16[kTile][kStride];

// Rows [row, row + kTile) and columns [column, column + kDepth) of x (n_rows, k); zeros beyond.
__device__ void start_tile(Tile& tile, const __nv_bfloat16* x, int row, int n_rows, int column, int k) {
  for (int i = threadIdx.x; i < kTile * kDepth / 8; i += kThreads) {
    const int r = i / (kDepth / 8), c = i % (kDepth / 8) * 8;
    const bool inside = row + r < n_rows && column + c < k;
    cuda::cp_async_16(&tile[r][c], inside ? x + std::size_t(row + r) * k + column + c : x, inside ? 16 : 0);
  }
}

// Grid: (n / kTile, m / kTile) rounded up, kThreads threads, kStages tiles of a and of b in dynamic shared memory.
__global__ void __launch_bounds__(kThreads)
    gemm_kernel(float* c, const __nv_bfloat16* __restrict__ a, const __nv_bfloat16* __restrict__ b, int m, int n, int k) {
  BATON_DYNAMIC_SHARED(bytes);
  Tile* a_tiles = reinterpret_cast<Tile*>(bytes);
  Tile* b_tiles = a_tiles + kStages;
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  const int warp_row = warp / 2 * 32, warp_column = warp % 2 * 32;
  const int block_row = blockIdx.y * kTile, block_column = blockIdx.x * kTile;

  float sums[2][4][4] = {};
  const int n_steps = (k + kDepth - 1) / kDepth;
  start_tile(a_tiles[0], a, block_row, m, 0, k);
  start_tile(b_tiles[0], b, block_column, n, 0, k);
  cuda::cp_async_commit();
  for (int step = 0; step < n_steps; ++step) {
    if (step + 1 < n_steps) {
      start_tile(a_tiles[(step + 1) % kStages], a, block_row, m, (step + 1) * kDepth, k);
      start_tile(b_tiles[(step + 1) % kStages], b, block_column, n, (step + 1) * kDepth, k);
    }
    cuda::cp_async_commit();  // empty in the last step, so that the newest group is always the next tile
    cuda::cp_async_wait<1>();
    __syncthreads();
    const Tile& a_tile = a_tiles[step % kStages];
    const Tile& b_tile = b_tiles[step % kStages];
    for (int depth = 0; depth < kDepth; depth += 16) {
      std::uint32_t a_fragments[2][4];
      for (int i = 0; i < 2; ++i) {
        cuda::ldmatrix_x4(a_fragments[i], &a_tile[warp_row + 16 * i + lane % 16][depth + lane / 16 * 8]);
      }
      for (int j = 0; j < 4; ++j) {
        std::uint32_t b_fragment[2];
        cuda::ldmatrix_x2(b_fragment, &b_tile[warp_column + 8 * j + lane % 8][depth + lane / 8 % 2 * 8]);
        for (int i = 0; i < 2; ++i) cuda::mma_m16n8k16_bf16(sums[i][j], a_fragments[i], b_fragment, sums[i][j]);
      }
    }
    __syncthreads();  // no warp overwrites a tile that another warp still reads
  }
  for (int i = 0; i < 2; ++i) {
    for (int j = 0; j < 4; ++j) {
      for (int e = 0; e < 4; ++e) {
        const int row = block_row + warp_row + 16 * i + lane / 4 + e / 2 * 8;
        const int column = block_column + warp_column + 8 * j + lane % 4 * 2 + e % 2;
        if (row < m && column < n) c[std::size_t(row) * n + column] = sums[i][j][e];
      }
    }
  }
}

}  // namespace

void gemm(float* c, const __nv_bfloat16* a, const __nv_bfloat16* b, int m, int n, int k, cudaStream_t stream) {
  const dim3 grid((n + kTile - 1) / kTile, (m + kTile - 1) / kTile);
  cuda::launch(gemm_kernel, grid, dim3(kThreads), 2 * kStages * sizeof(Tile), stream, c, a, b, m, n, k);
}

}  // namespace baton::kernels::samples
