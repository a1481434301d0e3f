#pragma once
// Caches the grammars of the output formats in use.
#include <baton/llm/grammar/grammar.h>

#include <list>
#include <memory>
#include <string>
#include <utility>

#include "compiled_format.h"
#include "vocabulary_trie.h"

namespace baton::llm {

// Used by one thread, except for the grammars, which belong to the engine once they were returned.
class FormatGrammarCache {
 public:
  explicit FormatGrammarCache(VocabularyTrie& trie) : trie_(trie) {}  // which must outlive this object

  // errc::unsupported: the vocabulary has no token that can begin such an answer.
  Result<std::shared_ptr<Grammar>> find(const CompiledFormat& compiled);

 private:
  static constexpr std::size_t kMaxGrammars = 4;  // a malicious grammar takes some 300 MB before it is full
  VocabularyTrie& trie_;
  std::list<std::pair<std::string, std::shared_ptr<Grammar>>> known_;  // most recently used first
};

}  // namespace baton::llm
