#pragma once
// The body of a response.create, as HTTP and WebSocket clients send it, turned into what starts a run. Strict: what is not supported is an
// error that names it; nothing is passed over.
#include <baton/agent/runtime/agent.h>

#include <set>
#include <string>

#include "api_error.h"
#include "profile.h"

namespace baton::agent::server {

// What a request may refer to.
struct Offer {
  std::string model;                          // the generator's name
  std::vector<const tools::ToolSpec*> tools;  // of the daemon
  const Profiles* profiles = nullptr;
  std::string after_tools;  // RunRequest::after_tools where the request says nothing
  int max_output_tokens = 1024;
};

struct CreateRequest {
  RunRequest run;
  bool stream = false;
  bool background = false;
  std::string stream_id;  // the WebSocket lane; empty: none was named
};

enum class Channel { http, websocket };

// JSON within the limits of tools::JsonLimits, no key twice in one object. An error's param is empty.
Parsed<Json> parse_json(const std::string& text);

Parsed<CreateRequest> parse_create(const Json& body, const Offer& offer, Channel channel);

// `input` of a request: a string, or items. Each error names the item.
Parsed<std::vector<Json>> parse_input(const Json& input, const std::string& param);

// Strings that end an answer, as many and as long as request_limits.h says.
Parsed<std::vector<std::string>> parse_stops(const Json& list, const std::string& param);

// {"a": "b"}: at most 16 pairs of strings, 64 and 512 bytes long.
Parsed<Json> parse_metadata(const Json& value, const std::string& param);

}  // namespace baton::agent::server
