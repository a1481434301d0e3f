#include "call_constraint.h"

#include <algorithm>

namespace baton::llm {
namespace {

// {"name": ", [ {"function":" and the like: the third quote is open.
bool name_begun(std::string_view value) { return std::count(value.begin(), value.end(), '"') >= 3; }

}  // namespace

const TokenMask* CallConstraint::mask() {
  if (!engaged()) return nullptr;
  mask_ = grammar_->grammar->mask(state_);
  return &mask_;
}

void CallConstraint::accept(const Choice& choice) {
  if (!engaged()) return;
  if (at_name_) share_ = choice.allowed_share;
  const bool declined = at_name_ && choice.allowed_share < min_share_;
  at_name_ = false;
  Grammar& grammar = *grammar_->grammar;
  state_ = declined ? kDeadState : grammar.step(state_, tokenizer_->token_bytes(choice.id));
  // The value is whole: what follows is free, and so is the next call's beginning.
  if (state_ != kDeadState && grammar.accepts(state_)) state_ = kDeadState;
}

void CallConstraint::look_at(std::string_view value, bool certain) {
  if (engaged() || (!certain && !name_begun(value))) return;
  Grammar& grammar = *grammar_->grammar;
  state_ = grammar.step(grammar.start(), value);
  if (state_ != kDeadState && grammar.accepts(state_)) state_ = kDeadState;
  at_name_ = engaged() && !certain && value.back() == '"';
}

}  // namespace baton::llm
