#pragma once
// Gives out an answer as deltas while the engine writes it: ends it at stop strings, and adds log-probabilities, confidences and the reason
// for its end.
#include <baton/llm/chat/types.h>
#include <baton/llm/constraint/answer_reader.h>
#include <baton/llm/constraint/call_constraint.h>
#include <baton/llm/engine/engine.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "prompt.h"
#include "stop_matcher.h"

namespace baton::llm {

// Of the request and its prompt. A text that is not a conversation (ChatRequest::prompt) is continued by text: it is not searched for
// reasoning or calls, and only control tokens that are not tags are left out of it.
AnswerReaderOptions reader_options(const ChatRequest& request, const Prompt& prompt);

// One answer. Takes the engine's events in order, on one thread at a time, and produces deltas; the last is Finished.
class Answer {
 public:
  using Sink = std::function<void(Delta)>;

  // The answer ends at a stop string, or at an end of turn that the model spells out because its vocabulary has no such token. Stop strings
  // are matched in the shown text only, not in reasoning or calls.
  // request: only its prompt, stop, logprobs and seed are used. raw: the hashes for Finished::raw. syntax: of the model's template.
  // calls: the constraint that feeds the reader before the engine's events come here; null: this object feeds it.
  Answer(const Tokenizer& tokenizer, const ToolSyntax& syntax, const ChatRequest& request, RawTokens raw,
         std::shared_ptr<AnswerReader> reader, std::shared_ptr<const CallConstraint> calls, Sink sink);

  // True, from then on: the answer is complete, and the engine need not continue. Finished still waits for EngineFinished.
  bool take(const EngineEvent& event);

 private:
  void token(const Choice& choice);
  void go_back();
  void note_logprob(const Choice& choice);
  void read();
  void finish(const EngineFinished& end);
  void keep_raw();
  void give(std::vector<Delta> deltas);
  void give_text(std::string text);
  void give_reasoning(std::string text);
  void give_call(Delta& delta);
  bool stopped() const { return stops_.stopped() || reasoning_stops_.stopped(); }

  const Tokenizer* tokenizer_;
  StopMatcher stops_, reasoning_stops_;
  std::shared_ptr<AnswerReader> reader_;
  std::shared_ptr<const CallConstraint> calls_;
  Sink sink_;
  bool wants_logprobs_;
  const std::uint64_t seed_;
  std::vector<TokenLogprob> logprobs_;  // of tokens whose text was not produced yet
  RawTokens raw_;
  std::string shown_;  // what was produced as text
  int n_calls_ = 0;    // number of calls produced
  bool complete_ = false;
};

}  // namespace baton::llm
