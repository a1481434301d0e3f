#pragma once
// The configuration with which a run starts.
#include <baton/llm/chat/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "items.h"
#include "text_format.h"

namespace baton::agent {

// When one of these is used up, the model is asked once more for an answer, without tools, and the run ends `incomplete` with the budget's
// name as its reason. The conversation can continue. The last answer is not requested if no token is left for it.
struct Budgets {
  int max_turns = 8;  // answers of the model before the last one
  int max_tool_calls = 32;
  int max_output_tokens = 8192;             // over all turns
  std::int64_t max_milliseconds = 600'000;  // tools are cut off at this time, a running answer only at twice this time
};

// The client's name of a function in a namespace.
struct NamespacedName {
  std::string name_space, name;
};

struct RunConfig {
  std::string response_id;
  std::string conversation_id;
  std::string parent_id;  // the response that this one continues
  std::string model;
  std::string client;                   // the client's share of the engine: llm::EngineRequest::client
  std::string instructions;             // the system message; empty: none
  std::vector<StoredItem> history;      // the conversation so far
  std::vector<llm::ToolSpec> tools;     // in registration order
  std::set<std::string> client_tools;   // of these, the functions that the client runs: their calls end the run
  std::set<std::string> ask_before;     // of these, the tools whose calls wait for the user's approval
  std::set<std::string> allowed_tools;  // the model is offered only these; empty: all of them
  std::int64_t approval_lifetime_ms = std::int64_t{24} * 3600 * 1000;
  // Returns the error in a call's arguments; nothing: they fit the tool's schema. A pure function. If empty, everything fits.
  std::function<std::optional<std::string>(const llm::ToolCall&)> why_refused;
  // The protocol's text.format (text_format.h); a format other than text requires that no turn may call a tool.
  TextFormat text_format;
  // Returns the error in a whole answer; nothing: it fits text_format. A pure function. If empty, everything fits.
  std::function<std::optional<std::string>(const std::string&)> why_misfits;
  // Of each turn. Its tool choice applies until a call was accepted, `none` for ever: later turns are free to answer. Without parallel
  // calls, the calls of one turn run one after the other. Its seed is shown with the response.
  llm::TurnSettings turn;
  Json metadata = Json::object();  // the client's own, shown with the response
  bool store = true;               // shown with the response
  // Put as a user message after tool results without an error, for that turn's prompt only; "{question}" is replaced by the user's last
  // message. Small models need it to stop calling and answer (docs/history.md); empty: nothing is added.
  std::string after_tools;
  // After this many turns in a row of only repeated calls, the next turn is without tools: a model that repeats itself once does it again.
  // At least 1.
  int max_repeating_turns = 1;
  Budgets budgets;
  std::int64_t spent_ms = 0;                                     // the part of the time budget that earlier processes of the run used
  std::int64_t created_ms = 0;                                   // since 1970; 0: now
  std::function<std::string(const std::string& prefix)> new_id;  // unique ids: "item_..", "call_.."
  std::map<std::string, NamespacedName> namespaced;              // of client_tools, by the name that the model calls
  bool truncate = false;             // if the prompt does not fit, the oldest turns are left out of it, and the response says so
  std::vector<std::int32_t> prompt;  // llm::ChatRequest::prompt: a text to continue, instead of a conversation
  bool generate = true;              // false: the prompt is computed, and the response ends without an answer
  std::vector<std::string> ignored;  // fields of the request without effect; shown with the response
};

}  // namespace baton::agent
