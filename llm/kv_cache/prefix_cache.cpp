#include "prefix_cache.h"

#include <algorithm>
#include <iterator>
#include <unordered_map>

namespace baton::llm {

int common_prefix(std::span<const std::int32_t> a, std::span<const std::int32_t> b) {
  const auto [x, y] = std::mismatch(a.begin(), a.begin() + std::min(a.size(), b.size()), b.begin());
  return static_cast<int>(x - a.begin());
}

PrefixMatch PrefixCache::match(const std::string& key, std::span<const std::int32_t> tokens, int limit) {
  auto best = sequences_.end();
  PrefixMatch match;
  for (auto it = sequences_.begin(); it != sequences_.end(); ++it) {
    if (it->key != key) continue;
    const int n = std::min(common_prefix(it->tokens, tokens), limit);
    if (n > match.n_tokens) {
      match.n_tokens = n;
      best = it;
    }
  }
  if (best == sequences_.end()) return match;
  match.pages.assign(best->pages.begin(), best->pages.begin() + pool_.pages_for(match.n_tokens));
  for (PageId page : match.pages) pool_.retain(page);
  sequences_.splice(sequences_.begin(), sequences_, best);
  return match;
}

void PrefixCache::insert(CachedSequence sequence) {
  for (auto it = sequences_.begin(); it != sequences_.end();) {
    const auto next = std::next(it);
    if (it->key == sequence.key && common_prefix(it->tokens, sequence.tokens) == static_cast<int>(it->tokens.size())) drop(it);
    it = next;
  }
  sequences_.push_front(std::move(sequence));
}

bool PrefixCache::make_room(int n_pages) {
  if (pool_.n_free() >= n_pages) return true;
  if (pool_.n_free() + reclaimable() < n_pages) return false;
  while (pool_.n_free() < n_pages) drop(std::prev(sequences_.end()));
  return true;
}

int PrefixCache::reclaimable() const {
  std::unordered_map<PageId, int> held;
  for (const auto& sequence : sequences_) {
    for (PageId page : sequence.pages) ++held[page];
  }
  return static_cast<int>(std::count_if(held.begin(), held.end(), [&](const auto& h) { return pool_.references(h.first) == h.second; }));
}

void PrefixCache::clear() {
  while (!sequences_.empty()) drop(sequences_.begin());
}

void PrefixCache::drop(std::list<CachedSequence>::iterator it) {
  for (PageId page : it->pages) pool_.release(page);
  sequences_.erase(it);
}

}  // namespace baton::llm
