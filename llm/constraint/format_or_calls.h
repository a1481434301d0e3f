#pragma once
// An answer in the requested format, or calls of tools: the model chooses with its first tokens.
#include <memory>

#include "call_constraint.h"
#include "format_constraint.h"

namespace baton::llm {

// The ways to open a call if nothing else, or only a format, may be written: in the template's form, or as JSON, bare or in a fence. The
// grammar covers the text up to and including the names. spaced: white space may come first.
std::unique_ptr<Grammar> call_openings(const std::vector<ToolSpec>& tools, const ToolSyntax& syntax, const GrammarVocabulary& vocabulary,
                                       bool spaced);

// Used on the engine's thread.
class FormatOrCalls final : public TokenConstraint {
 public:
  // format: with a grammar that allows nothing if a call is required.
  FormatOrCalls(std::shared_ptr<FormatConstraint> format, std::shared_ptr<CallConstraint> calls, std::unique_ptr<Grammar> openings)
      : format_(std::move(format)), calls_(std::move(calls)), openings_(std::move(openings)), opening_(openings_->start()) {}

  bool waiting() override { return calls_->waiting(); }
  const TokenMask* mask() override;
  float min_share() const override { return calling() ? calls_->min_share() : -1; }
  const TokenMask* refined(std::int32_t wanted) override;
  bool penalised() const override { return calls_->penalised(); }
  std::optional<Rewind> accept(const Choice& choice) override;
  std::vector<std::int32_t> draft() override;

 private:
  bool calling() const { return called_ || calls_->in_call(); }
  bool may_call() const { return !format_->in_reasoning() && opening_ != kDeadState; }

  std::shared_ptr<FormatConstraint> format_;
  std::shared_ptr<CallConstraint> calls_;
  std::unique_ptr<Grammar> openings_;
  StateId opening_;
  bool called_ = false;  // a call has begun
  TokenMask mask_;
};

}  // namespace baton::llm
