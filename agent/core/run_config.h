#pragma once
// What a run is started with.
#include <baton/llm/chat/types.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace baton::agent {

// When one of these is used up the model is asked once more for an answer, without tools, and the run ends `incomplete` with the budget's
// name as its reason. The conversation can go on. The last answer is not asked for when no token is left for it.
struct Budgets {
  int max_turns = 8;  // answers of the model before the last one
  int max_tool_calls = 32;
  int max_output_tokens = 8192;             // over all turns
  std::int64_t max_milliseconds = 600'000;  // tools are cut off now, an answer that is being written not before twice this time
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
  bool parallel_tool_calls = true;    // false: the calls of one turn run one after the other
  llm::SamplingParams sampling;
  int max_output_tokens = 1024;  // of one turn
  llm::HistoryForm history_form = llm::HistoryForm::as_written;
  // Put as a user message after tool results without an error, for that turn's prompt only; "{question}" stands for the user's last
  // message. Small models need it to stop calling and answer (docs/history.md); empty: nothing is put there.
  std::string after_tools;
  // So many turns in a row of nothing but repeated calls, and the next turn is without tools: a model that repeats itself once does it
  // again. At least 1.
  int max_repeating_turns = 1;
  Budgets budgets;
  std::function<std::string(const std::string& prefix)> new_id;  // unique ids: "item_..", "call_.."
};

}  // namespace baton::agent
