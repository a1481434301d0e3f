#pragma once
// Caches the grammars of the tools in use: the turns of a conversation, and different clients, often have the same tools.
#include <baton/llm/chat/types.h>
#include <baton/llm/tokenizer/tokenizer.h>

#include <list>
#include <memory>
#include <string>

#include "call_grammar.h"
#include "vocabulary_trie.h"

namespace baton::llm {

// Used by one thread, except for the grammars, which belong to the engine once they were returned.
class CallGrammarCache {
 public:
  CallGrammarCache(VocabularyTrie& trie, const ToolSyntax& syntax) : trie_(trie), syntax_(syntax) {}  // both must outlive this object

  // The grammar of the request's tools, or of the tool that it names. Null if a schema cannot be read.
  std::shared_ptr<CallGrammar> find(const ChatRequest& request);

 private:
  static constexpr std::size_t kMaxGrammars = 16;
  VocabularyTrie& trie_;
  const ToolSyntax& syntax_;
  std::list<std::pair<std::string, std::shared_ptr<CallGrammar>>> known_;  // most recently used first
};

}  // namespace baton::llm
