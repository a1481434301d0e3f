#pragma once
// Attention over a paged KV cache, page by page with an online softmax (FlashAttention, Dao et al. 2022): no buffer grows with the context.
//
// Pages stand at fixed absolute positions (page i of a sequence holds the positions [i * page_tokens, (i + 1) * page_tokens)), and a query
// meets them in order: its result does not depend on batch, chunk, threads or level. The definition, for one query and head:
//   for each page: s_j = (sum over d, in order, of q_d * k_jd) * scale;  m' = max(m, s_j);  c = exp(m - m');  p_j = exp(s_j - m');
//                  l = l * c + (sum of p_j, in order);  o_d = o_d * c, then o_d += p_j * v_jd in the order of j;  m = m'
//   result o_d / l, or zeros where no position is visible.
#include <baton/kernels/cpu.h>

#include <cstddef>
#include <cstdint>

namespace baton::kernels {

// Keys and values of one layer as f16, (n_pages, n_head_kv, page_tokens, head_dim) each.
struct KvLayer {
  std::uint16_t* k;
  std::uint16_t* v;
  int n_head_kv;
  int head_dim;
  int page_tokens;

  std::size_t offset(std::int32_t page, int head, int slot) const {
    return ((static_cast<std::size_t>(page) * n_head_kv + head) * page_tokens + slot) * head_dim;
  }
};

struct PagedBatch {
  const std::int32_t* positions;           // (n_tokens)
  const std::int32_t* sequence;            // (n_tokens), index into page_tables
  const std::int32_t* const* page_tables;  // (n_sequences), page of each page_tokens positions
  int n_tokens;
};

struct KvAppendParams {
  KvLayer layer;
  PagedBatch batch;
  const float* k;  // (n_tokens, n_head_kv, head_dim)
  const float* v;  // likewise
};

struct AttentionParams {
  KvLayer layer;
  PagedBatch batch;  // tokens of one sequence stand in the order of their positions
  const float* q;    // (n_tokens, n_head, head_dim); head h reads KV head h / (n_head / n_head_kv)
  float* out;        // (n_tokens, n_head, head_dim)
  int n_head;
  float scale;
  int window;  // 0: all positions up to the query's; otherwise only the last `window` of them
};

namespace cpu {
// Rounds to f16 (nearest even). A page of a sequence is written before attention reads it.
void kv_append(const KvAppendParams& p, const Cpu& cpu);
void attention(const AttentionParams& p, const Cpu& cpu);
}  // namespace cpu
}  // namespace baton::kernels
