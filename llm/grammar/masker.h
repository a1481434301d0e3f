#pragma once
// Computes the tokens that may follow in a state of an automaton. Results for a place in the grammar are kept.
#include <baton/llm/sampler/sampler.h>

#include <memory>
#include <string_view>
#include <vector>

#include "machine.h"
#include "token_trie.h"

namespace baton::llm {

// Not thread-safe. The trie and the automaton must outlive it.
class Masker {
 public:
  Masker(Machine& machine, const TokenTrie& trie) : machine_(machine), trie_(trie) {}

  // Valid until the next call. Contains only tokens that write bytes: the caller decides about the end.
  const TokenMask& mask(StateId state);
  // The longest prefix of the text that may be written.
  std::string_view writable(StateId state, std::string_view text);
  // The tokens of the mask that begin with this text, which may be written; if there are none, the longest token that is a prefix of it.
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
