#pragma once
// Converts the body of a chat completion to the request for a run. As liberal as create_request.h.
#include "create_request.h"

namespace baton::agent::protocol {

struct ChatRequestBody {
  RunRequest run;  // of one choice
  Notes notes;     // run.ignored, and hints for the log
  int n = 1;
  bool stream = false;
  bool include_usage = false;
};

Parsed<ChatRequestBody> parse_chat(const Json& body, const Offer& offer);

}  // namespace baton::agent::protocol
