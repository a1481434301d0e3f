#pragma once
// Holds an answer to the format that the user asked for: from its first token on, or, where the prompt opened a reasoning block, from the
// end of that. The turn may end exactly where the answer is whole.
#include <baton/llm/engine/engine.h>
#include <baton/llm/grammar/grammar.h>
#include <baton/llm/tokenizer/tokenizer.h>

#include <memory>
#include <string>

#include "drafter.h"

namespace baton::llm {

class FormatConstraint final : public TokenConstraint {
 public:
  // n_vocab: of the model's logits. reasoning_end: what ends the block that the prompt opened; empty: it opened none. The tokenizer
  // outlives us. Any thread; the rest is the engine's.
  FormatConstraint(const Tokenizer& tokenizer, std::size_t n_vocab, std::shared_ptr<Grammar> grammar, std::string reasoning_end);

  const TokenMask* mask() override;
  const TokenMask* narrowed(std::int32_t wanted) override;
  void accept(const Choice& choice) override;
  std::vector<std::int32_t> draft() override;

  bool in_reasoning() const { return reasoning_; }
  bool alive() const { return state_ != kDeadState; }  // what was written so far fits
  void restart();                                      // nothing of the format was written

 private:
  const Tokenizer* tokenizer_;
  std::shared_ptr<Grammar> grammar_;
  Drafter drafter_;
  TokenMask ends_;  // the tokens that end the turn
  TokenMask mask_;  // our own: other answers of the same step use the grammar too
  TokenMask part_;
  const std::string reasoning_end_;
  bool reasoning_;
  std::string tail_;  // of the reasoning: what may be the beginning of its closing tag
  StateId state_;
  // What the model wanted to write and may, of a token that it may not: see CallConstraint.
  std::string owed_;
};

}  // namespace baton::llm
