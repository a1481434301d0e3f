#include "load.h"

#include <baton/agent/models/catalogue.h>
#include <baton/agent/models/pull.h>
#include <baton/llm/model/cpu_backend.h>

namespace baton::agent::cli {

Result<std::shared_ptr<const llm::GgufFile>> open_model_file(const Globals& globals, const std::string& name) {
  const std::string& wanted = !name.empty() ? name : !globals.model.empty() ? globals.model : default_model().name;
  const Result<std::filesystem::path> path = resolve_model(wanted, globals.models_dir);
  if (!path) return path.error();
  llm::Result<llm::GgufFile> file = llm::GgufFile::open(*path);
  if (!file) return Error{errc::model, file.error().message};
  return std::make_shared<const llm::GgufFile>(std::move(*file));
}

Result<std::unique_ptr<llm::Model>> load_model(const Globals& globals, std::shared_ptr<const llm::GgufFile> file, int max_batch) {
  auto backend = llm::make_cpu_backend({globals.cpu, globals.threads});
  if (!backend) return Error{errc::invalid_argument, backend.error().message};
  llm::ModelOptions options;
  options.n_ctx = globals.n_ctx;
  options.max_batch = max_batch;
  if (!globals.rope_scaling.empty()) options.rope.scaling = llm::parse_rope_scaling(globals.rope_scaling);
  if (globals.rope_factor > 0) options.rope.factor = static_cast<float>(globals.rope_factor);
  auto model = llm::Model::load(std::move(file), std::move(*backend), options);
  if (!model) return Error{errc::model, model.error().message};
  return std::move(*model);
}

}  // namespace baton::agent::cli
