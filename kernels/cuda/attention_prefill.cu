// Flash attention, many tokens a sequence (FlashAttention-2, Dao 2023).
//
// Grid: (tiles of rows, KV heads, sequences); tiles beyond a sequence's rows return at once. The rows of a KV head are all its query heads'
// rows, token by token (row r: token r / group, head r % group of the group), so that a tile reads each key once for all heads that share
// it. With `causal` the last tiles, which see the most keys, start first.
// Block: kWarps warps; a warp owns 16 * kRowTiles rows from the first key to the last: their scores, maxima, sums and outputs never leave
// its registers. Keys and values come in tiles of kKeys, two stages each, by cp.async: while tile j is multiplied, tile j + 1 arrives.
// Tiles that no row of the block sees are not read; a warp skips tiles that none of its rows sees.
// Reads q once, and K and V once a tile of rows: 4 * head_dim bytes a key for 2 * head_dim * rows multiply-adds.
#include <baton/kernels/attention.h>
#include <baton/kernels/cuda/device/cp_async.h>
#include <baton/kernels/cuda/device/kv_slot.h>
#include <baton/kernels/cuda/device/launch.h>
#include <baton/kernels/cuda/device/online_softmax.h>
#include <baton/kernels/cuda/device/shared_memory.h>
#include <baton/kernels/cuda/device/shared_room.h>
#include <baton/kernels/cuda/device/tile.h>

#include <type_traits>

namespace baton::kernels::cuda {
namespace {

template <class Element_, int kHeadDim_, int kWarps_, int kRowTiles_, int kKeys_, int kBlocksPerSm_>
struct Config {
  using Element = Element_;
  using Rows = Tile<kHeadDim_>;
  static constexpr int kHeadDim = kHeadDim_, kWarps = kWarps_, kRowTiles = kRowTiles_, kKeys = kKeys_, kBlocksPerSm = kBlocksPerSm_;
  static constexpr int kThreads = 32 * kWarps, kWarpRows = 16 * kRowTiles, kRows = kWarps * kWarpRows;
  static constexpr int kTileElements = kKeys * Rows::kStride;
  static constexpr int kSharedBytes = 2 * (kRows * Rows::kStride + 4 * kTileElements);
  // Fragments of q fit into the registers beside o and the scores.
  static constexpr bool kKeepQ = kRowTiles * kHeadDim <= 128;
};

// The places of a block's rows.
struct RowMap {
  int first_token;  // of the sequence, in the batch
  int group;        // query heads a KV head
  int n_head;
  int head;  // the first of the group

  __device__ __forceinline__ std::size_t offset(int row, int head_dim) const {  // in q and out
    return (static_cast<std::size_t>(first_token + row / group) * n_head + head + row % group) * head_dim;
  }
};

// Copies keys or values [first, first + kKeys) of one head into a tile; those outside of [from_key, n_keys) become zeros, so that their
// weight, which is zero, is never multiplied by NaN. Their entries of the page table are not read.
template <class C>
__device__ __forceinline__ void copy_tile(std::uint16_t* tile, const std::uint16_t* pages, const KvPages& kv,
                                          const std::int32_t* page_table, int page_shift, int head, int first, int from_key, int n_keys) {
  static_assert(C::kKeys * C::Rows::kWords % C::kThreads == 0);
#pragma unroll 2
  for (int i = 0; i < C::kKeys * C::Rows::kWords / C::kThreads; ++i) {
    const int word = i * C::kThreads + static_cast<int>(threadIdx.x);
    const int row = word / C::Rows::kWords, column = word % C::Rows::kWords * 8;
    const int key = first + row;
    const bool is_there = key >= from_key && key < n_keys;
    const std::int32_t page = is_there ? page_table[key >> page_shift] : 0;
    const std::uint16_t* const from = is_there ? pages + kv_slot(kv, page, head, key) * C::kHeadDim + column : pages;
    cp_async_16(tile + row * C::Rows::kStride + column, from, is_there ? 16 : 0);
  }
}

template <class C, bool kSoftcap>
__global__ void __launch_bounds__(C::kThreads, C::kBlocksPerSm) attention_prefill_kernel(AttentionParams p, int page_shift) {
  using Element = typename C::Element;
  constexpr int kDimSteps = C::kHeadDim / 16, kKeySteps = C::kKeys / 16;

  const int sequence = static_cast<int>(blockIdx.z), head_kv = static_cast<int>(blockIdx.y);
  const int first_token = p.batch.first_token[sequence], n_tokens = p.batch.first_token[sequence + 1] - first_token;
  const int context = p.batch.context[sequence];
  const int group = p.n_head / p.kv.n_head_kv, n_rows = n_tokens * group;
  const int tile = static_cast<int>(gridDim.x - 1 - blockIdx.x), first_row = tile * C::kRows;
  if (first_row >= n_rows) return;
  const RowMap rows{first_token, group, p.n_head, head_kv * group};

  const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
  const int first_position = context - n_tokens;  // of the sequence's first token in this batch

  // Keys that rows [a, b] see: from seen_from(a) to before seen_to(b).
  const auto seen_from = [&](int row) { return p.window > 0 ? max(0, first_position + row / group - p.window + 1) : 0; };
  const auto seen_to = [&](int row) { return p.causal ? first_position + row / group + 1 : context; };
  const int last_row = min(first_row + C::kRows, n_rows) - 1;
  const int first_seen = seen_from(first_row), first_key = first_seen / C::kKeys * C::kKeys, end_key = seen_to(last_row);

  BATON_DYNAMIC_SHARED(shared);
  auto* const base = reinterpret_cast<std::uint16_t*>(shared);
  const typename C::Rows q_tile{base};
  std::uint16_t* const k_tiles = base + C::kRows * C::Rows::kStride;
  std::uint16_t* const v_tiles = k_tiles + 2 * C::kTileElements;
  const std::int32_t* const page_table = p.batch.page_table + static_cast<std::size_t>(sequence) * p.batch.page_table_stride;
  const auto* const k_pages = static_cast<const std::uint16_t*>(p.kv.k);
  const auto* const v_pages = static_cast<const std::uint16_t*>(p.kv.v);
  // from_key: pages before a window may be freed already, so the first tile begins where the first row's window does.
  const auto copy_keys = [&](int key, int stage, int from_key) {
    if (key < end_key) {
      copy_tile<C>(k_tiles + stage * C::kTileElements, k_pages, p.kv, page_table, page_shift, head_kv, key, from_key, context);
    }
    cp_async_commit();
  };
  const auto copy_values = [&](int key, int stage, int from_key) {
    if (key < end_key) {
      copy_tile<C>(v_tiles + stage * C::kTileElements, v_pages, p.kv, page_table, page_shift, head_kv, key, from_key, context);
    }
    cp_async_commit();
  };

  for (int word = static_cast<int>(threadIdx.x); word < C::kRows * C::Rows::kWords; word += C::kThreads) {
    const int row = word / C::Rows::kWords, column = word % C::Rows::kWords * 8;
    const bool is_there = first_row + row < n_rows;
    cp_async_16(q_tile.at(row, column), is_there ? p.q + rows.offset(first_row + row, C::kHeadDim) + column : p.q, is_there ? 16 : 0);
  }
  copy_keys(first_key, 0, first_seen);
  copy_values(first_key, 0, first_seen);

  // Of this warp, and of this lane: rows lane / 4 and lane / 4 + 8 of each tile of 16.
  const int warp_row = warp * C::kWarpRows;
  const int warp_first = first_row + warp_row, warp_last = min(warp_first + C::kWarpRows, n_rows) - 1;
  // Keys that some row of the warp sees, and keys that all rows see and that therefore need no mask: [from, to) each. They are in shared
  // memory, because this kernel is short of registers.
  BATON_SHARED(seen, int[C::kWarps][4]);
  if (lane == 0) {
    const bool has_rows = warp_first < n_rows;
    seen[warp][0] = has_rows ? seen_from(warp_first) : 0;
    seen[warp][1] = has_rows ? seen_to(warp_last) : 0;
    seen[warp][2] = has_rows ? seen_from(warp_last) : 0;
    seen[warp][3] = has_rows ? seen_to(warp_first) : 0;
  }
  RowState state[C::kRowTiles][2];
  float o[C::kRowTiles][C::kHeadDim / 8][4];
#pragma unroll
  for (int m = 0; m < C::kRowTiles; ++m) {
#pragma unroll
    for (int n = 0; n < C::kHeadDim / 8; ++n) o[m][n][0] = o[m][n][1] = o[m][n][2] = o[m][n][3] = 0.0f;
  }

  // Scores are kept unchanged from the product, or capped; exp2(score * factor) is the weight.
  const float factor = kSoftcap ? 1.0f : p.scale * kLog2E;
  // All of the warp's q, or the columns that are multiplied now.
  std::uint32_t q_part[C::kRowTiles][C::kKeepQ ? kDimSteps : 1][4];

  int stage = 0;
  for (int key = first_key; key < end_key; key += C::kKeys, stage ^= 1) {
    copy_keys(key + C::kKeys, stage ^ 1, 0);
    cp_async_wait<2>();  // all but values `key` and keys `key + kKeys`
    __syncthreads();
    if constexpr (C::kKeepQ) {
      if (key == first_key) {
#pragma unroll
        for (int m = 0; m < C::kRowTiles; ++m) {
#pragma unroll
          for (int d = 0; d < kDimSteps; ++d) q_tile.load_a(q_part[m][d], warp_row + m * 16, d * 16, lane);
        }
      }
    }
    const bool active = key < seen[warp][1] && key + C::kKeys > seen[warp][0];  // the same for all lanes of a warp

    float s[C::kRowTiles][C::kKeys / 8][4];
    if (active) {
      const typename C::Rows k_tile{k_tiles + stage * C::kTileElements};
#pragma unroll
      for (int m = 0; m < C::kRowTiles; ++m) {
#pragma unroll
        for (int n = 0; n < C::kKeys / 8; ++n) s[m][n][0] = s[m][n][1] = s[m][n][2] = s[m][n][3] = 0.0f;
      }
#pragma unroll
      for (int d = 0; d < kDimSteps; ++d) {
        if constexpr (!C::kKeepQ) {
#pragma unroll
          for (int m = 0; m < C::kRowTiles; ++m) q_tile.load_a(q_part[m][0], warp_row + m * 16, d * 16, lane);
        }
#pragma unroll
        for (int n = 0; n < kKeySteps; ++n) {
          std::uint32_t left[2], right[2];
          k_tile.load_b(left, right, n * 16, d * 16, lane);
#pragma unroll
          for (int m = 0; m < C::kRowTiles; ++m) {
            Element::mma(s[m][2 * n], q_part[m][C::kKeepQ ? d : 0], left);
            Element::mma(s[m][2 * n + 1], q_part[m][C::kKeepQ ? d : 0], right);
          }
        }
      }

      if constexpr (kSoftcap) {
        const SoftCap capped(p.scale, p.softcap);
#pragma unroll
        for (int m = 0; m < C::kRowTiles; ++m) {
#pragma unroll
          for (int n = 0; n < C::kKeys / 8; ++n) {
#pragma unroll
            for (int i = 0; i < 4; ++i) s[m][n][i] = capped(s[m][n][i]);
          }
        }
      }
      if (key < seen[warp][2] || key + C::kKeys > seen[warp][3]) {
#pragma unroll
        for (int m = 0; m < C::kRowTiles; ++m) {
#pragma unroll
          for (int h = 0; h < 2; ++h) {
            const int row = warp_first + m * 16 + h * 8 + lane / 4, first_column = key + lane % 4 * 2;
            const int from = seen_from(row) - first_column, to = min(seen_to(row), context) - first_column;
#pragma unroll
            for (int n = 0; n < C::kKeys / 8; ++n) {
#pragma unroll
              for (int i = 0; i < 2; ++i) {
                if (n * 8 + i < from || n * 8 + i >= to) s[m][n][2 * h + i] = kMinusInfinity;
              }
            }
          }
        }
      }

#pragma unroll
      for (int m = 0; m < C::kRowTiles; ++m) {
#pragma unroll
        for (int h = 0; h < 2; ++h) {
          RowState& row = state[m][h];
          float largest = kMinusInfinity;
#pragma unroll
          for (int n = 0; n < C::kKeys / 8; ++n) largest = fmaxf(largest, fmaxf(s[m][n][2 * h], s[m][n][2 * h + 1]));
          const float correction = row.raise(quad_max(largest), factor);
          const float shift = row.shift() * factor;
#pragma unroll
          for (int n = 0; n < C::kKeys / 8; ++n) {
#pragma unroll
            for (int i = 2 * h; i < 2 * h + 2; ++i) {
              s[m][n][i] = exp2_approx(s[m][n][i] * factor - shift);
              row.sum += s[m][n][i];
            }
          }
#pragma unroll
          for (int n = 0; n < C::kHeadDim / 8; ++n) {
            o[m][n][2 * h] *= correction;
            o[m][n][2 * h + 1] *= correction;
          }
        }
      }
    }

    copy_values(key + C::kKeys, stage ^ 1, 0);
    cp_async_wait<2>();  // all but keys and values `key + kKeys`
    __syncthreads();
    if (active) {
      const typename C::Rows v_tile{v_tiles + stage * C::kTileElements};
#pragma unroll
      for (int n = 0; n < kKeySteps; ++n) {
        std::uint32_t a[C::kRowTiles][4];
#pragma unroll
        for (int m = 0; m < C::kRowTiles; ++m) {
          // The scores of two products side by side are, rounded, operand a of the next one.
          a[m][0] = Element::pack(s[m][2 * n][0], s[m][2 * n][1]);
          a[m][1] = Element::pack(s[m][2 * n][2], s[m][2 * n][3]);
          a[m][2] = Element::pack(s[m][2 * n + 1][0], s[m][2 * n + 1][1]);
          a[m][3] = Element::pack(s[m][2 * n + 1][2], s[m][2 * n + 1][3]);
        }
#pragma unroll
        for (int d = 0; d < kDimSteps; ++d) {
          std::uint32_t left[2], right[2];
          v_tile.load_b_trans(left, right, n * 16, d * 16, lane);
#pragma unroll
          for (int m = 0; m < C::kRowTiles; ++m) {
            Element::mma(o[m][2 * d], a[m], left);
            Element::mma(o[m][2 * d + 1], a[m], right);
          }
        }
      }
    }
  }
  cp_async_wait_all();
  __syncthreads();  // q has also arrived if the block saw no key

  // The warp assembles its result in the memory of its own rows of q.
#pragma unroll
  for (int m = 0; m < C::kRowTiles; ++m) {
#pragma unroll
    for (int h = 0; h < 2; ++h) {
      const RowState& row = state[m][h];
      const int r = warp_row + m * 16 + h * 8 + lane / 4;
      const bool is_there = first_row + r < n_rows;
      const float* const sink = p.sinks ? p.sinks + rows.head + (first_row + r) % group : nullptr;
      const RowResult result(row.maximum * factor, quad_sum(row.sum), sink);
#pragma unroll
      for (int n = 0; n < C::kHeadDim / 8; ++n) {
        *reinterpret_cast<std::uint32_t*>(q_tile.at(r, n * 8 + lane % 4 * 2)) =
            Element::pack(o[m][n][2 * h] * result.share, o[m][n][2 * h + 1] * result.share);
      }
      if (p.log_sum_exp && is_there && lane % 4 == 0) p.log_sum_exp[rows.offset(first_row + r, 1)] = result.log_sum_exp;
    }
  }
  __syncwarp();
#pragma unroll 4
  for (int word = lane; word < C::kWarpRows * C::Rows::kWords; word += 32) {
    const int r = warp_row + word / C::Rows::kWords, column = word % C::Rows::kWords * 8;
    if (first_row + r >= n_rows) continue;
    *reinterpret_cast<uint4*>(p.out + rows.offset(first_row + r, C::kHeadDim) + column) =
        *reinterpret_cast<const uint4*>(q_tile.at(r, column));
  }
}

template <class C, bool kSoftcap>
void launch_prefill(const AttentionParams& p, Stream stream) {
  const int rows = p.batch.max_tokens * (p.n_head / p.kv.n_head_kv);
  const dim3 grid(static_cast<unsigned>((rows + C::kRows - 1) / C::kRows), static_cast<unsigned>(p.kv.n_head_kv),
                  static_cast<unsigned>(p.batch.n_sequences));
  const auto kernel = attention_prefill_kernel<C, kSoftcap>;
  cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, C::kSharedBytes);
  launch(kernel, grid, dim3(C::kThreads), C::kSharedBytes, stream, p, page_shift(p.kv));
}

template <class Large, class Small, bool kSoftcap>
void launch_fitting(const AttentionParams& p, Stream stream) {
  static_assert(fits(Small::kSharedBytes, kLeastRoom));
  fits(Large::kSharedBytes, shared_room()) ? launch_prefill<Large, kSoftcap>(p, stream) : launch_prefill<Small, kSoftcap>(p, stream);
}

// If the first configuration does not fit every device, the second one does. With a soft cap, tiles of 64 keys and heads of 128 take more
// registers than there are on compute capability 10.0 and 12.0.
//                  head  warps  row tiles  keys  blocks an SM
template <class Element, bool kSoftcap>
void launch_by_head_dim(const AttentionParams& p, Stream stream) {
  using Small128 = Config<Element, 128, 4, 2, 32, 1>;
  using Large128 = std::conditional_t<kSoftcap, Small128, Config<Element, 128, 4, 2, 64, 2>>;
  switch (p.kv.head_dim) {
    case 64:
      return launch_prefill<Config<Element, 64, 4, 2, 64, 2>, kSoftcap>(p, stream);
    case 80:
      return launch_prefill<Config<Element, 80, 4, 2, 64, 2>, kSoftcap>(p, stream);
    case 96:
      return launch_prefill<Config<Element, 96, 4, 2, 64, 2>, kSoftcap>(p, stream);
    case 128:
      return launch_fitting<Large128, Small128, kSoftcap>(p, stream);
    default:
      return launch_fitting<Config<Element, 256, 8, 1, 64, 1>, Config<Element, 256, 4, 1, 16, 1>, kSoftcap>(p, stream);
  }
}

template <class Element>
void launch_by_softcap(const AttentionParams& p, Stream stream) {
  p.softcap > 0.0f ? launch_by_head_dim<Element, true>(p, stream) : launch_by_head_dim<Element, false>(p, stream);
}

}  // namespace

void attention_prefill(const AttentionParams& p, Stream stream) {
  if (p.batch.n_sequences == 0 || p.batch.max_tokens == 0) return;
  if (p.kv.type == KvType::bf16) {
    launch_by_softcap<Bf16>(p, stream);
  } else {
    launch_by_softcap<F16>(p, stream);
  }
}

}  // namespace baton::kernels::cuda
