#include "waiting.h"

#include <baton/agent/core/items.h>

#include <utility>

namespace baton::agent::server {

std::optional<ApiError> not_answered_now(const HubEvent& event) {
  const bool parked = event.type == kParkedEvent;
  if (!parked && !waits_for_journal(event)) return std::nullopt;
  const Json data = Json::parse(*event.json);
  std::string message = string_of(data, "message") + "; ask for response " + string_of(data, "response_id") + " later";
  if (parked) return ApiError{503, "server_error", "shutting_down", std::move(message), ""};
  return ApiError::from(Error{errc::journal_unwritable, std::move(message)});
}

}  // namespace baton::agent::server
