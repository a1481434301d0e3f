#pragma once
// Tracks the owners of the KV cache's pages. Only bookkeeping: the keys and values are in the backend, under the page's number.
//
// A page holds the keys and values of page_tokens() consecutive tokens, for all layers. Pages are reference-counted, so that sequences with
// the same beginning share its pages (PagedAttention, Kwon et al. 2023).
#include <cstdint>
#include <vector>

namespace baton::llm {

using PageId = std::int32_t;

// Single-threaded: used by the engine's thread.
class PagePool {
 public:
  PagePool(int n_pages, int page_tokens);

  int n_pages() const { return static_cast<int>(references_.size()); }
  int n_free() const { return static_cast<int>(free_.size()); }
  int page_tokens() const { return page_tokens_; }
  int pages_for(std::int64_t n_tokens) const { return static_cast<int>((n_tokens + page_tokens_ - 1) / page_tokens_); }

  PageId allocate();  // with one reference; requires n_free() > 0
  void retain(PageId page);
  void release(PageId page);  // freed with the last reference
  int references(PageId page) const { return references_[page]; }

 private:
  int page_tokens_;
  std::vector<int> references_;
  std::vector<PageId> free_;  // the one released last comes first, while it is in the cache
};

}  // namespace baton::llm
