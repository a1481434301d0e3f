#include "waiting.h"

#include <baton/agent/core/items.h>

#include <utility>

namespace baton::agent::api {

std::optional<protocol::ApiError> not_answered_now(const HubEvent& event, bool is_stored) {
  const bool parked = event.type == kParkedEvent;
  if (!parked && !waits_for_journal(event)) return std::nullopt;
  const Json& data = *event.data;
  std::string message = parked && !is_stored ? "the daemon stops before the answer is complete" : string_of(data, "message");
  message += is_stored ? "; ask for response " + string_of(data, "response_id") + " later" : "; ask again later";
  if (parked) return protocol::ApiError{503, "server_error", "server_shutting_down", std::move(message), ""};
  return protocol::ApiError::from(Error{errc::journal_unwritable, std::move(message)});
}

}  // namespace baton::agent::api
