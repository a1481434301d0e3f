#include "model.h"

#include <algorithm>

#include "architecture.h"

namespace baton::llm {
namespace {

const Architecture* find_architecture(std::string_view name) {
  for (const Architecture* architecture : architectures()) {
    if (architecture->name == name) return architecture;
  }
  return nullptr;
}

std::string known_architectures() {
  std::string names;
  for (const Architecture* architecture : architectures()) names += (names.empty() ? "" : ", ") + std::string(architecture->name);
  return names;
}

}  // namespace

Model::~Model() = default;

Result<std::unique_ptr<Model>> Model::load(std::shared_ptr<const GgufFile> file, std::unique_ptr<Backend> backend,
                                           const ModelOptions& options) {
  const Architecture* architecture = find_architecture(file->architecture());
  if (!architecture) {
    return Error{errc::unsupported, file->path() + ": architecture '" + std::string(file->architecture()) +
                                        "' is not one that Baton runs (" + known_architectures() + ")"};
  }
  Result<Hparams> hparams = read_hparams(*file);
  if (!hparams) return hparams.error();
  Result<RopeConfig> rope = read_rope_config(*file, *hparams, options.rope);
  if (!rope) return rope.error();

  std::unique_ptr<Model> model(new Model);
  model->file_ = std::move(file);
  model->backend_ = std::move(backend);
  model->hparams_ = std::move(*hparams);
  model->rope_ = std::move(*rope);
  const int reach = context_reach(model->rope_, model->hparams_);
  model->n_ctx_ = options.n_ctx > 0 ? options.n_ctx : reach;
  if (model->n_ctx_ > reach) {
    return Error{errc::invalid_argument, model->file_->path() + ": a context of " + std::to_string(model->n_ctx_) +
                                             " tokens was asked for, the model reaches " + std::to_string(reach) +
                                             ": stretch it with --rope-scaling yarn --rope-factor " +
                                             std::to_string((model->n_ctx_ + reach - 1) / reach)};
  }
  model->page_tokens_ = options.page_tokens;
  model->max_batch_ = options.max_batch;
  const std::int64_t kv_tokens = std::max<std::int64_t>({options.kv_tokens, model->n_ctx_, 8192});
  // One page more than requested: a sequence that continues another one copies its partly filled page before it releases it.
  model->n_pages_ = static_cast<int>((kv_tokens + options.page_tokens - 1) / options.page_tokens) + 1;

  Result<std::unique_ptr<Network>> network = architecture->build(*model->file_, model->hparams_, *model->backend_);
  if (!network) return network.error();
  model->network_ = std::move(*network);

  const KvShape kv{model->hparams_.n_layer, model->hparams_.n_head_kv, model->hparams_.head_dim, model->n_pages_, model->page_tokens_};
  const Result<void> prepared = model->backend_->prepare(options.max_batch, kv, make_rope_table(model->rope_, model->n_ctx_));
  if (!prepared) return prepared.error();
  model->cache_key_ = model->file_->path() + "|" + model->rope_.describe();
  return model;
}

void Model::forward(const Batch& batch) { logits_ = network_->forward(*backend_, batch); }

std::vector<Choice> Model::sample(std::span<const SampleRow> rows) { return backend_->sample(logits_, rows); }

void Model::read_logits(int row, std::span<float> out) { backend_->read(logits_, row, out); }

}  // namespace baton::llm
