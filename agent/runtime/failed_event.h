#pragma once
// The terminal event of a run that cannot produce it itself. Internal to the folder.
#include <baton/memory/journal.h>

#include <string>

namespace baton::agent {

inline memory::Event failed_event(const std::string& response_id, const std::string& reason) {
  memory::Event event;
  event.response_id = response_id;
  event.type = "response.failed";
  event.data = {{"type", event.type},
                {"response", {{"id", response_id}, {"status", "failed"}, {"error", {{"code", "server_error"}, {"message", reason}}}}}};
  return event;
}

}  // namespace baton::agent
