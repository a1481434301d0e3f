#pragma once
// Maintenance of the paged cache on the device, between steps and in stream order.
#include <baton/kernels/attention.h>
#include <baton/kernels/cuda.h>

namespace baton::kernels::cuda {

// Copies whole pages in many buffers at once: keys, values and scales of all layers.
struct CopyPagesParams {
  void* const* buffers;           // (n_buffers), device memory, each with pages one after the other
  const std::size_t* page_bytes;  // (n_buffers), device memory: bytes of a page in that buffer, a multiple of 16
  const std::int32_t* pairs;      // (n_pairs, 2): from, to. No page is written twice, and none both read and written
  int n_buffers;
  int n_pairs;
};
void copy_pages(const CopyPagesParams& p, Stream stream);

// table[sequence * stride + index] = page for each (sequence, index, page).
struct SetPagesParams {
  std::int32_t* table;
  int stride;
  const std::int32_t* entries;  // (n_entries, 3), no place twice
  int n_entries;
};
void set_pages(const SetPagesParams& p, Stream stream);

// Converts pages of q8_0 or fp8 to f16, for attention_prefill: its work grows with tokens times context, the conversion's only with the
// context.
struct WidenPagesParams {
  KvPages from;
  KvPages to;           // f16; page s * batch.page_table_stride + i is page i of sequence s
  SequenceBatch batch;  // used members: context, page_table and, for a window, first_token
  int max_pages;        // the largest number of pages of a sequence
  int window;           // AttentionParams::window: pages before the windows of all its tokens are left out
};
void widen_pages(const WidenPagesParams& p, Stream stream);

}  // namespace baton::kernels::cuda
