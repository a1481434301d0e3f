#pragma once
// The sizes of a model, from its GGUF metadata. Names are GGUF's.
#include <baton/llm/error.h>
#include <baton/llm/gguf/gguf.h>

#include <string>

namespace baton::llm {

struct Hparams {
  std::string architecture;  // general.architecture
  std::string name;          // general.name, may be empty
  int n_vocab = 0;           // rows of token_embd.weight
  int n_ctx_train = 0;       // context_length
  int n_embd = 0;            // embedding_length
  int n_layer = 0;           // block_count
  int n_ff = 0;              // feed_forward_length
  int n_head = 0;            // attention.head_count
  int n_head_kv = 0;         // attention.head_count_kv, n_head if absent
  int head_dim = 0;          // attention.key_length, n_embd / n_head if absent
  int n_rot = 0;             // rope.dimension_count, head_dim if absent
  float rms_epsilon = 0;     // attention.layer_norm_rms_epsilon
};

// Every figure is checked against bounds and against the others, so that later code cannot divide by zero or overflow.
Result<Hparams> read_hparams(const GgufFile& file);

}  // namespace baton::llm
