#pragma once
// Which tokens the next forward pass computes, and what becomes of its results. All of the engine but its thread: the tests step it.
#include "engine.h"
#include "request.h"

#include <baton/llm/kv_cache/page_pool.h>
#include <baton/llm/kv_cache/prefix_cache.h>

#include <deque>
#include <memory>
#include <vector>

namespace baton::llm {

// Single-threaded: the engine's thread.
class Scheduler {
 public:
  Scheduler(Model& model, const EngineOptions& options);
  ~Scheduler();

  void enqueue(std::shared_ptr<ActiveRequest> request);
  // One step: admits, computes one batch, hands out its tokens. False when there was nothing to do.
  bool step();
  void finish_all(EngineFinished::Reason reason, const std::optional<Error>& error = {});
  EngineStats stats() const;

 private:
  struct Part {  // a request's share of a batch
    ActiveRequest* request;
    int n_tokens;       // without its draft, which follows them
    bool wants_logits;  // of the last one, and of each of the draft
  };
  void admit();
  bool try_admit(ActiveRequest& request);
  PrefixMatch match(const ActiveRequest& request);
  bool is_being_computed(const ActiveRequest& request) const;
  std::vector<Part> plan();
  void make_draft(ActiveRequest& request, int budget) const;
  Batch make_batch(const std::vector<Part>& parts) const;
  void take_results(const std::vector<Part>& parts);
  bool take_token(ActiveRequest& request, Choice choice);
  void go_back(ActiveRequest& request, Rewind to);
  void finish_if_full(ActiveRequest& request);
  void retire_finished();

  Model& model_;
  EngineOptions options_;
  PagePool pool_;
  PrefixCache cache_;
  std::deque<std::shared_ptr<ActiveRequest>> waiting_;
  std::vector<std::shared_ptr<ActiveRequest>> active_;
  std::size_t prefill_turn_ = 0;  // whose prompt is next, so that long prompts share the chunk budget in turn
  EngineStats stats_;
};

}  // namespace baton::llm
