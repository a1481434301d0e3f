#pragma once
// The performing half of a run: takes inputs from its queue, steps the state machine, commits the records of the step, then performs its
// actions.
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>

#include "agent.h"
#include "run_queue.h"

namespace baton::agent {

struct RunParts {
  Generator& generator;
  tools::ToolSet& tools;
  memory::Journal& journal;
  const Clock& clock;
};

// The results of one step of the state machine: records of one commit, and the actions after it.
struct RunStep {
  memory::Batch batch;
  memory::Durability durability = memory::Durability::process;
  std::vector<StartTool> tools;
  bool last = false;
};

class RunHandle::Loop {
 public:
  // The record is in the journal.
  Loop(RunParts parts, RunConfig config, memory::Response record, RunObserver observer);
  ~Loop();

  void start(std::vector<Json> input);
  void resume(Interrupted left);
  bool push(RunInput input) { return queue_->push(std::move(input)); }  // false: the run has ended
  const RunOutcome& wait();
  const RunOutcome& outcome() const { return outcome_; }  // its ids: available at any time

 private:
  struct Pending {  // a step on its way to the disk
    std::size_t number;
    std::vector<StartTool> tools;
    bool last;
  };
  struct RunningTool {
    memory::ToolInvocation record;
    std::stop_source stop;
    bool started = false;
    std::int64_t next_progress = 0;  // the earliest time of the next event
  };

  void launch(std::function<Actions()> first);
  void run(const std::function<Actions()>& first);  // the thread's body: any exception below ends the run as failed
  void loop(const std::function<Actions()>& first);
  void broke(const char* what);
  void end();
  void park_if_quiet();
  void take(RunInput input);
  void perform(Actions actions, RunStep step = {});
  void plan(RunStep& step, KeepItem& item);
  void plan(RunStep& step, StartTool& start);
  void plan(RunStep& step, const CancelTool& cancel);
  void plan(RunStep& step, const FinishRun& finish);
  void commit(RunStep step);
  void on_committed(Committed& committed);
  void on_tool_progress(const ToolProgress& said);
  void on_tool_finished(const ToolFinished& result);
  void start_generation(llm::ChatRequest request);
  void start_tool(const StartTool& start);
  void refused(const std::string& message);

  RunParts parts_;
  Run run_;
  memory::Response record_;
  RunObserver observer_;
  RunOutcome outcome_;
  std::shared_ptr<RunQueue> queue_ = std::make_shared<RunQueue>();  // shared with callbacks that may outlive the run
  std::unique_ptr<Generation> generation_;
  int generation_number_ = 0;
  std::map<std::string, RunningTool> running_;  // by call id: intent on its way, or started
  std::deque<Pending> pending_;
  std::size_t n_steps_ = 0;
  Moment last_tick_;
  bool refused_ = false;                                 // the journal refuses this run's records
  bool parking_ = false;                                 // no further generations; the loop ends when the tools have, or soon
  std::chrono::steady_clock::time_point park_deadline_;  // after this, tools are not waited for
  bool parked_ = false;                                  // the record is on its way
  bool done_ = false;

  std::mutex mutex_;
  std::condition_variable ended_;
  bool has_ended_ = false;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace baton::agent
