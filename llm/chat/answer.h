#pragma once
// What the engine says, as what a conversation understands: tokens to text, text to calls.
#include <baton/llm/chat/types.h>
#include <baton/llm/engine/engine.h>
#include <baton/llm/tokenizer/detokenizer.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "call_constraint.h"
#include "call_parser.h"
#include "prompt.h"
#include "stop_matcher.h"

namespace baton::llm {

// One answer. Takes the engine's events in their order, on one thread at a time, and gives out deltas; the last is Finished.
class Answer {
 public:
  using Sink = std::function<void(Delta)>;

  // request: only its tools, tool_choice, parallel_tool_calls, stop, logprobs and seed are looked at. raw: the hashes of Finished::raw.
  // syntax: of the model's template, outlives us. constraint: is told of every call that is begun; may be null.
  Answer(const Tokenizer& tokenizer, const ToolSyntax& syntax, const ChatRequest& request, const Prompt& prompt, RawTokens raw,
         std::shared_ptr<CallConstraint> constraint, Sink sink);

  // True, once and for all: the answer is complete, and the engine need not go on. Finished still waits for EngineFinished.
  bool take(const EngineEvent& event);

 private:
  struct Written {
    std::int32_t id;
    std::size_t begin;  // of its text, in bytes of the answer
    std::string text;
  };

  void token(const Choice& choice);
  void begin();
  void go_back(const Rewind& to);
  void look_at_call();
  void note_logprob(const Choice& choice);
  std::string text_of(std::int32_t id);
  void push(const std::string& text, float logprob);
  void finish(const EngineFinished& end);
  void keep_raw();
  void give(std::vector<Delta>& deltas);

  const Tokenizer* tokenizer_;
  const ToolSyntax* syntax_;
  Detokenizer detokenizer_;
  StopMatcher stops_;
  CallParser parser_;
  std::shared_ptr<CallConstraint> constraint_;
  Sink sink_;
  std::vector<Written> written_;
  std::vector<std::int32_t> own_form_;  // of an answer that was put into a list: its tokens before that, where they are the template's form
  bool wants_logprobs_;
  const std::uint64_t seed_;
  std::vector<TokenLogprob> logprobs_;  // of tokens whose text was not given out yet
  RawTokens raw_;
  std::size_t n_text_ = 0;  // bytes of text so far, before stop strings
  std::string forced_text_;
  std::vector<std::int32_t> forced_ids_;
  bool started_ = false;
  bool complete_ = false;
};

}  // namespace baton::llm
