#pragma once
// A parrot as the agent's generator: the whole path from a request to its deltas, without real weights.
#include <baton/agent/generator/embedded_generator.h>
#include <baton/llm/model/cpu_backend.h>

#include <memory>
#include <utility>

#include "parrot.h"

namespace baton::test {

// Each role by its name. The switch for reasoning puts a line into the prompt.
inline constexpr const char* kPlainTemplate =
    R"({%- for message in messages %}{{- '<|im_start|>' + message.role + '\n' + message.content }}
{%- for call in message.tool_calls or [] %}
{{- '\n<tool_call>' + ({'name': call.function.name, 'arguments': call.function.arguments} | tojson) + '</tool_call>' }}
{%- endfor %}
{{- '<|im_end|>\n' }}{%- endfor %}
{%- if enable_thinking is defined and not enable_thinking %}{{- 'Do not think.\n' }}{% endif %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\n' }}{% endif %})";

// The parrot outlives it.
inline std::unique_ptr<agent::EmbeddedGenerator> generator_of(Parrot& parrot, int n_ctx) {
  llm::ModelOptions options;
  options.n_ctx = n_ctx;
  options.page_tokens = 16;
  auto model = llm::Model::load(parrot.file(), llm::make_cpu_backend({"", 1}).value(), options).value();
  auto chat =
      llm::Chat::create(std::make_unique<llm::Engine>(std::move(model), llm::EngineOptions{}), {.model_identity = "parrot"}).value();
  return std::make_unique<agent::EmbeddedGenerator>(std::move(chat), "parrot");
}

}  // namespace baton::test
