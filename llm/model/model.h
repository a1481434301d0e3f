#pragma once
// A model that can be run: a GGUF file's weights on a backend. llm/engine decides what a step computes.
#include <baton/llm/error.h>

#include <filesystem>
#include <memory>
#include <string>

#include "backend.h"
#include "hparams.h"
#include "rope_config.h"

namespace baton::llm {

class Network;

struct ModelOptions {
  int n_ctx = 0;               // longest sequence in tokens; 0: the model's training context
  std::int64_t kv_tokens = 0;  // size of the KV cache in tokens; 0: one full context, at least 8192. Memory is only touched when used
  int page_tokens = 32;
  int max_batch = 512;  // tokens a step
  RopeOverride rope;    // for contexts beyond the trained one
};

// Constant properties: any thread. All other members: one thread at a time.
class Model {
 public:
  // The file stays mapped as long as the model lives.
  static Result<std::unique_ptr<Model>> load(std::shared_ptr<const GgufFile> file, std::unique_ptr<Backend> backend,
                                             const ModelOptions& options);
  ~Model();

  const Hparams& hparams() const { return hparams_; }
  const RopeConfig& rope() const { return rope_; }
  const GgufFile& file() const { return *file_; }
  int n_ctx() const { return n_ctx_; }
  int n_pages() const { return n_pages_; }
  int page_tokens() const { return page_tokens_; }
  int max_batch() const { return max_batch_; }
  const std::string& cache_key() const { return cache_key_; }  // the conditions other than the tokens on which keys and values depend
  const Backend& backend() const { return *backend_; }

  void forward(const Batch& batch);                             // at most max_batch tokens
  std::vector<Choice> sample(std::span<const SampleRow> rows);  // of the last forward's logit rows
  void read_logits(int row, std::span<float> out);              // (n_vocab), likewise
  void copy_page(PageId from, PageId to) { backend_->copy_page(from, to); }

 private:
  Model() = default;
  std::shared_ptr<const GgufFile> file_;
  std::unique_ptr<Backend> backend_;
  std::unique_ptr<Network> network_;
  Hparams hparams_;
  RopeConfig rope_;
  Tensor logits_;
  int n_ctx_ = 0, n_pages_ = 0, page_tokens_ = 0, max_batch_ = 0;
  std::string cache_key_;
};

}  // namespace baton::llm
