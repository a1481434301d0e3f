#pragma once
// The queue of a run's loop thread. Streamed text that waits is merged, so a run that is slower than its generator catches up in fewer
// steps; the queue is bounded by the number of calls of one run and of messages sent to it.
#include <baton/llm/chat/types.h>
#include <baton/memory/journal.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace baton::agent {

struct GeneratorSaid {
  int generation = 0;  // the run's generation of this input: late input of an earlier one is dropped
  llm::Delta delta;
};
struct ToolFinished {
  std::string call_id;
  std::string content;
  bool is_error = false;
};
struct ToolProgress {
  std::string call_id;
  double fraction = 0;
  std::string message;
};
struct Committed {
  std::size_t step = 0;
  memory::Result<std::vector<memory::Event>> events;
};
struct Steered {
  std::string id;
  std::vector<llm::Json> input;
};
struct CancelAsked {};
struct ParkAsked {};

using RunInput = std::variant<GeneratorSaid, ToolFinished, ToolProgress, Committed, Steered, CancelAsked, ParkAsked>;

// Any thread may push; one pops.
class RunQueue {
 public:
  // Returns false if the queue is closed; then the input is dropped.
  bool push(RunInput input) {
    {
      std::scoped_lock lock(mutex_);
      if (closed_) return false;
      if (merged(input)) return true;
      inputs_.push_back(std::move(input));
    }
    ready_.notify_one();
    return true;
  }

  // Returns nothing after `patience` without an input.
  std::optional<RunInput> pop(std::chrono::milliseconds patience) {
    std::unique_lock lock(mutex_);
    if (!ready_.wait_for(lock, patience, [&] { return !inputs_.empty(); })) return std::nullopt;
    RunInput input = std::move(inputs_.front());
    inputs_.pop_front();
    return input;
  }

  // Returns the inputs that will not be popped any more.
  std::deque<RunInput> close() {
    std::scoped_lock lock(mutex_);
    closed_ = true;
    return std::exchange(inputs_, {});
  }

 private:
  // Merges it into the last waiting input, if that is of the same kind.
  bool merged(const RunInput& input) {
    const auto* said = std::get_if<GeneratorSaid>(&input);
    auto* before = inputs_.empty() ? nullptr : std::get_if<GeneratorSaid>(&inputs_.back());
    if (!said || !before || said->generation != before->generation) return false;
    if (const auto* more = std::get_if<llm::TextDelta>(&said->delta)) {
      if (!append(before->delta, *more, &llm::TextDelta::text)) return false;
      auto& logprobs = std::get<llm::TextDelta>(before->delta).logprobs;
      logprobs.insert(logprobs.end(), more->logprobs.begin(), more->logprobs.end());
      return true;
    }
    if (const auto* more = std::get_if<llm::ReasoningDelta>(&said->delta)) return append(before->delta, *more, &llm::ReasoningDelta::text);
    if (const auto* more = std::get_if<llm::CallArguments>(&said->delta)) {
      const auto* waiting = std::get_if<llm::CallArguments>(&before->delta);
      return waiting && waiting->index == more->index && append(before->delta, *more, &llm::CallArguments::fragment);
    }
    if (const auto* newer = std::get_if<llm::PrefillProgress>(&said->delta)) {
      auto* waiting = std::get_if<llm::PrefillProgress>(&before->delta);
      if (waiting) *waiting = *newer;
      return waiting != nullptr;
    }
    return false;
  }

  template <class D>
  static bool append(llm::Delta& before, const D& more, std::string D::*text) {
    D* waiting = std::get_if<D>(&before);
    if (waiting) waiting->*text += more.*text;
    return waiting != nullptr;
  }

  std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<RunInput> inputs_;
  bool closed_ = false;
};

}  // namespace baton::agent
