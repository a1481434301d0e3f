#pragma once
// The choice of a token and the end of the answer: OpenAI's fields and those of local servers, by the names in llama.cpp's server. The same
// in responses and in chat completions.
#include <span>

#include <baton/agent/runtime/agent.h>
#include "fields.h"

namespace baton::agent::protocol {

// All names of the fields below.
std::span<const char* const> sampling_field_names();

// Reads them into run.turn.sampling, run.turn.stop, and the bounds of the answer. A field that would require another sampling method is an
// error that names it, such as mirostat other than 0.
void read_sampling(Fields& fields, RunRequest& run);

}  // namespace baton::agent::protocol
