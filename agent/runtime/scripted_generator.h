#pragma once
// A generator that says what it was told to: for tests, and for examples that need no model.
#include <baton/llm/chat/types.h>

#include <chrono>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <variant>
#include <vector>

#include "generator.h"

namespace baton::agent {

// One answer. Text comes in pieces of a few bytes, then the calls, then the end.
struct ScriptedAnswer {
  std::string text;
  std::vector<llm::ToolCall> calls;
  std::optional<llm::Error> error;          // ends with it
  std::chrono::milliseconds delay{0};       // before each piece
  bool until_cancelled = false;             // after the text it waits to be cancelled
};

// Answers in the order of the script, whatever is asked; when the script is used up, with an error that says so. Any thread.
class ScriptedGenerator final : public Generator {
 public:
  explicit ScriptedGenerator(std::vector<ScriptedAnswer> script) : script_(script.begin(), script.end()) {}

  std::unique_ptr<Generation> start(llm::ChatRequest request, Sink sink) override;
  std::string model_name() const override { return "scripted"; }
  std::vector<llm::ChatRequest> requests() const;  // all that were asked so far

 private:
  mutable std::mutex mutex_;
  std::deque<ScriptedAnswer> script_;
  std::vector<llm::ChatRequest> requests_;
};

}  // namespace baton::agent
