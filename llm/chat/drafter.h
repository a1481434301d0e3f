#pragma once
// Names the tokens of what a grammar forces, so that the engine computes them at once instead of one after the other.
#include <baton/llm/grammar/forced_text.h>
#include <baton/llm/tokenizer/tokenizer.h>

#include <string_view>
#include <vector>

#include "grammar_vocabulary.h"

namespace baton::llm {

// Belongs to one answer. Single-threaded.
class Drafter {
 public:
  explicit Drafter(const Tokenizer& tokenizer) : tokenizer_(&tokenizer) {}  // which outlives us

  void begin(std::string_view text);                              // of what is written under a grammar; what it follows
  void observe(std::string_view text) { layout_.observe(text); }  // what is written there
  // A last token is held back where the grammar also allows a longer one that begins with it.
  std::vector<std::int32_t> draft(Grammar& grammar, StateId from) const;

 private:
  static constexpr std::size_t kMaxBytes = 96;
  const Tokenizer* tokenizer_;
  JsonLayout layout_;
};

}  // namespace baton::llm
