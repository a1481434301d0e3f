#pragma once
// The performing half of a run: takes inputs from its queue, steps the state machine, commits what it decided, then does it.
#include <baton/llm/json_schema/json_schema.h>

#include <algorithm>

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
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

class RunHandle::Loop : public std::enable_shared_from_this<RunHandle::Loop> {
 public:
  Loop(RunParts parts, RunConfig config, memory::Response record, memory::Conversation conversation, bool new_conversation,
       std::map<std::string, llm::Schema> schemas, RunObserver observer);
  ~Loop();

  void start(std::string user_text);
  void push(RunInput input) { queue_->push(std::move(input)); }
  const RunOutcome& wait();
  const RunOutcome& outcome() const { return outcome_; }  // its ids: any time

 private:
  void loop(const std::string& user_text);
  void take(RunInput input);
  void perform(Actions actions);
  void commit(memory::Batch batch, memory::Durability durability, std::vector<StartTool> tools, bool last);
  void on_committed(Committed& committed);
  void start_generation(llm::ChatRequest request);
  void start_tool(const StartTool& start);
  void record_intent(memory::Batch& batch, const StartTool& start);
  void on_tool_finished(const ToolFinished& result);
  void journal_failed(const std::string& message);
  void add(memory::Batch& batch, KeepItem item);

  struct RunningTool {
    memory::ToolInvocation record;
    std::stop_source stop;
  };
  struct Step {  // committed, or on its way
    std::size_t number;
    std::vector<StartTool> tools;
    bool last;
  };

  RunParts parts_;
  Run run_;
  memory::Response record_;
  memory::Conversation conversation_;
  bool new_conversation_;
  std::map<std::string, llm::Schema> schemas_;
  RunObserver observer_;
  RunOutcome outcome_;
  std::shared_ptr<RunQueue> queue_ = std::make_shared<RunQueue>();  // shared with callbacks that may outlive the run
  std::unique_ptr<Generation> generation_;
  int generation_number_ = 0;
  std::map<std::string, RunningTool> running_;
  std::deque<Step> steps_;
  std::size_t n_steps_ = 0;
  bool journal_broken_ = false;
  bool done_ = false;  // the loop thread's

  std::mutex mutex_;
  std::condition_variable ended_;
  bool has_ended_ = false;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace baton::agent
