#pragma once
// Attention over a paged KV cache, page by page with an online softmax (FlashAttention, Dao et al. 2022): no buffer grows with the context.
// Page i of a sequence holds the positions [i * page_tokens, (i + 1) * page_tokens).
//
// namespace cpu: a query meets its pages in order, so its result does not depend on batch, chunk, threads or level. The definition, for one
// query and head:
//   for each page: s_j = (sum over d, in order, of q_d * k_jd) * scale;  m' = max(m, s_j);  c = exp(m - m');  p_j = exp(s_j - m');
//                  l = l * c + (sum of p_j, in order);  o_d = o_d * c, then o_d += p_j * v_jd in the order of j;  m = m'
//   result o_d / l, or zeros where no position is visible.
//
// namespace cuda: the same up to rounding (docs/kernels.md, "How exact"). Each op gives the same bits for the same params, in whatever
// order blocks run; attention_prefill also for the same token in another batch or chunk. attention_decode's sums follow its splits and the
// first key of its 16 rows, and the two ops differ from each other. Entries of a page table that no token of the step sees are not read.
#include <baton/kernels/cpu.h>
#include <baton/kernels/cuda.h>

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
  PagedBatch batch;  // tokens of one sequence are in the order of their positions
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

namespace cuda {

// q8_0: integers here, and an f16 scale for each 32 of them in a separate array. fp8: e4m3 (4 bits of exponent, 3 of mantissa, largest 448,
// NaN but no infinity), unscaled.
enum class KvType : std::uint8_t { f16, bf16, q8_0, fp8_e4m3 };

constexpr int kv_element_bytes(KvType type) { return type == KvType::f16 || type == KvType::bf16 ? 2 : 1; }
// Scales of one token and head, of which head_dim / 32 are used: a power of two, so that they can be read at once.
constexpr int kv_scale_stride(int head_dim) { return head_dim <= 64 ? 2 : head_dim <= 128 ? 4 : 8; }

// Keys and values of one layer.
struct KvPages {
  KvType type;
  void* k;  // (n_pages, n_head_kv, page_tokens, head_dim) elements of `type`
  void* v;
  std::uint16_t* k_scale;  // q8_0: (n_pages, n_head_kv, page_tokens, kv_scale_stride(head_dim)) f16; otherwise null
  std::uint16_t* v_scale;
  int n_head_kv;
  int head_dim;     // 64, 80, 96, 128 or 256; a multiple of 32 for q8_0 and fp8
  int page_tokens;  // a power of two, at least 16
};

// Tokens of one step. All arrays are in device memory, so that a captured graph sees the next step's values.
struct SequenceBatch {
  const std::int32_t* positions;  // (n_tokens)
  const std::int32_t* sequence;   // (n_tokens), index of its sequence
  const std::int32_t*
      first_token;  // (n_sequences + 1): sequence s has the tokens [first_token[s], first_token[s + 1]), in the order of positions
  const std::int32_t* context;     // (n_sequences), positions of s including these tokens, which are the last ones
  const std::int32_t* page_table;  // (n_sequences, page_table_stride), page of each page_tokens positions
  int page_table_stride;
  int n_tokens;
  int n_sequences;  // at most 65535
  int max_tokens;   // the largest number of tokens of a sequence in this step; on the host, because the grid depends on it
};

struct AttentionParams {
  KvPages kv;
  SequenceBatch batch;
  const std::uint16_t* q;  // (n_tokens, n_head, head_dim), bf16 where kv.type is, f16 otherwise
  std::uint16_t* out;      // (n_tokens, n_head, head_dim), likewise
  float* log_sum_exp;      // (n_tokens, n_head), of the visible scores and the sink; -inf if there are none. May be null
  const float* sinks;      // (n_head): a score that is added to the sum of weights but has no value (gpt-oss). May be null
  int n_head;              // a multiple of kv.n_head_kv: head h reads KV head h / (n_head / n_head_kv)
  float scale;
  float softcap;  // 0: none; otherwise a scaled score s becomes softcap * tanh(s / softcap) (Gemma 2)
  int window;     // 0: all positions; otherwise none further back than window - 1
  bool causal;    // a token sees the positions up to its own; otherwise all of its sequence
};

// Many tokens a sequence: tiles of queries against tiles of keys on tensor cores (FlashAttention-2, Dao 2023). kv.type f16 or bf16. Scores,
// maxima and sums are f32; weights are rounded to the type of the values. A row without visible keys gives zeros.
void attention_prefill(const AttentionParams& p, Stream stream);

// Few tokens a sequence (max_tokens * n_head at most 2^19), any kv.type: the context is cut into n_splits parts, which blocks read at the
// same time. The last block combines them in the order of the parts (Flash-Decoding, Dao et al. 2023). n_splits is fixed by the caller, so
// that a graph may be captured.
struct AttentionDecodeParams {
  AttentionParams attention;
  int n_splits;    // 1 to 128
  float* partial;  // scratch, attention_decode_scratch() floats
  std::uint32_t*
      arrived;  // (n_sequences * n_head_kv * tiles of 16 rows), zero before the first call, and left so; the same count of elements
};
std::size_t attention_decode_scratch(const AttentionDecodeParams& p);   // floats of `partial`; 0 for one split
std::size_t attention_decode_counters(const AttentionDecodeParams& p);  // elements of `arrived`
void attention_decode(const AttentionDecodeParams& p, Stream stream);

}  // namespace cuda
}  // namespace baton::kernels
