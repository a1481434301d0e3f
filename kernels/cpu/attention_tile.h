#pragma once
// One page of keys and values against a group of queries, with one implementation per level.
#include <cstddef>
#include <cstdint>

namespace baton::kernels::cpu {

// The state of one query and head between pages.
struct SoftmaxState {
  float m;  // largest score so far, -infinity at first
  float l;  // sum of exp(score - m)
};

struct AttentionTile {
  const std::uint16_t* k;  // (page_tokens, head_dim) f16
  const std::uint16_t* v;
  int page_tokens;
  int head_dim;
  float scale;
  int n_queries;
  const float* const* q;  // (n_queries) rows of head_dim
  float* const* o;        // (n_queries) rows of head_dim, not yet divided by l
  SoftmaxState* state;    // (n_queries)
  const int* first;       // (n_queries) the visible slots are [first, last)
  const int* last;
};

struct AttentionOps {
  // scratch: attention_scratch(page_tokens, head_dim) floats
  void (*tile)(const AttentionTile&, float* scratch);
  void (*to_f16)(const float* x, std::uint16_t* y, int n);
};
inline std::size_t attention_scratch(int page_tokens, int head_dim) {
  return 2 * static_cast<std::size_t>(page_tokens) * head_dim + page_tokens + 8;
}
extern const AttentionOps kAttentionScalar;
extern const AttentionOps kAttentionAvx2;

}  // namespace baton::kernels::cpu
