#pragma once
// How a token is chosen and where the answer ends: OpenAI's fields and those of local servers, by the names that llama.cpp's server gives
// them. The same in responses and in chat completions.
#include <span>

#include <baton/agent/runtime/agent.h>
#include "fields.h"

namespace baton::agent::server {

// Of the fields below, all names.
std::span<const char* const> sampling_field_names();

// Reads them into run.sampling, run.stop, and the bounds of the answer. What would be sampled otherwise than it is asked for is an error
// that names the field, such as mirostat other than 0.
void read_sampling(Fields& fields, RunRequest& run);

}  // namespace baton::agent::server
