#pragma once
// The grammars of the tools that are in use: the turns of a conversation, and its clients, have the same ones.
#include <baton/llm/chat/types.h>
#include <baton/llm/tokenizer/tokenizer.h>

#include <list>
#include <memory>
#include <string>

#include "call_grammar.h"

namespace baton::llm {

// One thread, but for the grammars, which are the engine's once they were given out.
class CallGrammarCache {
 public:
  // n_vocab: of the model's logits, at least the tokenizer's. The tokenizer outlives us.
  CallGrammarCache(const Tokenizer& tokenizer, std::size_t n_vocab) : tokenizer_(tokenizer), n_vocab_(n_vocab) {}

  // Of the request's tools, or of the one that it names. Null where a schema cannot be read.
  std::shared_ptr<CallGrammar> find(const ChatRequest& request);

 private:
  static constexpr std::size_t kMaxGrammars = 16;
  const Tokenizer& tokenizer_;
  const std::size_t n_vocab_;
  std::shared_ptr<const TokenTrie> trie_;                                  // made when it is first wanted
  std::list<std::pair<std::string, std::shared_ptr<CallGrammar>>> known_;  // the most recently used first
};

}  // namespace baton::llm
