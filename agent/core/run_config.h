#pragma once
// What a run is started with.
#include <baton/llm/chat/types.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace baton::agent {

// When one of these is used up the model is asked once more for an answer, without tools, and the run ends `incomplete` with the budget's
// name as its reason. The conversation can go on.
struct Budgets {
  int max_turns = 8;                   // answers of the model
  int max_tool_calls = 32;
  int max_output_tokens = 8192;        // over all turns
  std::int64_t max_milliseconds = 600'000;  // looked at between turns; at twice this the run is cut off
};

struct RunConfig {
  std::string response_id;
  std::string conversation_id;
  std::string parent_id;  // the response that this one continues
  std::string model;
  std::string instructions;           // the system message; empty: none
  std::vector<llm::Message> history;  // what was said before, without a system message
  std::vector<llm::ToolSpec> tools;   // in registration order
  llm::ToolChoice tool_choice;        // of the first turn; later turns are free to answer
  bool parallel_tool_calls = true;
  llm::SamplingParams sampling;
  int max_output_tokens = 1024;  // of one turn
  llm::HistoryForm history_form = llm::HistoryForm::as_written;
  // Put as a user message after tool results, for that turn's prompt only; "{question}" stands for the user's last message. Small models
  // need it to stop calling and answer (docs/history.md); empty: nothing is put there.
  std::string after_tools;
  Budgets budgets;
  std::function<std::string(const std::string& prefix)> new_id;  // unique ids: "item_..", "call_.."
};

}  // namespace baton::agent
