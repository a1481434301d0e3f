#include "masker.h"

#include <algorithm>

namespace baton::llm {
namespace {

constexpr std::size_t kMaxKept = 4096;  // masks: 19 kB each for 150,000 tokens

void add(TokenMask& to, const TokenMask& from) {
  for (std::size_t i = 0; i < to.size(); ++i) to[i] |= from[i];
}

}  // namespace

const TokenMask& Masker::mask(StateId state) {
  const std::vector<ThreadId> threads = machine_.threads_of(state);
  if (threads.size() == 1) return mask_of(threads.front());
  united_.assign(trie_.n_words(), 0);
  for (const ThreadId thread : threads) add(united_, mask_of(thread));
  return united_;
}

std::string_view Masker::writable(StateId state, std::string_view text) {
  std::size_t n = 0;
  for (; n < text.size(); ++n) {
    state = machine_.step(state, static_cast<std::uint8_t>(text[n]));
    if (state == kDeadState) break;
  }
  return text.substr(0, n);
}

const TokenMask& Masker::along(StateId state, std::string_view text) {
  const TokenMask allowed = mask(state);
  part_.assign(trie_.n_words(), 0);
  const auto take = [&](std::span<const std::int32_t> tokens) {
    bool any = false;
    for (const std::int32_t token : tokens) {
      const std::uint32_t bit = allowed[static_cast<std::size_t>(token) >> 5] & 1u << (token & 31);
      part_[static_cast<std::size_t>(token) >> 5] |= bit;
      any = any || bit != 0;
    }
    return any;
  };
  if (take(trie_.beginning_with(text))) return part_;
  while (!text.empty() && !take(trie_.exactly(text))) text.remove_suffix(1);
  return part_;
}

const TokenMask& Masker::mask_of(ThreadId id) {
  const auto index = static_cast<std::size_t>(id);
  if (index >= masks_.size()) masks_.resize(machine_.n_threads());
  if (masks_[index]) return *masks_[index];
  if (n_kept_ >= kMaxKept) {
    for (auto& mask : masks_) mask.reset();
    n_kept_ = 0;
  }
  ++n_kept_;
  masks_[index] = std::make_unique<TokenMask>(trie_.n_words(), 0);
  TokenMask& out = *masks_[index];
  const Thread thread = machine_.thread(id);
  const auto& edges = machine_.node(id).edges;
  if (machine_.node(id).string_body) {
    walk_string(thread, edges.front(), out);
  } else {
    walk(trie_.tree(), machine_.state_of(thread), out);
  }
  return out;
}

// `character`: the first edge of a string's body, which determines how characters are counted.
void Masker::walk_string(const Thread& thread, const Edge& character, TokenMask& out) {
  const bool limited = character.below >= 0;
  const auto left = static_cast<std::size_t>(limited ? std::max(character.below - thread.count, 0) : 0);
  add(out, limited ? trie_.plain(left) : trie_.plain());
  if (!character.adds || (!limited && thread.count >= character.saturate)) {
    walk(trie_.all_leaving(), machine_.state_of(thread), out);
    return;
  }
  for (const auto& [characters, tree] : trie_.leaving()) {
    if (limited && characters > left) break;
    const auto count = std::min<std::int64_t>(thread.count + static_cast<std::int64_t>(characters), character.saturate);
    walk(tree, machine_.state_of({thread.node, static_cast<std::int32_t>(count), thread.frame}), out);
  }
}

void Masker::walk(const TokenTrie::Tree& tree, StateId from, TokenMask& out) {
  if (from == kDeadState) return;
  way_.assign(1, from);
  way_.resize(TokenTrie::kMaxTokenBytes + 1);
  const auto end = static_cast<std::int32_t>(tree.size());
  for (std::int32_t i = 0; i < end;) {
    const TokenTrie::Node& node = tree[static_cast<std::size_t>(i)];
    const StateId to = machine_.step(way_[node.depth - 1u], node.byte);
    if (to == kDeadState) {
      i = node.next;
      continue;
    }
    way_[node.depth] = to;
    if (node.tokens >= 0) {
      for (const std::int32_t token : trie_.tokens(node)) out[static_cast<std::size_t>(token) >> 5] |= 1u << (token & 31);
    }
    ++i;
  }
}

}  // namespace baton::llm
