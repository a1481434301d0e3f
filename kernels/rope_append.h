#pragma once
// The step between the products that compute queries, keys and values and the attention that reads them, in one pass on the device: norm of
// each head (Qwen 3's QK-norm), rotation (rope.h), rounding, and the append to the paged cache.
#include <baton/kernels/attention.h>
#include <baton/kernels/cuda.h>

#include <cstddef>

namespace baton::kernels::cuda {

struct RopeAppendParams {
  const float* q;  // row of token t at q + t * row_stride: (n_head, head_dim)
  const float* k;  // likewise (n_head_kv, head_dim); all three may lie in one matrix
  const float* v;
  std::size_t row_stride;
  const float* q_norm;  // (head_dim), or null: RMSNorm of each head (rms_norm.h)
  const float* k_norm;
  float epsilon;
  const double* inverse_frequency;  // (n_rot / 2), angle per position: rope_frequencies() has every scaling
  float attention_factor;           // factor for cos and sin, also from rope_frequencies()
  int n_rot;                        // the first n_rot dimensions are rotated, the others stay; at most 256
  bool halves;                      // pair i is (i, i + n_rot / 2), otherwise (2 i, 2 i + 1)
  SequenceBatch batch;
  KvPages kv;            // the slots of the batch's positions are written
  std::uint16_t* q_out;  // (n_tokens, n_head, head_dim), bf16 where kv.type is, f16 otherwise
  int n_head;
};

// f16, bf16 and e4m3 round to nearest even, e4m3 saturates at 448. q8_0: scale = largest magnitude of 32 / 127, rounded to f16, and
// integers nearest to x / scale.
void rope_append(const RopeAppendParams& p, Stream stream);

}  // namespace baton::kernels::cuda
