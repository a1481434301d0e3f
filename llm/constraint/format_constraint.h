#pragma once
// Constrains an answer to the requested format: from its first token on, or, if the prompt opened a reasoning block, from the end of that
// block. The turn may end only where the answer is complete.
#include <baton/llm/engine/engine.h>
#include <baton/llm/grammar/grammar.h>
#include <baton/llm/tokenizer/tokenizer.h>

#include <memory>
#include <string>

#include "drafter.h"

namespace baton::llm {

class FormatConstraint final : public TokenConstraint {
 public:
  // n_vocab: of the model's logits. reasoning_end: the text that ends the block opened by the prompt; empty: no block was opened. The
  // tokenizer must outlive this object. Any thread; all other functions are for the engine's thread.
  FormatConstraint(const Tokenizer& tokenizer, std::size_t n_vocab, std::shared_ptr<Grammar> grammar, std::string reasoning_end);

  const TokenMask* mask() override;
  const TokenMask* refined(std::int32_t wanted) override;
  std::optional<Rewind> accept(const Choice& choice) override;  // never rewinds
  std::vector<std::int32_t> draft() override;

  bool in_reasoning() const { return reasoning_; }
  bool alive() const { return state_ != kDeadState; }  // the text so far fits
  void restart();                                      // back to the start of the format

 private:
  const Tokenizer* tokenizer_;
  std::shared_ptr<Grammar> grammar_;
  Drafter drafter_;
  TokenMask ends_;  // the tokens that end the turn
  TokenMask mask_;  // our own, because other answers of the same step use the grammar too
  TokenMask part_;
  const std::string reasoning_end_;
  bool reasoning_;
  std::string tail_;  // end of the reasoning that may begin its closing tag
  StateId state_;
  // The allowed part of a forbidden token that the model chose: see CallConstraint.
  std::string owed_;
};

}  // namespace baton::llm
