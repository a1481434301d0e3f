#pragma once
// One request inside the engine: its input, its progress, and its sink.
#include "engine.h"

#include <atomic>
#include <chrono>
#include <mutex>

namespace baton::llm {

using EngineClock = std::chrono::steady_clock;

class ActiveRequest {
 public:
  ActiveRequest(EngineRequest request, Engine::Sink sink);

  // ---- any thread
  void cancel() { cancelled_.store(true, std::memory_order_relaxed); }
  bool cancelled() const { return cancelled_.load(std::memory_order_relaxed); }
  void detach();  // cancels; once it returned the sink is not called again

  // ---- the engine's thread
  void emit(EngineEvent event);
  void finish(EngineFinished::Reason reason, std::optional<Error> error = {});
  bool finished() const { return finished_; }
  bool is_stop_token(std::int32_t id) const;

  int n_prompt() const { return n_prompt_; }
  int n_output() const { return static_cast<int>(tokens.size()) - n_prompt_; }
  int n_left() const { return static_cast<int>(tokens.size()) - n_computed; }  // tokens to compute before the next is chosen
  bool prefilling() const { return n_computed < n_prompt_; }

  std::optional<Error> refused;      // found at submission: the request is only reported
  std::vector<std::int32_t> tokens;  // the prompt, then the chosen tokens
  std::vector<std::int32_t> draft;   // of this step: tokens that may be chosen after them
  Sampler sampler;
  std::shared_ptr<TokenConstraint> constraint;
  std::vector<std::int32_t> stop_tokens;
  int max_output_tokens;
  std::string client;

  std::vector<PageId> pages;
  int n_computed = 0;  // tokens whose keys and values are in the pages
  int n_cached = 0;
  int n_reported = 0;            // of the prompt: the last EngineProgress
  int n_output_at_place = 0;     // n_output() when the request was given its place in the batch
  std::uint64_t arrival = 0;     // smaller: came earlier
  std::uint64_t last_chunk = 0;  // like ClientQueue::Client's
  EngineClock::time_point admitted{}, first_token{};

 private:
  std::mutex sink_mutex_;  // held while the sink runs
  Engine::Sink sink_;
  std::atomic<bool> cancelled_{false};
  bool finished_ = false;
  int n_prompt_;
};

}  // namespace baton::llm
