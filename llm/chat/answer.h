#pragma once
// Converts the engine's output to the terms of a conversation: tokens to text, text to calls.
#include <baton/llm/call_parser/call_parser.h>
#include <baton/llm/chat/types.h>
#include <baton/llm/constraint/call_constraint.h>
#include <baton/llm/engine/engine.h>
#include <baton/llm/tokenizer/detokenizer.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "prompt.h"
#include "stop_matcher.h"

namespace baton::llm {

// One answer. Takes the engine's events in order, on one thread at a time, and produces deltas; the last is Finished.
class Answer {
 public:
  using Sink = std::function<void(Delta)>;

  // The answer ends at a stop string, or at an end of turn that the model spells out because its vocabulary has no such token. Stop strings
  // are matched in the shown text only, not in reasoning or calls.
  // A text that is not a conversation (ChatRequest::prompt) is continued by text: it is not searched for reasoning or calls, and only
  // control tokens that are not tags are left out of it.
  // request: only its prompt, tools, tool_choice, parallel_tool_calls, stop, logprobs and seed are used. raw: the hashes for Finished::raw.
  // syntax: of the model's template; must outlive this object. constraint: is notified of every call that begins; may be null.
  Answer(const Tokenizer& tokenizer, const ToolSyntax& syntax, const ChatRequest& request, const Prompt& prompt, RawTokens raw,
         std::shared_ptr<CallConstraint> constraint, Sink sink);

  // True, from then on: the answer is complete, and the engine need not continue. Finished still waits for EngineFinished.
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
  void read(const std::string& text, float logprob, std::vector<Delta>& deltas);
  void finish(const EngineFinished& end);
  void keep_raw();
  void give(std::vector<Delta>& deltas);
  void give_text(std::string text);
  void give_reasoning(std::string text);
  void give_call(Delta& delta);
  bool stopped() const { return stops_.stopped() || reasoning_stops_.stopped(); }
  std::optional<std::size_t> length() const;

  const Tokenizer* tokenizer_;
  const ToolSyntax* syntax_;
  Detokenizer detokenizer_;
  StopMatcher stops_, reasoning_stops_;
  CallParser parser_;
  std::shared_ptr<CallConstraint> constraint_;
  Sink sink_;
  std::vector<Written> written_;
  std::vector<std::int32_t> own_form_;  // of an answer that was put into a list: its tokens before that, if they are in the template's form
  const bool is_plain_text_;            // a text is continued
  bool wants_logprobs_;
  const std::uint64_t seed_;
  std::vector<TokenLogprob> logprobs_;  // of tokens whose text was not produced yet
  RawTokens raw_;
  std::size_t n_text_ = 0;  // bytes of text so far
  std::string shown_;       // the part of it that was produced as text
  int n_calls_ = 0;         // number of calls produced
  std::string forced_text_;
  std::vector<std::int32_t> forced_ids_;
  bool started_ = false;
  bool complete_ = false;
};

}  // namespace baton::llm
