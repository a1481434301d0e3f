#pragma once
// The actions that a run asks for. The runtime performs them in this order; within one step all records are committed together.
#include <baton/llm/chat/types.h>

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace baton::agent {

using llm::Json;

// An event of the protocol: {"type": .., ..} without its sequence_number, which the journal assigns.
struct EmitEvent {
  std::string type;
  Json data;
};

// A finished item of the conversation.
struct KeepItem {
  std::string id;
  Json content;        // in the protocol's form
  std::string text;    // for full-text search
  llm::RawTokens raw;  // those of the turn, on one of its items
};

struct StartGeneration {
  llm::ChatRequest request;
};
struct CancelGeneration {};

// The call's intent is durable before the tool starts.
struct StartTool {
  llm::ToolCall call;
  std::string idempotency_key;
};
// The run has continued without this call's result; a later result of the tool is dropped.
struct CancelTool {
  std::string call_id;
};

// The last action of a run: its status for the journal. The terminal event is right before it.
struct FinishRun {
  std::string status;  // completed, incomplete, failed, cancelled
  std::string reason;  // empty when completed
  Json usage;
  // The input that the next response needs before the model continues, as stubs of items: {"type":"function_call_output","call_id":..,
  // "name":..} and {"type":"mcp_approval_response","approval_request_id":..}.
  Json required_input = Json::array();
};

using Action = std::variant<EmitEvent, KeepItem, StartGeneration, CancelGeneration, StartTool, CancelTool, FinishRun>;
using Actions = std::vector<Action>;

}  // namespace baton::agent
