#pragma once
// The place of a sequence's position in the paged cache. page_tokens is a power of two, so that kernels shift and mask.
#include <baton/kernels/attention.h>
#include <cuda_runtime.h>

#include <bit>
#include <cstddef>
#include <cstdint>

namespace baton::kernels::cuda {

// position >> page_shift(kv) is the index of its page in the sequence's table.
inline int page_shift(const KvPages& kv) { return std::countr_zero(static_cast<unsigned>(kv.page_tokens)); }

// Index of a row of head_dim elements in kv.k and kv.v, and of a row of scales.
__device__ __forceinline__ std::size_t kv_slot(const KvPages& kv, std::int32_t page, int head, int position) {
  return (static_cast<std::size_t>(page) * kv.n_head_kv + head) * kv.page_tokens + (position & (kv.page_tokens - 1));
}

}  // namespace baton::kernels::cuda
