#pragma once
// The end of a response: the statuses before it, and the events that tell of it. The journal, its recovery and transfer, and the agent's
// runtime share these lists. Any thread.
#include <string>
#include <string_view>

#include "journal.h"

namespace baton::memory {

// The last event of a response, apart from response.steer.pending. A cancelled response ends with response.incomplete, because the protocol
// has no event for it: its status says so.
inline constexpr std::string_view kTerminalEvents[] = {"response.completed", "response.incomplete", "response.failed"};
bool is_terminal_event(std::string_view type);

bool is_open_status(std::string_view status);  // of a response that has not ended: queued, in_progress

// The terminal event of a response whose run cannot produce one, because it broke or its process was killed.
Event failed_event(const std::string& response_id, const std::string& reason);
Event interrupted_event(const std::string& response_id);

}  // namespace baton::memory
