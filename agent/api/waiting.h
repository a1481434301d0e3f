#pragma once
// Events after which a client that waits for the end of a run is answered, although the run has not ended.
#include <baton/agent/hub/run_hub.h>
#include <baton/agent/protocol/api_error.h>

#include <optional>

namespace baton::agent::api {

// The answer: 507 if the run waits for the journal, 503 if the daemon ends before the run. `is_stored`: the response can be fetched later,
// and the answer names it. Nothing: the client keeps waiting.
std::optional<protocol::ApiError> not_answered_now(const HubEvent& event, bool is_stored);

}  // namespace baton::agent::api
