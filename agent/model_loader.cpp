#include "model_loader.h"

#include <baton/agent/models/catalogue.h>
#include <baton/agent/models/pull.h>
#include <baton/llm/model/cpu_backend.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace baton::agent {
namespace {

// Distinguishes files for raw tokens: hashing 500 MB would cost more than loading the model does. Size, name and the metadata's position
// change with any conversion or quantisation; the catalogue checks the sha256 of each file that it pulls.
std::string model_identity(const llm::GgufFile& file) {
  return std::filesystem::path(file.path()).filename().string() + ":" + std::to_string(file.file_size()) + ":" +
         std::to_string(file.data_offset()) + ":" + std::to_string(file.tensors().size());
}

}  // namespace

Result<std::shared_ptr<const llm::GgufFile>> open_model_file(const ModelSettings& settings, const std::string& name) {
  const std::string& wanted = !name.empty() ? name : !settings.model.empty() ? settings.model : default_model().name;
  const Result<std::filesystem::path> path =
      resolve_model(wanted, settings.models_dir.empty() ? default_models_dir() : settings.models_dir);
  if (!path) return path.error();
  llm::Result<llm::GgufFile> file = llm::GgufFile::open(*path);
  if (!file) return Error{errc::model, file.error().message};
  return std::make_shared<const llm::GgufFile>(std::move(*file));
}

Result<std::unique_ptr<llm::Model>> load_model(const ModelSettings& settings, std::shared_ptr<const llm::GgufFile> file, int max_batch) {
  auto backend = llm::make_cpu_backend({settings.cpu, settings.threads});
  if (!backend) return Error{errc::invalid_argument, backend.error().message};
  llm::ModelOptions options;
  options.n_ctx = settings.n_ctx;
  options.max_batch = max_batch;
  if (!settings.rope_scaling.empty()) options.rope.scaling = llm::parse_rope_scaling(settings.rope_scaling);
  if (settings.rope_factor > 0) options.rope.factor = static_cast<float>(settings.rope_factor);
  auto model = llm::Model::load(std::move(file), std::move(*backend), options);
  if (!model) return Error{errc::model, model.error().message};
  return std::move(*model);
}

Result<std::unique_ptr<EmbeddedGenerator>> load_generator(const ModelSettings& settings) {
  auto file = open_model_file(settings);
  if (!file) return file.error();
  const std::string name = std::filesystem::path((*file)->path()).stem().string();
  auto model = load_model(settings, *file);
  if (!model) return model.error();
  auto engine = std::make_unique<llm::Engine>(std::move(*model),
                                              llm::EngineOptions{.max_parallel = settings.max_parallel, .max_draft = settings.max_draft});
  llm::ChatOptions options;
  options.model_identity = model_identity(**file);
  options.constrain = settings.constrain;
  const CatalogueModel* known = find_model(name);
  const std::optional<double> confidence =
      settings.min_call_confidence || !known ? settings.min_call_confidence : known->min_call_confidence;
  if (confidence) options.min_call_confidence = static_cast<float>(*confidence);
  auto chat = llm::Chat::create(std::move(engine), std::move(options));
  if (!chat) return Error{errc::model, chat.error().message};
  for (const std::string& warning : (*chat)->warnings()) spdlog::warn("{}: {}", name, warning);
  return std::make_unique<EmbeddedGenerator>(std::move(*chat), name);
}

}  // namespace baton::agent
