#pragma once
// The tools that a request may call: `tools`, `tool_choice` and `parallel_tool_calls`.
#include "create_request.h"
#include "fields.h"

namespace baton::agent::protocol {

// Stored in the run, whose profile may have named tools before. Tools that no one can call here are noted if others are given.
void read_tools(Fields& fields, const Offer& offer, RunRequest& run);

}  // namespace baton::agent::protocol
