#pragma once
// A model's vocabulary for grammars, built on first use.
#include <baton/llm/tokenizer/tokenizer.h>

#include <cstddef>
#include <memory>

#include "grammar_vocabulary.h"

namespace baton::llm {

// Used by one thread, except for the returned objects, which do not change. Takes some 100 ms and 30 MB for 150,000 tokens.
class VocabularyTrie {
 public:
  // n_vocab: of the model's logits, at least the tokenizer's. The tokenizer and the syntax must outlive this object.
  VocabularyTrie(const Tokenizer& tokenizer, std::size_t n_vocab, const ToolSyntax& syntax)
      : tokenizer_(tokenizer), n_vocab_(n_vocab), syntax_(syntax) {}

  const std::shared_ptr<const GrammarVocabulary>& vocabulary() {
    if (!vocabulary_) vocabulary_ = std::make_shared<const GrammarVocabulary>(tokenizer_, n_vocab_, syntax_);
    return vocabulary_;
  }
  std::shared_ptr<const TokenTrie> get() { return vocabulary()->trie(); }

 private:
  const Tokenizer& tokenizer_;
  const std::size_t n_vocab_;
  const ToolSyntax& syntax_;
  std::shared_ptr<const GrammarVocabulary> vocabulary_;
};

}  // namespace baton::llm
