#pragma once
// Tokenizes the text that a grammar forces, so that the engine computes these tokens at once instead of one after the other.
#include <baton/llm/grammar/forced_text.h>
#include <baton/llm/tokenizer/tokenizer.h>

#include <string_view>
#include <vector>

#include "grammar_vocabulary.h"

namespace baton::llm {

// Belongs to one answer. Single-threaded.
class Drafter {
 public:
  explicit Drafter(const Tokenizer& tokenizer) : tokenizer_(&tokenizer) {}  // which must outlive this object

  void begin(std::string_view text);                              // the text before the part that is written under a grammar
  void observe(std::string_view text) { layout_.observe(text); }  // the text of that part
  // The last token is held back if the grammar also allows a longer one that begins with it.
  std::vector<std::int32_t> draft(Grammar& grammar, StateId from) const;

 private:
  static constexpr std::size_t kMaxBytes = 96;
  const Tokenizer* tokenizer_;
  JsonLayout layout_;
};

}  // namespace baton::llm
