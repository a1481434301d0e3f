#pragma once
// Caches computed prefixes. A finished sequence leaves its tokens and pages here; the next request takes over the longest prefix that it
// shares with one of them. The least recently used sequences give their pages back when room is needed.
#include "page_pool.h"

#include <cstdint>
#include <list>
#include <span>
#include <string>
#include <vector>

namespace baton::llm {

// Keys and values can only be reused by a request with the same key: model, adapter, RoPE configuration, KV type and tenant, as one string
// that the engine composes.
struct CachedSequence {
  std::string key;
  std::vector<std::int32_t> tokens;
  std::vector<PageId> pages;  // pages_for(tokens.size()), one reference each held by the cache
};

int common_prefix(std::span<const std::int32_t> a, std::span<const std::int32_t> b);

struct PrefixMatch {
  int n_tokens = 0;           // length of the common prefix
  std::vector<PageId> pages;  // its pages, each with a reference now held by the caller; the last may be partly filled
};

// Single-threaded. Linear in the number of cached sequences, which is the number of conversations that fit in the cache.
class PrefixCache {
 public:
  explicit PrefixCache(PagePool& pool) : pool_(pool) {}
  ~PrefixCache() { clear(); }
  PrefixCache(const PrefixCache&) = delete;
  PrefixCache& operator=(const PrefixCache&) = delete;

  // The longest common prefix with any cached sequence, but at most `limit` tokens.
  PrefixMatch match(const std::string& key, std::span<const std::int32_t> tokens, int limit);
  // Takes over the references of sequence.pages. Sequences that are a prefix of it are dropped.
  void insert(CachedSequence sequence);
  // Gives back the pages of the least recently used sequences until n pages are free in the pool. False, without giving any back, if that
  // cannot be reached.
  bool make_room(int n_pages);
  // Pages that make_room() could free in addition to those that are free already.
  int reclaimable() const;
  void clear();

 private:
  void drop(std::list<CachedSequence>::iterator it);
  PagePool& pool_;
  std::list<CachedSequence> sequences_;  // most recently used first
};

}  // namespace baton::llm
