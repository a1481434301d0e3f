#pragma once
// Runs as completions: those of /v1/chat/completions and of /v1/completions, in one piece or as events. Nothing of them is stored, and no
// client can return to them: when the client leaves, they are cancelled. With an agent profile as model the daemon's tools run, and
// `baton.tool_calls` names them; clients ignore it.
#include <baton/agent/hub/run_hub.h>
#include <baton/agent/protocol/completion_request.h>

#include <functional>
#include <stop_token>

#include "http_call.h"

namespace baton::agent::api {

// Answers by calling `done` once, now or from a thread of the runs. `left`: HttpCall::left. The hub outlives it.
void start_completion(RunHub& hub, protocol::CompletionRequest request, std::stop_token left, std::function<void(HttpReply)> done);

}  // namespace baton::agent::api
