#pragma once
// What waits for a run's loop thread. Text that waits is merged, so a run that lags behind its generator catches up in fewer steps; the
// queue is bounded by the length of the answers and the number of calls of one run.
#include <baton/llm/chat/types.h>
#include <baton/memory/journal.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace baton::agent {

struct GeneratorSaid {
  int generation = 0;  // which of the run's generations: what an earlier one says late is dropped
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
struct UserSaid {
  std::string text;
  bool interrupt = false;
};
struct CancelAsked {};

using RunInput = std::variant<GeneratorSaid, ToolFinished, ToolProgress, Committed, UserSaid, CancelAsked>;

// Any thread may push; one pops.
class RunQueue {
 public:
  void push(RunInput input) {
    {
      std::scoped_lock lock(mutex_);
      if (merged(input)) return;
      inputs_.push_back(std::move(input));
    }
    ready_.notify_one();
  }

  // Nothing after `patience` without an input.
  std::optional<RunInput> pop(std::chrono::milliseconds patience) {
    std::unique_lock lock(mutex_);
    if (!ready_.wait_for(lock, patience, [&] { return !inputs_.empty(); })) return std::nullopt;
    RunInput input = std::move(inputs_.front());
    inputs_.pop_front();
    return input;
  }

 private:
  bool merged(RunInput& input) {
    auto* said = std::get_if<GeneratorSaid>(&input);
    auto* before = inputs_.empty() ? nullptr : std::get_if<GeneratorSaid>(&inputs_.back());
    if (!said || !before || said->generation != before->generation) return false;
    auto* text = std::get_if<llm::TextDelta>(&said->delta);
    auto* waiting = std::get_if<llm::TextDelta>(&before->delta);
    if (text && waiting) waiting->text += text->text;
    return text && waiting;
  }

  std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<RunInput> inputs_;
};

}  // namespace baton::agent
