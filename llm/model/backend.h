#pragma once
// The seam between a model and the device that computes it. llm/model writes each architecture once, in terms of these operations on opaque
// tensors; it never sees a data pointer, so that a GPU keeps weights, activations and KV pages where they are.
//
// One step takes a ragged batch: tokens of several sequences at any positions, prefill chunks and single decode steps mixed. Results do not
// depend on how tokens are spread over steps (on the GPU: with --deterministic).
#include <baton/llm/error.h>
#include <baton/llm/gguf/gguf.h>
#include <baton/llm/kv_cache/page_pool.h>
#include <baton/llm/model/rope_config.h>
#include <baton/llm/sampler/sampler.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace baton::llm {

// A matrix of f32 activations, (n_rows, n_cols), n_rows at most the batch size that the backend was prepared for. An index into the
// backend's own table.
struct Tensor {
  int id = -1;
  int n_cols = 0;
};

// A weight matrix (n_out, n_in) or vector (n_out = 1) in the type of the file. id -1: absent.
struct Weight {
  int id = -1;
  int n_out = 0;
  int n_in = 0;
  explicit operator bool() const { return id >= 0; }
};

// A linear operation with its optional bias and low-rank adapter: y = W x + b + scale * B (A x)  (LoRA, Hu et al. 2021).
struct Linear {
  Weight weight;
  Weight bias;
  Weight lora_a;  // (rank, n_in)
  Weight lora_b;  // (n_out, rank)
  float lora_scale = 0;
};

struct BatchSequence {
  std::vector<PageId> pages;  // pages[i] holds the positions [i * page_tokens, (i + 1) * page_tokens)
};

// The input of one step. tokens, positions and sequence have one entry for each token. Tokens of one sequence are in the order of their
// positions, and all its earlier positions are in its pages already or earlier in this batch.
struct Batch {
  std::vector<std::int32_t> tokens;
  std::vector<std::int32_t> positions;
  std::vector<std::int32_t> sequence;  // index into sequences
  std::vector<BatchSequence> sequences;
  std::vector<std::int32_t> logit_rows;  // indices of the tokens whose logits are needed, ascending

  int n_tokens() const { return static_cast<int>(tokens.size()); }
};

struct KvShape {
  int n_layer = 0;
  int n_head_kv = 0;
  int head_dim = 0;
  int n_pages = 0;
  int page_tokens = 0;
};

struct AttentionShape {
  int n_head = 0;
  int n_head_kv = 0;
  int head_dim = 0;
  float scale = 0;
  int window = 0;  // 0: all earlier positions; otherwise the last `window` ones, the query's own included
};

struct SampleRow {
  int row = 0;  // of the logits tensor
  Sampler* sampler = nullptr;
  const TokenMask* mask = nullptr;       // may be null
  float min_share = -1;                  // Sampler::choose
  MaskRefinement* refinement = nullptr;  // likewise; may be null
};

// One user at a time: the engine's thread. Operations may be queued; sample() and read() wait for their inputs.
class Backend {
 public:
  virtual ~Backend() = default;
  virtual std::string description() const = 0;  // "CPU, avx2, 2 threads"

  // ---- set-up. The file outlives the backend, which may read weights in place.
  virtual Result<Weight> load(const GgufFile& file, const GgufTensor& tensor) = 0;
  // A small table of the caller's own, e.g. a vector that replaces an absent weight.
  virtual Result<Weight> upload(std::span<const float> values) = 0;
  virtual Tensor tensor(int n_cols) = 0;  // for up to max_batch rows
  virtual Result<void> prepare(int max_batch, const KvShape& kv, const RopeTable& rope) = 0;

  // ---- a step: begin, operations, end.
  virtual void begin(const Batch& batch) = 0;
  virtual void embed(Tensor out, const Weight& table) = 0;  // rows of the batch's tokens
  virtual void rms_norm(Tensor out, Tensor in, const Weight& weight, float epsilon) = 0;
  // Several linear operations on the same input: it is prepared (quantised) once.
  virtual void linear(std::span<const Tensor> outs, Tensor in, std::span<const Linear* const> linears) = 0;
  virtual void rope(Tensor x, int n_head, RopePairing pairing) = 0;  // in place, at the batch's positions
  virtual void kv_append(int layer, Tensor k, Tensor v) = 0;         // into the batch's pages
  virtual void attention(Tensor out, Tensor q, int layer, const AttentionShape& shape) = 0;
  virtual void add(Tensor x, Tensor y) = 0;  // x += y
  virtual void swiglu(Tensor out, Tensor gate, Tensor up) = 0;
  virtual void gather(Tensor out, Tensor in) = 0;  // the batch's logit_rows; all later operations work on these rows
  virtual std::vector<Choice> sample(Tensor logits, std::span<const SampleRow> rows) = 0;
  virtual void read(Tensor in, int row, std::span<float> out) = 0;  // one row to the host

  // ---- between steps.
  virtual void copy_page(PageId from, PageId to) = 0;  // all layers

  // Bytes of KV cache for one token, over all layers. After prepare().
  virtual std::size_t kv_bytes_per_token() const = 0;
};

}  // namespace baton::llm
