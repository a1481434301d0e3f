#pragma once
// Which tokens may follow in a state of an automaton. What was computed once for a place in the grammar is kept.
#include <baton/llm/sampler/sampler.h>

#include <memory>
#include <string_view>
#include <vector>

#include "machine.h"
#include "token_trie.h"

namespace baton::llm {

// Not thread-safe. The trie and the automaton outlive it.
class Masker {
 public:
  Masker(Machine& machine, const TokenTrie& trie) : machine_(machine), trie_(trie) {}

  // Valid until the next call. Only tokens that write bytes: ending is the caller's to allow.
  const TokenMask& mask(StateId state);
  // As much of the text as may be written.
  std::string_view writable(StateId state, std::string_view text);
  // Of the mask, the tokens that begin with this text, which may be written; where there are none, the longest that it begins with.
  const TokenMask& along(StateId state, std::string_view text);

 private:
  const TokenMask& mask_of(ThreadId thread);
  void walk(const TokenTrie::Tree& tree, StateId from, TokenMask& out);
  void walk_string(const Thread& thread, const Edge& character, TokenMask& out);

  Machine& machine_;
  const TokenTrie& trie_;
  std::vector<std::unique_ptr<TokenMask>> masks_;  // by thread
  std::size_t n_kept_ = 0;
  TokenMask united_, part_;
  std::vector<StateId> way_;  // scratch: the state at each depth
};

}  // namespace baton::llm
