#include "page_pool.h"

#include <cassert>

namespace baton::llm {

PagePool::PagePool(int n_pages, int page_tokens) : page_tokens_(page_tokens), references_(n_pages, 0) {
  free_.reserve(n_pages);
  for (PageId page = n_pages - 1; page >= 0; --page) free_.push_back(page);
}

PageId PagePool::allocate() {
  assert(!free_.empty());
  const PageId page = free_.back();
  free_.pop_back();
  references_[page] = 1;
  return page;
}

void PagePool::retain(PageId page) {
  assert(references_[page] > 0);
  ++references_[page];
}

void PagePool::release(PageId page) {
  assert(references_[page] > 0);
  if (--references_[page] == 0) free_.push_back(page);
}

}  // namespace baton::llm
