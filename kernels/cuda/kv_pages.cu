// Copies of pages (copy-on-write), new entries of page tables, and narrow pages as f16.
// Grid of set_pages: blocks of 256 threads, one entry a thread.
// Grid of widen_pages: (max_pages, KV heads, sequences) blocks of 256 threads; a thread widens four neighbouring elements at a time.
// Grid of copy_pages: (16, pairs, buffers, at most 65535 of either at a time) blocks of 256 threads, of which 16 copy one page of one
// buffer together, 16 bytes a thread at a time.
#include <baton/kernels/cuda/device/launch.h>
#include <baton/kernels/cuda/device/narrow_kv.h>
#include <baton/kernels/kv_pages.h>

namespace baton::kernels::cuda {
namespace {

constexpr int kThreads = 256, kBlocksAPage = 16, kMaxGrid = 65535;  // of y and z

__global__ void __launch_bounds__(kThreads) copy_pages_kernel(CopyPagesParams p) {
#pragma unroll 1  // the loops are for grids that are too small
  for (int b = static_cast<int>(blockIdx.z); b < p.n_buffers; b += static_cast<int>(gridDim.z)) {
    const std::size_t bytes = p.page_bytes[b];
    auto* const buffer = static_cast<unsigned char*>(p.buffers[b]);
#pragma unroll 1
    for (int pair = static_cast<int>(blockIdx.y); pair < p.n_pairs; pair += static_cast<int>(gridDim.y)) {
      const std::int32_t* const pages = p.pairs + 2 * static_cast<std::size_t>(pair);
      const auto* const from = reinterpret_cast<const uint4*>(buffer + pages[0] * bytes);
      auto* const to = reinterpret_cast<uint4*>(buffer + pages[1] * bytes);
#pragma unroll 4
      for (std::size_t i = blockIdx.x * kThreads + threadIdx.x; i < bytes / 16; i += kBlocksAPage * kThreads) to[i] = from[i];
    }
  }
}

__global__ void __launch_bounds__(kThreads) set_pages_kernel(SetPagesParams p) {
  const int i = static_cast<int>(blockIdx.x * kThreads + threadIdx.x);
  if (i >= p.n_entries) return;
  const std::int32_t* const entry = p.entries + 3 * static_cast<std::size_t>(i);
  p.table[static_cast<std::size_t>(entry[0]) * p.stride + entry[1]] = entry[2];
}

// Four bytes as four f16 numbers, times `factor`: 256 for fp8 (narrow_kv.h), the scale of the group for q8_0.
template <class Bytes>
__device__ __forceinline__ uint2 widened(std::uint32_t word, float factor) {
  const std::uint32_t low = Bytes::expand(word), high = Bytes::expand(word >> 16);
  const auto scaled = [&](std::uint32_t pair) {
    return pack_f16(f16_value(static_cast<std::uint16_t>(pair)) * factor, f16_value(static_cast<std::uint16_t>(pair >> 16)) * factor);
  };
  return make_uint2(scaled(low), scaled(high));
}

__global__ void __launch_bounds__(kThreads) widen_pages_kernel(WidenPagesParams p, int n_scales) {
  const int sequence = static_cast<int>(blockIdx.z), head = static_cast<int>(blockIdx.y), i = static_cast<int>(blockIdx.x);
  const KvPages& from = p.from;
  const int context = p.batch.context[sequence], n_keys = min(context - i * from.page_tokens, from.page_tokens);  // of this page
  if (n_keys <= 0) return;
  if (p.window > 0) {  // pages that no token sees may be freed already
    const int n_tokens = p.batch.first_token[sequence + 1] - p.batch.first_token[sequence];
    if ((i + 1) * from.page_tokens <= context - n_tokens - p.window + 1) return;
  }
  const std::size_t entry = static_cast<std::size_t>(sequence) * p.batch.page_table_stride + i;
  const std::size_t from_slot = (static_cast<std::size_t>(p.batch.page_table[entry]) * from.n_head_kv + head) * from.page_tokens;
  const std::size_t to_slot = (entry * from.n_head_kv + head) * from.page_tokens;
  const auto widen = [&](const void* bytes, const std::uint16_t* scales, void* out) {
    const auto* const words = reinterpret_cast<const std::uint32_t*>(static_cast<const unsigned char*>(bytes) + from_slot * from.head_dim);
    auto* const to = reinterpret_cast<uint2*>(static_cast<std::uint16_t*>(out) + to_slot * from.head_dim);
    for (int word = static_cast<int>(threadIdx.x); word < n_keys * from.head_dim / 4; word += kThreads) {
      if (from.type == KvType::fp8_e4m3) {
        to[word] = widened<Fp8Bytes>(words[word], 256.0f);
      } else {
        const int slot = word * 4 / from.head_dim, group = word * 4 % from.head_dim / 32;
        to[word] = widened<Int8Bytes>(words[word], f16_value(scales[(from_slot + slot) * n_scales + group]));
      }
    }
  };
  widen(from.k, from.k_scale, p.to.k);
  widen(from.v, from.v_scale, p.to.v);
}

}  // namespace

void widen_pages(const WidenPagesParams& p, Stream stream) {
  if (p.batch.n_sequences == 0 || p.max_pages == 0) return;
  const dim3 grid(static_cast<unsigned>(p.max_pages), static_cast<unsigned>(p.from.n_head_kv), static_cast<unsigned>(p.batch.n_sequences));
  launch(widen_pages_kernel, grid, dim3(kThreads), 0, stream, p, kv_scale_stride(p.from.head_dim));
}

void copy_pages(const CopyPagesParams& p, Stream stream) {
  if (p.n_pairs == 0 || p.n_buffers == 0) return;
  const dim3 grid(kBlocksAPage, static_cast<unsigned>(p.n_pairs < kMaxGrid ? p.n_pairs : kMaxGrid),
                  static_cast<unsigned>(p.n_buffers < kMaxGrid ? p.n_buffers : kMaxGrid));
  launch(copy_pages_kernel, grid, dim3(kThreads), 0, stream, p);
}

void set_pages(const SetPagesParams& p, Stream stream) {
  if (p.n_entries == 0) return;
  launch(set_pages_kernel, dim3(static_cast<unsigned>((p.n_entries + kThreads - 1) / kThreads)), dim3(kThreads), 0, stream, p);
}

}  // namespace baton::kernels::cuda
