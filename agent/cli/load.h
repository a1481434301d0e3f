#pragma once
// From the command line's options to a model in memory.
#include <baton/agent/error.h>
#include <baton/llm/gguf/gguf.h>
#include <baton/llm/model/model.h>

#include <memory>
#include <string>

#include "cli.h"

namespace baton::agent::cli {

// Finds and maps the model's file: the argument, else --model, else the catalogue's default.
Result<std::shared_ptr<const llm::GgufFile>> open_model_file(const Globals& globals, const std::string& name = "");

// max_batch: tokens a step.
Result<std::unique_ptr<llm::Model>> load_model(const Globals& globals, std::shared_ptr<const llm::GgufFile> file, int max_batch = 512);

}  // namespace baton::agent::cli
