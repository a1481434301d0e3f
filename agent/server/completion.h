#pragma once
// Runs as completions: those of /v1/chat/completions and of /v1/completions, in one piece or as events. Nothing of them is stored, and no
// client can return to them: when the client leaves, they are cancelled. With an agent profile as model the daemon's tools run, and
// `baton.tool_calls` names them; clients ignore it.
#include <baton/agent/runtime/run_hub.h>

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "http_call.h"

namespace baton::agent::server {

struct CompletionRequest {
  enum class Shape { chat, text } shape = Shape::chat;
  RunRequest run;     // of each choice, apart from its seed and prompt; the first choice has this seed, the others those after it
  std::size_t n = 1;  // choices for each prompt
  std::vector<std::vector<std::int32_t>> prompts;  // text: at least one. chat: none
  std::vector<std::string> echo;                   // text: the beginning of the choices of each prompt; empty: nothing
  bool stream = false;
  bool include_usage = false;
  std::string model;  // the client's name for it
};

// Answers by calling `done` once, now or from a thread of the runs. `left`: HttpCall::left. The hub outlives it.
void start_completion(RunHub& hub, CompletionRequest request, std::stop_token left, std::function<void(HttpReply)> done);

}  // namespace baton::agent::server
