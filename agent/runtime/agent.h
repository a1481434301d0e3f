#pragma once
// Runs of the agent: the state machine of agent/core, performed. Each run has one loop thread, on which it takes what the generator, the
// tools, the journal and the user say, one after the other.
//
// Order of things: what a step decided is committed to the journal first; then the observer is told, and the tools are started. So what a
// client has seen is in SQLite, and a tool that has an effect has its intent there. Arguments are checked against the tool's schema before
// that; those that do not fit are answered to the model, field by field.
//
// A conversation that was cut off (the process was killed) goes on like any other: what its last run had shown and not kept yet becomes
// items first (restore.h).
#include <baton/agent/core/run.h>
#include <baton/agent/error.h>
#include <baton/memory/journal.h>
#include <baton/tools/registry.h>

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "clock.h"
#include "generator.h"

namespace baton::agent {

struct RunRequest {
  std::string user_text;
  std::string conversation_id;     // as Journal::conversation takes it; empty: a new conversation
  std::string instructions;        // the system message
  std::vector<std::string> tools;  // names, in the order of the prompt; empty with all_tools: every tool of the set
  bool all_tools = true;
  llm::ToolChoice tool_choice;
  bool parallel_tool_calls = true;
  llm::SamplingParams sampling;
  int max_output_tokens = 1024;
  llm::HistoryForm history_form = llm::HistoryForm::as_written;
  std::string after_tools;  // RunConfig::after_tools
  Budgets budgets;
};

struct RunOutcome {
  std::string conversation_id;
  std::string response_id;
  std::string status;  // completed, incomplete, failed, cancelled
  std::string reason;
  Json usage = Json::object();
  std::vector<std::string> undelivered;  // messages that were sent when the run had just ended: they are in no history
};

// Called on the run's loop thread, one call at a time. All may be empty.
struct RunObserver {
  std::function<void(const memory::Event&)> event;           // committed, with its sequence number
  std::function<void(const llm::PrefillProgress&)> prefill;  // live, not journalled
  std::function<void(const std::string& call_id, double fraction, const std::string& message)> tool_progress;  // likewise
  std::function<void(const RunOutcome&)> finished;                                                             // the last call
};

// A running agent. Destroying it cancels the run and waits for its end.
class RunHandle {
 public:
  ~RunHandle();
  RunHandle(const RunHandle&) = delete;
  RunHandle& operator=(const RunHandle&) = delete;

  // Any thread but the observer's own.
  const RunOutcome& wait();
  // Any thread.
  void cancel();
  // False: the run has ended. A message that crosses the end is in RunOutcome::undelivered.
  bool send(std::string user_text, Delivery delivery);
  const std::string& response_id() const;
  const std::string& conversation_id() const;

 private:
  friend class Agent;
  class Loop;
  explicit RunHandle(std::shared_ptr<Loop> loop);
  std::shared_ptr<Loop> loop_;
};

// The parts outlive the agent, the agent its runs. Any thread.
class Agent {
 public:
  Agent(Generator& generator, tools::ToolSet& tools, memory::Journal& journal, const Clock& clock);

  // The run is in the journal when this returns. Errors: a request that makes no sense, no such conversation or tool, a conversation in
  // which a run is under way, a tool whose schema cannot be read, a journal that cannot be read or written.
  Result<std::unique_ptr<RunHandle>> start(RunRequest request, RunObserver observer);

 private:
  Result<memory::Conversation> continue_conversation(const std::string& id, RunConfig& config);

  Generator& generator_;
  tools::ToolSet& tools_;
  memory::Journal& journal_;
  const Clock& clock_;
  std::mutex mutex_;  // one start at a time: two runs of one conversation would mix their items
};

}  // namespace baton::agent
