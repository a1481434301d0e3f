#pragma once
// The settings of the model's chat template in a request: whether the model thinks before it answers, and variables of the template.
#include <baton/agent/runtime/agent.h>

#include "create_request.h"
#include "fields.h"

namespace baton::agent::protocol {

inline constexpr std::size_t kMaxTemplateVariables = 32;
inline constexpr std::size_t kMaxTemplateBytes = 64 * 1024;  // of all of them, as JSON text

// reasoning_effort, reasoning {"effort", "summary"}, enable_thinking, think, chat_template_kwargs: into run.turn.template_variables. Fields
// that the template does not read are noted. Offer::template_uses tells which those are.
void read_template_fields(Fields& fields, const Offer& offer, RunRequest& run);

// All names of these fields.
std::span<const char* const> template_field_names();

}  // namespace baton::agent::protocol
