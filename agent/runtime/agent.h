#pragma once
// Runs of the agent: the state machine of agent/core, performed. Each run has one loop thread, which handles the messages of the generator,
// the tools, the journal and the user one after the other.
//
// Order: the records of a step are committed to the journal first; then the observer is called, and the tools are started. So everything
// that a client has seen is in SQLite, and a tool that has an effect has its intent there. Arguments are checked against the tool's schema
// before that; the errors of those that do not fit are returned to the model, field by field.
//
// A conversation that was cut off (the process was killed) continues like any other: output that its last run had shown and not kept yet
// becomes items first (restore.h).
#include <baton/agent/core/run.h>
#include <baton/agent/error.h>
#include <baton/memory/journal.h>
#include <baton/tools/registry.h>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <baton/agent/generator/generator.h>
#include "clock.h"

namespace baton::agent {

// Whether a tool's calls may run. Compared by strictness.
enum class Permission { allow, ask, deny };

// How long a response and its conversation are kept.
enum class Storage {
  stored,
  continuable,  // not stored, but kept for a while after its end, so that the client that made it can continue it
  temporary,    // removed when it has ended: no client learns its id
};

struct RunRequest {
  // Items of the protocol: messages, function_call_output, mcp_approval_response, and items of an earlier output that a client replays.
  std::vector<Json> input;
  std::string conversation_id;       // as Journal::conversation takes it; empty: a new conversation
  std::string response_id;           // of the new response; empty: a new one is generated
  std::string previous_response_id;  // instead: continues after that response; on a copy, if its conversation has continued already
  bool continues_unstored = false;   // that response was not stored, and the client may continue it all the same
  std::string instructions;          // the system message
  std::vector<std::string> tools;    // names, in the order of the prompt; empty with all_tools: every tool of the set
  bool all_tools = true;
  std::vector<llm::ToolSpec> client_tools;        // functions that the client runs: a call ends the run, the next run brings its output
  std::map<std::string, Permission> permissions;  // stricter than the agent's own; a laxer one is ignored
  llm::TurnSettings turn;
  std::set<std::string> allowed_tools;  // of all the tools, those that this run may call; empty: all
  TextFormat text_format;               // RunConfig::text_format
  std::string after_tools;              // RunConfig::after_tools
  Budgets budgets;
  Json metadata = Json::object();  // the client's own
  std::string model;               // the name shown with the response; empty: the generator's
  Storage storage = Storage::stored;
  bool durable = false;     // continues after a killed process (Agent::resume)
  std::string key;          // of an idempotent creation; empty: none
  std::string fingerprint;  // of the request that belongs to the key
  std::string client;       // the client of the request. Not kept
  std::string share;  // requests with the same value share a part of the engine, and of the runs; empty: those of the client. Not kept
  std::map<std::string, NamespacedName> namespaced;  // RunConfig::namespaced
  bool truncate = false;                             // RunConfig::truncate
  bool generate = true;                              // RunConfig::generate; false: the input may be empty
  std::vector<std::int32_t> prompt;                  // RunConfig::prompt; if not empty, there is no input
  std::vector<std::string> ignored;                  // RunConfig::ignored
  std::string session;  // the WebSocket on which an unstored response can be continued while it is open (RunHub::end_session). Not kept

  // A run of one message.
  static RunRequest of_text(const std::string& user_text);
};

struct RunOutcome {
  std::string conversation_id;
  std::string response_id;
  std::string status;  // completed, incomplete, failed, cancelled; empty: parked
  std::string reason;
  Json usage = Json::object();
  Json required_input = Json::array();  // FinishRun::required_input
  std::vector<std::pair<std::string, Json>>
      unsteered;  // what was to steer it and arrived just after its end: id and input. It is in no history
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
  // The run ends at its next boundary, reason steered, or as it would have; `input` is for its successor. Returns false if the run has
  // ended.
  bool steer(std::string steer_id, std::vector<Json> input);
  // Ends the loop and leaves the run open in the journal, for Agent::resume() of a later process. It waits half a second for running tools.
  void park();
  const std::string& response_id() const;
  const std::string& conversation_id() const;

 private:
  friend class Agent;
  class Loop;
  explicit RunHandle(std::shared_ptr<Loop> loop);
  std::shared_ptr<Loop> loop_;
};

struct AgentOptions {
  std::map<std::string, Permission> permissions;  // by tool; otherwise tools that only read are allowed and the others ask
  std::chrono::milliseconds approval_lifetime = std::chrono::hours(24);
};

// The parts outlive the agent, the agent its runs. Any thread.
class Agent {
 public:
  Agent(Generator& generator, tools::ToolSet& tools, memory::Journal& journal, const Clock& clock, AgentOptions options = {});

  // The run is in the journal when this returns. Several starts may run at once: of two that continue the same conversation in place, the
  // journal accepts the first one, and the other sees it. Errors: invalid_argument (a request that makes no sense, an output without a
  // call, a tool whose schema cannot be read), not_found (conversation, tool), previous_not_found, busy (the conversation has a run under
  // way), conflict (the key is taken, see Journal::claim), answered (an approval was answered before), journal_unwritable, io.
  Result<std::unique_ptr<RunHandle>> start(RunRequest request, RunObserver observer);

  // Continues a run that a killed process left (Journal::adopted). Tools that no longer exist, or are denied now, are not offered any more.
  // A run that cannot be continued is ended as failed, in the journal, and the reason is returned.
  Result<std::unique_ptr<RunHandle>> resume(const memory::Response& record, RunObserver observer);

  // The first request that start() would send to the model. Nothing is started and nothing is stored. Errors of start().
  Result<llm::ChatRequest> preview(RunRequest request) const;

  Permission permission(const tools::ToolSpec& tool) const;
  const tools::ToolSet& tools() const { return tools_; }
  const Generator& generator() const { return generator_; }

 private:
  struct Prepared;
  Result<Prepared> prepare(const RunRequest& request) const;
  Result<std::unique_ptr<RunHandle>> try_start(RunRequest& request, const Prepared& prepared, const RunObserver& observer);
  Result<std::unique_ptr<RunHandle>> continue_run(memory::RunRecord record, RunObserver observer);

  Generator& generator_;
  tools::ToolSet& tools_;
  memory::Journal& journal_;
  const Clock& clock_;
  const AgentOptions options_;
};

}  // namespace baton::agent
