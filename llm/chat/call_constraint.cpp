#include "call_constraint.h"

#include <algorithm>

namespace baton::llm {
namespace {

// {"name": ", [ {"function":" and the like: the third quote is open.
bool name_begun(std::string_view value) { return std::count(value.begin(), value.end(), '"') >= 3; }

}  // namespace

const TokenMask* CallConstraint::mask() {
  if (!engaged()) return nullptr;
  mask_ = owed_.empty() ? grammar_->grammar->mask(state_) : grammar_->grammar->along(state_, owed_);
  return &mask_;
}

const TokenMask* CallConstraint::narrowed(std::int32_t wanted) {
  if (!engaged() || !owed_.empty() || !tokenizer_->is_valid(wanted) || tokenizer_->is_special(wanted)) return nullptr;
  const std::string bytes = tokenizer_->token_bytes(wanted);
  owed_ = grammar_->grammar->writable(state_, bytes);
  return owed_.empty() ? nullptr : &grammar_->grammar->along(state_, owed_);
}

void CallConstraint::accept(const Choice& choice) {
  if (!engaged()) return;
  if (at_name_) share_ = choice.allowed_share;
  const bool declined = at_name_ && choice.allowed_share < min_share_;
  at_name_ = false;
  const std::string bytes = declined ? std::string() : tokenizer_->token_bytes(choice.id);
  owed_.erase(0, std::min(bytes.size(), owed_.size()));
  Grammar& grammar = *grammar_->grammar;
  state_ = declined ? kDeadState : grammar.step(state_, bytes);
  // The value is whole: what follows is free, and so is the next call's beginning.
  if (state_ != kDeadState && grammar.accepts(state_)) state_ = kDeadState;
  if (state_ == kDeadState) owed_.clear();
}

void CallConstraint::look_at(std::string_view value, bool certain) {
  if (engaged() || (!certain && !name_begun(value))) return;
  Grammar& grammar = *grammar_->grammar;
  state_ = grammar.step(grammar.start(), value);
  if (state_ != kDeadState && grammar.accepts(state_)) state_ = kDeadState;
  at_name_ = engaged() && !certain && value.back() == '"';
}

}  // namespace baton::llm
