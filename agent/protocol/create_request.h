#pragma once
// Converts the body of a response.create, as HTTP and WebSocket clients send it, to the request for a run. Anything that would make the
// answer wrong is an error that names it; fields without effect are noted.
#include <baton/agent/runtime/agent.h>

#include <functional>
#include <set>
#include <string>
#include <string_view>

#include "api_error.h"
#include "notes.h"
#include "profile.h"

namespace baton::agent::protocol {

// The names that a request may refer to.
struct Offer {
  std::string model;                          // the generator's name
  std::vector<const tools::ToolSpec*> tools;  // of the daemon
  const Profiles* profiles = nullptr;
  std::string after_tools;  // RunRequest::after_tools if the request does not say
  int max_output_tokens = llm::kDefaultOutputTokens;
  std::function<bool(const std::string& variable)> template_uses;  // whether the model's chat template reads it; empty: it reads none
};

struct CreateRequest {
  RunRequest run;
  Notes notes;  // run.ignored, and hints for the log
  bool stream = false;
  bool background = false;
  std::string stream_id;  // the WebSocket lane; empty: unnamed
};

enum class Channel { http, websocket };

// The purpose of a body.
enum class Purpose {
  answer,  // the agent shall act, so the request must say what it wants
  review,  // the conversation is processed as it is: an earlier response or a conversation is enough
};

// JSON within the limits of tools::JsonLimits, without repeated keys in an object. An error's param is empty.
Parsed<Json> parse_json(const std::string& text);

Parsed<CreateRequest> parse_create(const Json& body, const Offer& offer, Channel channel, Purpose purpose = Purpose::answer);

// `input` of a request: a string, or items. Each error names the item.
Parsed<std::vector<Json>> parse_input(const Json& input, const std::string& param, Notes& notes);

// A compaction item that this daemon made begins with this; a summary of a conversation follows, as the model reads it.
inline constexpr std::string_view kCompactionMark = "baton.summary:";

// Strings that end an answer, within the number and length in request_limits.h.
Parsed<std::vector<std::string>> parse_stops(const Json& list, const std::string& param);

// {"a": "b"}: at most 16 pairs of scalars, names and texts of at most 64 and 512 bytes.
Parsed<Json> parse_metadata(const Json& value, const std::string& param);

}  // namespace baton::agent::protocol
