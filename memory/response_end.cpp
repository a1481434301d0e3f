#include "response_end.h"

#include <algorithm>
#include <iterator>

namespace baton::memory {
namespace {

Event terminal_event(const std::string& response_id, const std::string& status, const char* member, Json why) {
  Event event;
  event.response_id = response_id;
  event.type = "response." + status;
  event.data = {{"type", event.type}, {"response", {{"id", response_id}, {"status", status}, {member, std::move(why)}}}};
  return event;
}

}  // namespace

bool is_terminal_event(std::string_view type) {
  return std::find(std::begin(kTerminalEvents), std::end(kTerminalEvents), type) != std::end(kTerminalEvents);
}

bool is_open_status(std::string_view status) { return status == "queued" || status == "in_progress"; }

Event failed_event(const std::string& response_id, const std::string& reason) {
  return terminal_event(response_id, "failed", "error", {{"code", "server_error"}, {"message", reason}});
}

Event interrupted_event(const std::string& response_id) {
  return terminal_event(response_id, "incomplete", "incomplete_details", {{"reason", "interrupted"}});
}

}  // namespace baton::memory
