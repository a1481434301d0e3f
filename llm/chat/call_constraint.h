#pragma once
// Holds the model to the grammar of calls from the moment it has begun one: up to the opening quote of the tool's name it writes as it
// likes.
#include <baton/llm/engine/engine.h>
#include <baton/llm/tokenizer/tokenizer.h>

#include <memory>
#include <string>
#include <string_view>

#include "call_grammar.h"

namespace baton::llm {

// On the engine's thread.
class CallConstraint final : public TokenConstraint {
 public:
  // min_share: see TokenConstraint; at the name's beginning, where the model has not been told to call.
  CallConstraint(const Tokenizer& tokenizer, std::shared_ptr<CallGrammar> grammar, float min_share)
      : tokenizer_(&tokenizer), grammar_(std::move(grammar)), min_share_(min_share) {}

  const TokenMask* mask() override;
  float min_share() const override { return at_name_ ? min_share_ : -1; }
  const TokenMask* narrowed(std::int32_t wanted) override;
  void accept(const Choice& choice) override;

  // `value`: JSON that may be a call, from its first bracket to where the answer has come. Engages once the name's quote is open.
  // `certain`: at once, and without a threshold.
  void look_at(std::string_view value, bool certain);
  bool engaged() const { return state_ != kDeadState; }
  // What the model would have given to the names that were offered, of the last call that was begun.
  float share() const { return share_; }

 private:
  const Tokenizer* tokenizer_;
  std::shared_ptr<CallGrammar> grammar_;
  const float min_share_;
  float share_ = 1;
  StateId state_ = kDeadState;
  TokenMask mask_;  // our own: other answers of the same step use the grammar too
  bool at_name_ = false;
  // What the model wanted to write and may, of a token that it may not: /", where only /" fits. Where no token says just this, it is owed.
  std::string owed_;
};

}  // namespace baton::llm
