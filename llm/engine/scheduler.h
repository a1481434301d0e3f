#pragma once
// Decides which tokens the next forward pass computes, and distributes its results. It is the whole engine except for the thread; tests
// step it.
#include "client_queue.h"
#include "engine.h"
#include "request.h"
#include "step_times.h"

#include <baton/llm/kv_cache/page_pool.h>
#include <baton/llm/kv_cache/prefix_cache.h>

#include <functional>
#include <memory>
#include <vector>

namespace baton::llm {

// Single-threaded: the engine's thread.
class Scheduler {
 public:
  using Now = std::function<EngineClock::time_point()>;

  // now: the clock by which steps are measured (step_times.h); the sizes of prompt chunks depend on it.
  Scheduler(Model& model, const EngineOptions& options, Now now = &EngineClock::now);
  ~Scheduler();

  void enqueue(std::shared_ptr<ActiveRequest> request);
  // Runs one step: admits requests, computes one batch, reports its tokens. False if there is nothing to do until a request comes or is
  // cancelled, or a constraint for which one waits is ready.
  bool step();
  void finish_all(EngineFinished::Reason reason, const std::optional<Error>& error = {});
  EngineStats stats() const;

 private:
  struct Part {  // a request's share of a batch
    ActiveRequest* request;
    int n_tokens;       // without the draft, which follows them
    bool wants_logits;  // of the last token, and of each token of the draft
  };
  void end_waiting();
  void admit();
  bool try_admit(ActiveRequest& request);
  int n_longest(const ActiveRequest& request) const;
  int n_lasting(const ActiveRequest& request) const;
  PrefixMatch match(const ActiveRequest& request);
  void leave_in_cache(ActiveRequest& request, int n_tokens);
  bool is_being_computed(const ActiveRequest& request) const;
  ActiveRequest* most_dispensable() const;
  ActiveRequest* longest_turn() const;
  void pause(ActiveRequest& request);
  void take_pages();
  bool take_pages_for(ActiveRequest& request, int n_tokens);
  std::vector<Part> plan();
  std::vector<ActiveRequest*> by_turn(std::vector<ActiveRequest*> requests);
  void make_draft(ActiveRequest& request, int budget);
  Batch make_batch(const std::vector<Part>& parts) const;
  void take_results(const std::vector<Part>& parts);
  bool take_token(ActiveRequest& request, Choice choice);
  void go_back(ActiveRequest& request, Rewind to);
  void finish_if_full(ActiveRequest& request);
  void retire_finished();

  Model& model_;
  EngineOptions options_;
  const Now now_;
  PagePool pool_;
  PrefixCache cache_;
  ClientQueue queue_;
  std::vector<std::shared_ptr<ActiveRequest>> active_;
  std::uint64_t n_chunks_ = 0;
  StepTimes times_;
  EngineStats stats_;
};

}  // namespace baton::llm
