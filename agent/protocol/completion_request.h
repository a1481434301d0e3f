#pragma once
// The request of a chat completion or of a text completion, read from its body.
#include <baton/agent/runtime/agent.h>

#include <cstdint>
#include <string>
#include <vector>

namespace baton::agent::protocol {

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

}  // namespace baton::agent::protocol
