#pragma once
// A compiled grammar over one vocabulary: its states, and the tokens that may follow in each.
#include <baton/llm/sampler/sampler.h>

#include <atomic>
#include <memory>
#include <string_view>

#include "automaton.h"
#include "machine.h"
#include "masker.h"
#include "token_trie.h"

namespace baton::llm {

// Used by one thread at a time, except for is_full(). Computed results are kept, so one grammar serves all answers that it constrains.
class Grammar {
 public:
  // The automaton is pruned; something can be written.
  Grammar(Automaton automaton, NodeId start, std::shared_ptr<const TokenTrie> trie)
      : automaton_(std::move(automaton)), trie_(std::move(trie)), machine_(automaton_, start), masker_(machine_, *trie_) {}
  Grammar(const Grammar&) = delete;
  Grammar& operator=(const Grammar&) = delete;

  StateId start() const { return machine_.start(); }
  StateId step(StateId from, std::string_view bytes) {
    for (const char c : bytes) {
      if (from == kDeadState) return kDeadState;
      from = machine_.step(from, static_cast<std::uint8_t>(c));
    }
    return from;
  }
  // Valid until the next call. The caller decides about the end, which is possible if accepts() returns true.
  const TokenMask& mask(StateId state) {
    if (machine_.exhausted() || machine_.n_states() > Machine::kMaxStates / 2) full_ = true;
    return masker_.mask(state);
  }
  std::string_view writable(StateId state, std::string_view text) { return masker_.writable(state, text); }
  const TokenMask& along(StateId state, std::string_view text) { return masker_.along(state, text); }
  std::string next_bytes(StateId state, std::size_t limit) { return machine_.next_bytes(state, limit); }
  const TokenTrie& trie() const { return *trie_; }
  bool accepts(StateId state) const { return machine_.accepts(state); }
  // Any thread: the cached results are near their limit, or beyond. A new object for the same grammar has room again.
  bool is_full() const { return full_; }

 private:
  Automaton automaton_;
  std::shared_ptr<const TokenTrie> trie_;
  Machine machine_;
  Masker masker_;
  std::atomic<bool> full_ = false;
};

}  // namespace baton::llm
