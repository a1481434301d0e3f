// y = W x with quantised weights for up to 64 tokens, on int8 tensor cores. One mma m16n8k32 is one group of 32: its exact sums are scaled
// in f32 and added outside of it.
//
// Grid: a block of 8 warps for every 32 rows of W and all tokens; of 4 warps for 32 or 16 rows if shared memory is smaller. The warps share
// k among them, a warp every eighth (fourth) chunk of 8 groups (256 elements): with blocks of more rows and whole k a matrix of 4096 rows
// would leave most multiprocessors idle. At the end the warps' sums are added in the order of the warps.
// A warp copies its rows of a chunk unchanged by cp.async, one chunk ahead, and unpacks 4 groups at a time to rows of signed bytes. The
// order of k within a group is free as long as both operands agree: a lane's two words of it are neighbours, 8 bytes a load. Bytes read: W
// once; x from the L2 once for the rows of a block.
#include <baton/kernels/cuda/device/cp_async.h>
#include <baton/kernels/cuda/device/launch.h>
#include <baton/kernels/cuda/device/mma.h>
#include <baton/kernels/cuda/device/shared_memory.h>
#include <baton/kernels/cuda/device/shared_room.h>
#include <baton/kernels/cuda/device/weight_group.h>
#include <baton/kernels/mat_mul_int8.h>

namespace baton::kernels::cuda {
namespace {

constexpr int kStages = 2, kChunkGroups = 8, kUnpacked = 4;
// Four rows of 8 words each lie in different banks.
constexpr int kUnpackedStride = 32 * kUnpacked + 32;

// The layout of a block, and of a warp's shared memory, all parts aligned to 16 bytes.
template <TensorType kType_, int kTokens_, int kWarps_, int kRows_>
struct Layout {
  static constexpr TensorType kType = kType_;
  static constexpr int kTokens = kTokens_, kWarps = kWarps_, kThreads = 32 * kWarps, kRows = kRows_;
  // Stride of a token's sums, chosen so that those of lanes 2 t tokens apart lie in different banks.
  static constexpr int kSumStride = kRows + 4;
  static constexpr int kScales = kType == TensorType::q6_k ? 2 : 1;
  static constexpr int kChunk = kChunkBytes<kType> / 4;
  static constexpr int kPiece = (kChunk + 15) / 16 * 16 + 16;  // including the bytes before the first one
  static constexpr int kCodes = kStages * kRows * kPiece;
  static constexpr int kScaleAt = kCodes + kRows * kUnpackedStride;
  static constexpr int kMinimumAt = kScaleAt + kUnpacked * kScales * kRows * 4;
  static constexpr int kXScaleAt = kMinimumAt + (kHasMinimum<kType> ? kUnpacked * kRows * 4 : 0);
  static constexpr int kBytes = kXScaleAt + kUnpacked * kTokens * 8;
  static_assert(kBytes >= kTokens * kSumStride * 4);  // the sums reuse this memory
  static constexpr int kSharedBytes = kWarps * kBytes;
};

struct Stack {
  MatVecMatrix matrices[MatMulInt8Params::kMaxMatrices];
  int first_block[MatMulInt8Params::kMaxMatrices];
  int n_matrices;
  Q8Rows x;
  int n_tokens, n_in;
};

template <class L>
__global__ void __launch_bounds__(L::kThreads, 1) mat_mul_int8_kernel(Stack s) {
  constexpr TensorType kType = L::kType;
  constexpr int kTokens = L::kTokens, kWarps = L::kWarps, kRows = L::kRows, kRowTiles = kRows / 16;
  BATON_DYNAMIC_SHARED(shared);
  const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
  const int quad = lane / 4, in_quad = lane % 4;
  unsigned char* const own = shared + warp * L::kBytes;
  unsigned char* const unpacked = own + L::kCodes;
  auto* const scales = reinterpret_cast<float*>(own + L::kScaleAt);      // (group, half, row)
  auto* const minima = reinterpret_cast<float*>(own + L::kMinimumAt);    // (group, row)
  auto* const x_scales = reinterpret_cast<float2*>(own + L::kXScaleAt);  // (group, token)

  int matrix = 0;
  while (matrix + 1 < s.n_matrices && static_cast<int>(blockIdx.x) >= s.first_block[matrix + 1]) ++matrix;
  const MatVecMatrix& w = s.matrices[matrix];
  const int first_row = (static_cast<int>(blockIdx.x) - s.first_block[matrix]) * kRows;
  const int n_rows = min(kRows, w.n_out - first_row);
  const int n_groups = s.n_in / 32, n_chunks = (n_groups + kChunkGroups - 1) / kChunkGroups;
  const std::size_t row_bytes = static_cast<std::size_t>(s.n_in) / kBlockElements<kType> * kBlockBytes<kType>;

  const auto chunk_at = [&](int row, int chunk) { return (first_row + row) * row_bytes + static_cast<std::size_t>(chunk) * L::kChunk; };
  const auto copy = [&](int chunk, int stage) {
    if (chunk < n_chunks) {
      const std::size_t left = row_bytes - static_cast<std::size_t>(chunk) * L::kChunk;
      const int bytes = left < L::kChunk ? static_cast<int>(left) : L::kChunk;
      constexpr int kWords = L::kPiece / 16;
      for (int i = lane; i < n_rows * kWords; i += 32) {
        const int row = i / kWords, word = i % kWords * 16;
        const std::size_t from = chunk_at(row, chunk);
        if (word >= bytes + static_cast<int>(from % 16)) continue;
        const auto* const source = reinterpret_cast<const unsigned char*>(w.weight) + from / 16 * 16 + word;
        cp_async_16(own + (stage * kRows + row) * L::kPiece + word, source);
      }
    }
    cp_async_commit();
  };

  float sums[kRowTiles][kTokens / 8][4];
#pragma unroll
  for (int m = 0; m < kRowTiles; ++m) {
#pragma unroll
    for (int n = 0; n < kTokens / 8; ++n) sums[m][n][0] = sums[m][n][1] = sums[m][n][2] = sums[m][n][3] = 0.0f;
  }

  copy(warp, 0);
  int stage = 0;
  for (int chunk = warp; chunk < n_chunks; chunk += kWarps, stage ^= 1) {
    copy(chunk + kWarps, stage ^ 1);
    cp_async_wait<1>();
    __syncwarp();
    for (int first = 0; first < kChunkGroups; first += kUnpacked) {
      const int first_group = chunk * kChunkGroups + first, n_here = min(kUnpacked, n_groups - first_group);
      if (n_here <= 0) break;
        // Four groups of eight rows at a time: lanes of one row read blocks side by side.
#pragma unroll
      for (int i = 0; i < kRows / 8; ++i) {
        const int row = i * 8 + lane / kUnpacked, g = lane % kUnpacked;
        WeightGroup group = {};
        if (row < n_rows && g < n_here) {
          group = read_weight_group<kType>(own + (stage * kRows + row) * L::kPiece + chunk_at(row, chunk) % 16, first + g);
        }
        auto* const to = reinterpret_cast<uint4*>(unpacked + row * kUnpackedStride + g * 32);
        to[0] = make_uint4(group.q[0], group.q[1], group.q[2], group.q[3]);
        to[1] = make_uint4(group.q[4], group.q[5], group.q[6], group.q[7]);
#pragma unroll
        for (int h = 0; h < L::kScales; ++h) scales[(g * L::kScales + h) * kRows + row] = group.scale[h];
        if constexpr (kHasMinimum<kType>) minima[g * kRows + row] = group.minimum;
      }
      for (int i = lane; i < kTokens * kUnpacked; i += 32) {
        const int token = i / kUnpacked, g = i % kUnpacked;
        float2 scale = make_float2(0.0f, 0.0f);
        if (token < s.n_tokens && g < n_here) {
          const Q8Scale x = s.x.scale[static_cast<std::size_t>(token) * n_groups + first_group + g];
          scale = make_float2(x.scale, x.scaled_sum);
        }
        x_scales[g * kTokens + token] = scale;
      }
      __syncwarp();
      for (int g = 0; g < n_here; ++g) {
        std::uint32_t a[kRowTiles][4];
        float scale[kRowTiles][2][L::kScales], minimum[kRowTiles][2];
#pragma unroll
        for (int m = 0; m < kRowTiles; ++m) {
#pragma unroll
          for (int h = 0; h < 2; ++h) {
            const int row = m * 16 + h * 8 + quad;
            const uint2 words = *reinterpret_cast<const uint2*>(unpacked + row * kUnpackedStride + g * 32 + in_quad * 8);
            a[m][h] = words.x, a[m][2 + h] = words.y;
#pragma unroll
            for (int i = 0; i < L::kScales; ++i) scale[m][h][i] = scales[(g * L::kScales + i) * kRows + row];
            if constexpr (kHasMinimum<kType>) minimum[m][h] = minima[g * kRows + row];
          }
        }
#pragma unroll
        for (int n = 0; n < kTokens / 8; ++n) {
          if (n * 8 >= s.n_tokens) break;
          const int token = n * 8 + quad;
          uint2 words = make_uint2(0, 0);
          if (token < s.n_tokens) {
            words =
                *reinterpret_cast<const uint2*>(s.x.q + static_cast<std::size_t>(token) * s.n_in + (first_group + g) * 32 + in_quad * 8);
          }
          const std::uint32_t b[2] = {words.x, words.y};
          // Scale and scaled sum of two neighbouring tokens.
          const float4 x = *reinterpret_cast<const float4*>(x_scales + g * kTokens + n * 8 + in_quad * 2);
          const int zeros[4] = {0, 0, 0, 0};
#pragma unroll
          for (int m = 0; m < kRowTiles; ++m) {
#pragma unroll
            for (int half = 0; half < L::kScales; ++half) {
              // Lanes 0 and 1 of a quad have the first 16 elements, 2 and 3 the others.
              const bool counts = L::kScales == 1 || in_quad / 2 == half;
              const std::uint32_t part[4] = {counts ? a[m][0] : 0, counts ? a[m][1] : 0, counts ? a[m][2] : 0, counts ? a[m][3] : 0};
              int d[4];
              mma_m16n8k32_s8(d, part, b, zeros);
#pragma unroll
              for (int i = 0; i < 4; ++i) sums[m][n][i] += scale[m][i / 2][half] * (i % 2 ? x.z : x.x) * static_cast<float>(d[i]);
            }
            if constexpr (kHasMinimum<kType>) {
#pragma unroll
              for (int i = 0; i < 4; ++i) sums[m][n][i] += minimum[m][i / 2] * (i % 2 ? x.w : x.y);
            }
          }
        }
      }
      __syncwarp();  // all are done with the data that is overwritten now
    }
  }
  cp_async_wait_all();

  __syncwarp();
  auto* const mine = reinterpret_cast<float*>(own);
#pragma unroll
  for (int m = 0; m < kRowTiles; ++m) {
#pragma unroll
    for (int n = 0; n < kTokens / 8; ++n) {
#pragma unroll
      for (int i = 0; i < 4; ++i) mine[(n * 8 + in_quad * 2 + i % 2) * L::kSumStride + m * 16 + quad + i / 2 * 8] = sums[m][n][i];
    }
  }
  __syncthreads();
  if (lane >= n_rows) return;
  const int row = first_row + lane;
  for (int token = warp; token < s.n_tokens; token += kWarps) {
    float value = 0.0f;
#pragma unroll
    for (int i = 0; i < kWarps; ++i) value += reinterpret_cast<const float*>(shared + i * L::kBytes)[token * L::kSumStride + lane];
    if (w.bias) value += w.bias[row];
    float* const y = w.y + token * w.y_stride + row;
    *y = w.accumulate ? *y + value : value;
  }
}

template <class L>
void launch_layout(const MatMulInt8Params& p, Stream stream) {
  Stack s{};
  s.x = p.x;
  s.n_tokens = p.n_tokens;
  s.n_in = p.n_in;
  int n_blocks = 0;
  for (int i = 0; i < p.n_matrices; ++i) {
    if (p.matrices[i].type != L::kType || p.matrices[i].n_out == 0) continue;
    s.matrices[s.n_matrices] = p.matrices[i];
    s.first_block[s.n_matrices++] = n_blocks;
    n_blocks += (p.matrices[i].n_out + L::kRows - 1) / L::kRows;
  }
  if (n_blocks == 0) return;
  cudaFuncSetAttribute(mat_mul_int8_kernel<L>, cudaFuncAttributeMaxDynamicSharedMemorySize, L::kSharedBytes);
  launch(mat_mul_int8_kernel<L>, dim3(static_cast<unsigned>(n_blocks)), dim3(L::kThreads), L::kSharedBytes, stream, s);
}

// The number of warps decides the order of sums, so it is chosen for the largest number of tokens: a token's bits are the same in any
// batch.
template <TensorType kType>
void launch_type(const MatMulInt8Params& p, Stream stream) {
  using Large = Layout<kType, 64, 8, 32>;
  using Medium = Layout<kType, 64, 4, 32>;
  const int room = shared_room();
  if (fits(Large::kSharedBytes, room)) {
    return p.n_tokens <= 32 ? launch_layout<Layout<kType, 32, 8, 32>>(p, stream) : launch_layout<Large>(p, stream);
  }
  if constexpr (!fits(Medium::kSharedBytes, kLeastRoom)) {
    if (!fits(Medium::kSharedBytes, room)) return launch_layout<Layout<kType, 64, 4, 16>>(p, stream);
  }
  launch_layout<Medium>(p, stream);
}

}  // namespace

void mat_mul_int8(const MatMulInt8Params& p, Stream stream) {
  launch_type<TensorType::q4_0>(p, stream);
  launch_type<TensorType::q4_1>(p, stream);
  launch_type<TensorType::q5_0>(p, stream);
  launch_type<TensorType::q5_1>(p, stream);
  launch_type<TensorType::q8_0>(p, stream);
  launch_type<TensorType::q4_k>(p, stream);
  launch_type<TensorType::q5_k>(p, stream);
  launch_type<TensorType::q6_k>(p, stream);
  launch_type<TensorType::iq4_nl>(p, stream);
}

}  // namespace baton::kernels::cuda
