#pragma once
// What a request asks of the model's chat template: whether the model thinks before it answers, and variables of the template.
#include <baton/agent/runtime/agent.h>

#include "create_request.h"
#include "fields.h"

namespace baton::agent::server {

inline constexpr std::size_t kMaxTemplateVariables = 32;
inline constexpr std::size_t kMaxTemplateBytes = 64 * 1024;  // of all of them, as JSON text

// reasoning_effort, reasoning {"effort", "summary"}, enable_thinking, think, chat_template_kwargs: into run.template_variables. What the
// template does not look at is noted. Offer::template_uses says which those are.
void read_template_fields(Fields& fields, const Offer& offer, RunRequest& run);

// Of these, all names.
std::span<const char* const> template_field_names();

}  // namespace baton::agent::server
