// y = W x with quantised weights, for one to eight tokens. Memory-bound: the lower bound is the time to read W once, so the layout
// optimises weight loads first.
//
// Grid: as many blocks as run at the same time, of 8 warps; a warp takes a tile of kRows rows of W at a time, then the tile as many tiles
// further on as there are warps.
// Blocks of 18, 22, 34 or 210 bytes are aligned to 2 only, so threads that loaded their own would need many narrow loads. Instead a warp
// copies its rows unchanged, 16 bytes a lane by cp.async, kStages pieces of 32 groups ahead and across the ends of rows, and picks the
// blocks apart in shared memory, lane l group l. Rows of W that do not begin at a multiple of 16 bytes are copied from the one before.
// Bytes read: W once, and x from the L1 once for kRows rows.
#include <baton/kernels/cuda/device/cp_async.h>
#include <baton/kernels/cuda/device/launch.h>
#include <baton/kernels/cuda/device/shared_memory.h>
#include <baton/kernels/cuda/device/warp.h>
#include <baton/kernels/cuda/device/weight_group.h>
#include <baton/kernels/mat_vec.h>

#include "mat_vec_kinds.h"

namespace baton::kernels::cuda {
namespace {

constexpr int kWarps = 8, kThreads = 32 * kWarps;

// The matrices of one type, concatenated by rows. Each begins at a multiple of kRows rows.
struct Stack {
  MatVecMatrix matrices[MatVecParams::kMaxMatrices];
  int first_tile[MatVecParams::kMaxMatrices + 1];  // in tiles of kRows rows; the last is the end
  int n_matrices;
  Q8Rows x;
  int n_tokens;
  int n_in;
};

struct Place {
  int matrix, row;
};
template <int kRows>
__device__ __forceinline__ Place place_of(const Stack& s, int tile) {
  int matrix = 0;
  while (matrix + 1 < s.n_matrices && tile >= s.first_tile[matrix + 1]) ++matrix;
  return {matrix, (tile - s.first_tile[matrix]) * kRows};
}

// kTokens: the largest number of tokens of this kernel.
template <TensorType kType, int kTokens, int kRows, int kStages>
__global__ void __launch_bounds__(kThreads) mat_vec_kernel(Stack s) {
  constexpr int kPieceBytes = (kChunkBytes<kType> + 15) / 16 * 16 + 16;  // including the bytes before the first one
  BATON_DYNAMIC_SHARED(shared);
  const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
  unsigned char* const ring = shared + warp * (kStages * kRows * kPieceBytes);

  const int n_groups = s.n_in / 32, n_pieces = (n_groups + 31) / 32;
  const std::size_t row_bytes = static_cast<std::size_t>(s.n_in) / kBlockElements<kType> * kBlockBytes<kType>;
  const int n_tiles = s.first_tile[s.n_matrices];
  const int first = static_cast<int>(blockIdx.x) * kWarps + warp, step = static_cast<int>(gridDim.x) * kWarps;

  // Pieces of all tiles of this warp, one after the other; the copies are kStages - 1 pieces ahead of the products.
  int copy_tile = first, copy_piece = 0, copy_stage = 0, copy_rows = 0;
  const unsigned char* copy_from = nullptr;  // the piece of the tile's first row
  const auto copy_next = [&] {
    if (copy_tile < n_tiles) {
      if (copy_piece == 0) {
        const Place at = place_of<kRows>(s, copy_tile);
        copy_rows = min(kRows, s.matrices[at.matrix].n_out - at.row);
        copy_from = reinterpret_cast<const unsigned char*>(s.matrices[at.matrix].weight) + at.row * row_bytes;
      }
      const std::size_t left = row_bytes - static_cast<std::size_t>(copy_piece) * kChunkBytes<kType>;
      const int piece_bytes = static_cast<int>(left < kChunkBytes<kType> ? left : kChunkBytes<kType>);
      const unsigned char* row = copy_from;
#pragma unroll
      for (int r = 0; r < kRows; ++r, row += row_bytes) {
        if (r >= copy_rows) break;
        const int before = static_cast<int>(reinterpret_cast<std::uintptr_t>(row) % 16);
        const int left_of_lane = before + piece_bytes - lane * 16;
        const unsigned char* const source = row - before + lane * 16;
        unsigned char* const to = ring + (copy_stage * kRows + r) * kPieceBytes + lane * 16;
#pragma unroll
        for (int i = 0; i < kPieceBytes; i += 32 * 16) {
          if (i < left_of_lane) cp_async_16(to + i, source + i);
        }
      }
      copy_from += kChunkBytes<kType>;
      if (++copy_piece == n_pieces) copy_piece = 0, copy_tile += step;
    }
    if (++copy_stage == kStages) copy_stage = 0;
    cp_async_commit();
  };
#pragma unroll
  for (int i = 0; i < kStages - 1; ++i) copy_next();

  int stage = 0;
  for (int tile = first; tile < n_tiles; tile += step) {
    const Place at = place_of<kRows>(s, tile);
    const MatVecMatrix& m = s.matrices[at.matrix];
    float sums[kRows][kTokens] = {};
    int before[kRows];  // bytes in front of a row's piece
#pragma unroll
    for (int r = 0; r < kRows; ++r)
      before[r] = static_cast<int>((static_cast<unsigned>(at.row + r) * static_cast<unsigned>(row_bytes)) % 16);
    for (int piece = 0; piece < n_pieces; ++piece) {
      cp_async_wait<kStages - 2>();
      __syncwarp();  // this piece has arrived for all lanes, and all are done with the one before, whose place is filled now
      copy_next();
      const int group = piece * 32 + lane;
      if (group < n_groups) {
        WeightGroup weights[kRows];
#pragma unroll
        for (int r = 0; r < kRows; ++r) {
          const int at_piece = kChunkBytes<kType> % 16 ? (before[r] + piece * (kChunkBytes<kType> % 16)) % 16 : before[r];
          if (at.row + r < m.n_out) weights[r] = read_weight_group<kType>(ring + (stage * kRows + r) * kPieceBytes + at_piece, lane);
        }
#pragma unroll
        for (int t = 0; t < kTokens; ++t) {
          if (t >= s.n_tokens) break;
          const std::size_t x_group = static_cast<std::size_t>(t) * n_groups + group;
          const uint4 low = reinterpret_cast<const uint4*>(s.x.q)[2 * x_group],
                      high = reinterpret_cast<const uint4*>(s.x.q)[2 * x_group + 1];
          const Q8Scale x = s.x.scale[x_group];
          const std::uint32_t words[8] = {low.x, low.y, low.z, low.w, high.x, high.y, high.z, high.w};
#pragma unroll
          for (int r = 0; r < kRows; ++r) {
            if (at.row + r >= m.n_out) break;
            int sum[2] = {0, 0};
#pragma unroll
            for (int i = 0; i < 8; ++i) sum[i / 4] = dp4a(static_cast<int>(weights[r].q[i]), static_cast<int>(words[i]), sum[i / 4]);
            if constexpr (kType == TensorType::q6_k) {
              sums[r][t] += x.scale * (weights[r].scale[0] * static_cast<float>(sum[0]) + weights[r].scale[1] * static_cast<float>(sum[1]));
            } else {
              sums[r][t] += x.scale * weights[r].scale[0] * static_cast<float>(sum[0] + sum[1]);
            }
            if constexpr (kHasMinimum<kType>) sums[r][t] += weights[r].minimum * x.scaled_sum;
          }
        }
      }
      if (++stage == kStages) stage = 0;
    }
#pragma unroll
    for (int r = 0; r < kRows; ++r) {
      const int row = at.row + r;
      if (row >= m.n_out) break;  // the same for all lanes
#pragma unroll
      for (int t = 0; t < kTokens; ++t) {
        if (t >= s.n_tokens) break;
        float value = warp_sum(sums[r][t]);
        if (lane != 0) continue;
        if (m.bias) value += m.bias[row];
        float* const y = m.y + t * m.y_stride + row;
        *y = m.accumulate ? *y + value : value;
      }
    }
  }
  cp_async_wait_all();
}

// The number of blocks of a kernel that run at the same time on the device, limited by registers and shared memory.
template <class Kernel>
int resident_blocks(Kernel kernel, int dynamic_bytes) {
  int device = 0, n_multiprocessors = 0, blocks = 0;
  cudaGetDevice(&device);
  cudaDeviceGetAttribute(&n_multiprocessors, cudaDevAttrMultiProcessorCount, device);
  cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, kernel, kThreads, static_cast<std::size_t>(dynamic_bytes));
  return n_multiprocessors * (blocks > 0 ? blocks : 1);
}

template <TensorType kType, int kTokens>
void launch_tokens(const MatVecParams& p, Stream stream) {
  // With more tokens, more rows share each read of x, and each stage is larger.
  constexpr int kRows = kTokens == 1 ? 2 : 4, kStages = kTokens == 1 ? 4 : kChunkBytes < kType >> 1000 ? 2 : 3;
  constexpr int kPieceBytes = (kChunkBytes<kType> + 15) / 16 * 16 + 16, kShared = kWarps * kStages * kRows * kPieceBytes;
  Stack s{};
  s.x = p.x_q8;
  s.n_tokens = p.n_tokens;
  s.n_in = p.n_in;
  int n_tiles = 0;
  for (int i = 0; i < p.n_matrices; ++i) {
    if (p.matrices[i].type != kType || p.matrices[i].n_out == 0) continue;
    s.matrices[s.n_matrices] = p.matrices[i];
    s.first_tile[s.n_matrices++] = n_tiles;
    n_tiles += (p.matrices[i].n_out + kRows - 1) / kRows;
  }
  if (n_tiles == 0) return;
  s.first_tile[s.n_matrices] = n_tiles;
  const auto kernel = mat_vec_kernel<kType, kTokens, kRows, kStages>;
  cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, kShared);
  static const int resident = resident_blocks(kernel, kShared);  // queried once: if devices differ, the first one's number is good enough
  const int wanted = (n_tiles + kWarps - 1) / kWarps;
  launch(kernel, dim3(static_cast<unsigned>(wanted < resident ? wanted : resident)), dim3(kThreads), kShared, stream, s);
}

template <TensorType kType>
void launch_quantised(const MatVecParams& p, Stream stream) {
  if (p.n_tokens == 1) return launch_tokens<kType, 1>(p, stream);
  if (p.n_tokens == 2) return launch_tokens<kType, 2>(p, stream);
  if (p.n_tokens <= 4) return launch_tokens<kType, 4>(p, stream);
  launch_tokens<kType, 8>(p, stream);
}

}  // namespace

void mat_vec_quantised(const MatVecParams& p, Stream stream) {
  launch_quantised<TensorType::q4_0>(p, stream);
  launch_quantised<TensorType::q4_1>(p, stream);
  launch_quantised<TensorType::q5_0>(p, stream);
  launch_quantised<TensorType::q5_1>(p, stream);
  launch_quantised<TensorType::q8_0>(p, stream);
  launch_quantised<TensorType::q4_k>(p, stream);
  launch_quantised<TensorType::q5_k>(p, stream);
  launch_quantised<TensorType::q6_k>(p, stream);
  launch_quantised<TensorType::iq4_nl>(p, stream);
}

}  // namespace baton::kernels::cuda
