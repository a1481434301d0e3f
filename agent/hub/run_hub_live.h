#pragma once
// The hub's state of a run under way. Internal to the folder.
#include <baton/agent/core/items.h>
#include <baton/memory/response_end.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "run_hub.h"

namespace baton::agent {

inline constexpr const char* kInProgress = "response.in_progress";

inline std::int64_t milliseconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin).count();
}

// A listener to one response.
class RunHub::Listener {
 public:
  Listener(Sink sink, std::int64_t after) : sink_(std::make_shared<Sink>(std::move(sink))), last_(after) {}

  // Returns false if the sink wants no more events.
  bool give(const HubEvent& event) {
    const std::scoped_lock lock(mutex_);
    const std::shared_ptr<Sink> sink = sink_;  // keeps it alive while it runs, though it may close us
    if (!sink) return false;
    // Already read from the journal. The end is told whatever number was asked for: a listener that gave too high a number would wait for
    // ever.
    if (!event.again && (memory::is_terminal_event(event.type) ? std::exchange(told_end_, true) : event.sequence_number <= last_))
      return true;
    last_ = std::max(last_, event.sequence_number);
    try {
      if (!(*sink)(event)) sink_ = nullptr;
    } catch (const std::exception& e) {  // a bug of the listener: the run and the other listeners continue
      spdlog::error("a listener failed at {}: {}", event.type, e.what());
      sink_ = nullptr;
    }
    return sink_ != nullptr;
  }
  void close() {
    const std::scoped_lock lock(mutex_);
    sink_ = nullptr;
  }

 private:
  std::recursive_mutex mutex_;  // held while the sink runs, so that close() on another thread waits for it
  std::shared_ptr<Sink> sink_;
  std::int64_t last_;
  bool told_end_ = false;
};

class RunHub::Held final : public Subscription {
 public:
  Held(std::shared_ptr<Listener> listener, bool over) : listener_(std::move(listener)), over_(over) {}
  ~Held() override { listener_->close(); }
  bool over() const override { return over_; }

 private:
  const std::shared_ptr<Listener> listener_;
  const bool over_;
};

struct RunHub::Live {
  std::string id;
  std::shared_ptr<RunHandle> handle;  // guarded by the hub's mutex; its run refers to this, so it is dropped at the end
  std::string share;                  // RunRequest::share, or its client
  bool store = true;
  bool starting = true;       // the handle is not there yet; guarded by the hub's mutex
  bool session_over = false;  // likewise
  RunRequest request;         // of a successor, without input; guarded by the hub's mutex while the run is starting
  std::chrono::steady_clock::time_point began = std::chrono::steady_clock::now();
  RunOutcome outcome;  // set by the end

  std::mutex mutex;  // guards the listeners, and keeps their order of events
  std::vector<std::shared_ptr<Listener>> listeners;
  bool ended = false;  // the terminal event was told; guarded by the mutex
  bool over = false;   // nothing is told any more, and unstored responses are removed; guarded by the mutex
  std::int64_t last_number = -1;
  std::chrono::steady_clock::time_point told = began;  // when the last event was told; guarded by the mutex, as are the next two
  Json in_progress;                                    // the data of this event
  llm::PrefillProgress prefill;                        // of the prompt that is being computed; a total of 0: none is
  std::int64_t first_token_ms = -1;
  std::string error_code;
  std::int64_t tools_completed = 0, tools_failed = 0;
  std::vector<std::pair<std::string, Json>> steers;  // accepted: id and input
};

}  // namespace baton::agent
