#include "scripted_generator.h"

#include <algorithm>
#include <condition_variable>
#include <thread>

namespace baton::agent {
namespace {

constexpr std::size_t kPieceBytes = 5;

class ScriptedGeneration final : public Generation {
 public:
  ScriptedGeneration(ScriptedAnswer answer, Generator::Sink sink)
      : answer_(std::move(answer)), sink_(std::move(sink)), thread_([this] { play(); }) {}
  ~ScriptedGeneration() override {
    cancel();
    thread_.join();
  }
  void cancel() override {
    std::scoped_lock lock(mutex_);
    cancelled_ = true;
    changed_.notify_all();
  }

 private:
  bool wait_cancelled(std::optional<std::chrono::milliseconds> patience) {
    std::unique_lock lock(mutex_);
    if (!patience)
      changed_.wait(lock, [&] { return cancelled_; });
    else
      changed_.wait_for(lock, *patience, [&] { return cancelled_; });
    return cancelled_;
  }
  void end(llm::FinishReason reason) {
    llm::Finished finished;
    finished.reason = reason;
    finished.usage = {.prompt_tokens = 10, .output_tokens = n_pieces_};
    finished.raw = answer_.raw;
    if (reason == llm::FinishReason::error) finished.error = answer_.error;
    finished.malformed_call = answer_.malformed_call;
    sink_(std::move(finished));
  }
  // Returns false if it was cancelled.
  template <class D>
  bool stream(const std::string& text) {
    for (std::size_t at = 0; at < text.size();) {
      std::size_t n = std::min(kPieceBytes, text.size() - at);
      while (at + n < text.size() && (static_cast<unsigned char>(text[at + n]) & 0xc0) == 0x80) ++n;  // whole characters
      if (wait_cancelled(answer_.delay)) return false;
      say(D{text.substr(at, n)});
      at += n;
    }
    return true;
  }
  bool stream_calls() {
    int index = 0;
    for (const llm::ToolCall& call : answer_.calls) {
      if (wait_cancelled(answer_.delay)) return false;
      say(llm::CallStarted{index, call.id, call.name});
      say(llm::CallArguments{index, call.arguments.dump()});
      say(llm::CallFinished{index++, call, 1.0});
    }
    return true;
  }
  void say(llm::Delta delta) {
    ++n_pieces_;
    sink_(std::move(delta));
  }
  void play() {
    const bool whole = stream<llm::ReasoningDelta>(answer_.reasoning) && stream<llm::TextDelta>(answer_.text) && stream_calls();
    if (!whole || (answer_.until_cancelled && wait_cancelled(std::nullopt))) return end(llm::FinishReason::cancelled);
    if (answer_.error) return end(llm::FinishReason::error);
    end(answer_.reason.value_or(answer_.calls.empty() ? llm::FinishReason::stop : llm::FinishReason::tool_calls));
  }

  ScriptedAnswer answer_;
  Generator::Sink sink_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool cancelled_ = false;
  int n_pieces_ = 0;
  std::thread thread_;
};

}  // namespace

std::unique_ptr<Generation> ScriptedGenerator::start(llm::ChatRequest request, Sink sink) {
  ScriptedAnswer answer;
  if (rule_) {
    answer = rule_(request);
  } else {
    std::scoped_lock lock(mutex_);
    requests_.push_back(std::move(request));
    if (script_.empty()) {
      answer.error = llm::Error{llm::errc::invalid_argument, "the script has no answer for request " + std::to_string(requests_.size())};
    } else {
      answer = std::move(script_.front());
      script_.pop_front();
    }
  }
  return std::make_unique<ScriptedGeneration>(std::move(answer), std::move(sink));
}

std::vector<llm::ChatRequest> ScriptedGenerator::requests() const {
  std::scoped_lock lock(mutex_);
  return requests_;
}

}  // namespace baton::agent
