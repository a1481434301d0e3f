#pragma once
// Loads the model that the settings name, ready to answer.
#include <baton/agent/error.h>
#include <baton/agent/generator/embedded_generator.h>
#include <baton/agent/model_settings.h>
#include <baton/llm/gguf/gguf.h>
#include <baton/llm/model/model.h>

#include <memory>
#include <string>

namespace baton::agent {

// Finds and maps the model's file: `name`, else settings.model, else the catalogue's default.
Result<std::shared_ptr<const llm::GgufFile>> open_model_file(const ModelSettings& settings, const std::string& name = "");

// max_batch: tokens a step.
Result<std::unique_ptr<llm::Model>> load_model(const ModelSettings& settings, std::shared_ptr<const llm::GgufFile> file,
                                               int max_batch = 512);

Result<std::unique_ptr<EmbeddedGenerator>> load_generator(const ModelSettings& settings);

}  // namespace baton::agent
