#pragma once
// A generator with scripted answers: for tests, and for examples that need no model.
#include <baton/llm/chat/types.h>

#include <chrono>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "generator.h"

namespace baton::agent {

// One answer. Reasoning, then text in pieces of a few bytes, then the calls, then the end.
struct ScriptedAnswer {
  std::string text;
  std::vector<llm::ToolCall> calls;
  std::optional<llm::Error> error;     // the answer ends with it
  std::chrono::milliseconds delay{0};  // before each piece
  bool until_cancelled = false;        // after all that, waits to be cancelled
  std::string reasoning;
  std::optional<llm::FinishReason> reason;  // instead of the one that follows from the other members
  llm::RawTokens raw;                       // the tokens that the model "wrote"
  std::string malformed_call;               // llm::Finished::malformed_call
};

// Gives answers in the order of the script, whatever the request; when the script is used up, an error that says so. Each counts 10 prompt
// tokens and one output token a piece. Any thread.
class ScriptedGenerator final : public Generator {
 public:
  explicit ScriptedGenerator(std::vector<ScriptedAnswer> script) : script_(script.begin(), script.end()) {}
  // Gives answers by a rule instead; called on the caller's thread, several at a time.
  using Rule = std::function<ScriptedAnswer(const llm::ChatRequest&)>;
  explicit ScriptedGenerator(Rule rule) : rule_(std::move(rule)) {}

  std::unique_ptr<Generation> start(llm::ChatRequest request, Sink sink) override;
  std::string model_name() const override { return "scripted"; }
  std::vector<llm::ChatRequest> requests() const;  // all requests so far, of a script

 private:
  mutable std::mutex mutex_;
  std::deque<ScriptedAnswer> script_;
  Rule rule_;
  std::vector<llm::ChatRequest> requests_;
};

}  // namespace baton::agent
