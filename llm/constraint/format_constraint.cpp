#include "format_constraint.h"

#include <algorithm>

namespace baton::llm {
namespace {

bool any(const TokenMask& mask) {
  return std::any_of(mask.begin(), mask.end(), [](std::uint32_t word) { return word != 0; });
}

}  // namespace

FormatConstraint::FormatConstraint(const Tokenizer& tokenizer, std::size_t n_vocab, std::shared_ptr<Grammar> grammar,
                                   std::string reasoning_end)
    : tokenizer_(&tokenizer),
      grammar_(std::move(grammar)),
      drafter_(tokenizer),
      ends_((n_vocab + 31) / 32, 0),
      reasoning_end_(std::move(reasoning_end)),
      reasoning_(!reasoning_end_.empty()),
      state_(grammar_->start()) {
  for (const std::int32_t id : tokenizer.end_of_generation_ids()) {
    if (static_cast<std::size_t>(id) < n_vocab) ends_[static_cast<std::size_t>(id) >> 5] |= 1u << (id & 31);
  }
}

const TokenMask* FormatConstraint::mask() {
  if (reasoning_) {  // everything but the end; bits after the last token have no meaning
    mask_ = ends_;
    for (std::uint32_t& word : mask_) word = ~word;
    return &mask_;
  }
  mask_.assign(ends_.size(), 0);
  if (state_ != kDeadState) mask_ = owed_.empty() ? grammar_->mask(state_) : grammar_->along(state_, owed_);
  // If no token writes the required continuation, or the grammar has become too ambiguous, only the end is allowed; misfit() reports it.
  const bool whole = state_ != kDeadState && owed_.empty() && grammar_->accepts(state_);
  if (!whole && any(mask_)) return &mask_;
  for (std::size_t i = 0; i < mask_.size(); ++i) mask_[i] |= ends_[i];
  return &mask_;
}

const TokenMask* FormatConstraint::refined(std::int32_t wanted) {
  if (reasoning_ || state_ == kDeadState || !owed_.empty() || !tokenizer_->is_valid(wanted) || tokenizer_->is_special(wanted))
    return nullptr;
  const std::string bytes = tokenizer_->token_bytes(wanted);
  owed_ = grammar_->writable(state_, bytes);
  if (owed_.empty()) return nullptr;
  part_ = grammar_->along(state_, owed_);
  if (any(part_)) return &part_;
  owed_.clear();
  return nullptr;
}

void FormatConstraint::restart() {
  state_ = grammar_->start();
  owed_.clear();
  drafter_.begin({});
}

std::vector<std::int32_t> FormatConstraint::draft() {
  if (reasoning_ || state_ == kDeadState || !owed_.empty()) return {};
  return drafter_.draft(*grammar_, state_);
}

std::optional<Rewind> FormatConstraint::accept(const Choice& choice) {
  const bool valid = tokenizer_->is_valid(choice.id);
  if (!valid || tokenizer_->ends_generation(choice.id)) return std::nullopt;
  std::string bytes = tokenizer_->token_bytes(choice.id);
  if (reasoning_) {
    tail_ += bytes;
    const auto end = tail_.find(reasoning_end_);
    if (end == std::string::npos) {
      tail_.erase(0, tail_.size() - std::min(tail_.size(), reasoning_end_.size() - 1));
      return std::nullopt;
    }
    reasoning_ = false;
    bytes = tail_.substr(end + reasoning_end_.size());
    bytes.erase(0, std::min(bytes.find_first_not_of(" \t\r\n"), bytes.size()));
  }
  owed_.erase(0, std::min(bytes.size(), owed_.size()));
  state_ = grammar_->step(state_, bytes);
  drafter_.observe(bytes);
  if (state_ == kDeadState) owed_.clear();
  return std::nullopt;
}

}  // namespace baton::llm
