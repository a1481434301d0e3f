#include <baton/llm/kv_cache/prefix_cache.h>
#include <gtest/gtest.h>

#include <numeric>
#include <vector>

namespace baton::llm {
namespace {

std::vector<PageId> take(PagePool& pool, int n) {
  std::vector<PageId> pages;
  for (int i = 0; i < n; ++i) pages.push_back(pool.allocate());
  return pages;
}

std::vector<std::int32_t> numbers(int n) {
  std::vector<std::int32_t> tokens(n);
  std::iota(tokens.begin(), tokens.end(), 100);
  return tokens;
}

TEST(PagePool, a_page_is_free_again_with_its_last_reference) {
  PagePool pool(2, 4);
  const PageId page = pool.allocate();
  pool.retain(page);
  pool.release(page);
  EXPECT_EQ(pool.n_free(), 1);
  pool.release(page);
  EXPECT_EQ(pool.n_free(), 2);
  EXPECT_EQ(pool.pages_for(0), 0);
  EXPECT_EQ(pool.pages_for(4), 1);
  EXPECT_EQ(pool.pages_for(5), 2);
}

TEST(PrefixCache, finds_the_longest_common_beginning_and_hands_out_references) {
  PagePool pool(8, 4);
  PrefixCache cache(pool);
  const auto pages = take(pool, 3);
  cache.insert({"k", numbers(10), pages});

  auto tokens = numbers(7);
  tokens.push_back(1);
  const PrefixMatch match = cache.match("k", tokens, 7);
  EXPECT_EQ(match.n_tokens, 7);
  EXPECT_EQ(match.pages, (std::vector<PageId>{pages[0], pages[1]}));
  EXPECT_EQ(pool.references(pages[0]), 2);
  EXPECT_EQ(pool.references(pages[2]), 1);

  EXPECT_EQ(cache.match("k", numbers(10), 3).n_tokens, 3) << "never more than the limit";
  EXPECT_EQ(cache.match("another model", numbers(10), 10).n_tokens, 0);
  EXPECT_EQ(cache.match("k", std::vector<std::int32_t>{5}, 1).n_tokens, 0);
}

TEST(PrefixCache, a_continued_sequence_replaces_its_own_beginning) {
  PagePool pool(8, 4);
  PrefixCache cache(pool);
  cache.insert({"k", numbers(4), take(pool, 1)});
  cache.insert({"k", numbers(8), take(pool, 2)});
  EXPECT_EQ(pool.n_free(), 6);
}

TEST(PrefixCache, makes_room_from_the_least_recently_used) {
  PagePool pool(4, 4);
  PrefixCache cache(pool);
  cache.insert({"k", {1, 2, 3, 4}, take(pool, 1)});
  cache.insert({"k", {5, 6, 7, 8, 9}, take(pool, 2)});
  for (PageId page : cache.match("k", std::vector<std::int32_t>{1, 2, 3, 4}, 4).pages) pool.release(page);  // used just now
  EXPECT_EQ(cache.reclaimable(), 3);
  EXPECT_TRUE(cache.make_room(2));
  EXPECT_EQ(cache.match("k", std::vector<std::int32_t>{5, 6}, 2).n_tokens, 0);
  EXPECT_EQ(cache.match("k", std::vector<std::int32_t>{1, 2}, 2).n_tokens, 2) << "(its reference is kept: the page is in use from here)";
  EXPECT_EQ(cache.reclaimable(), 0);
  EXPECT_FALSE(cache.make_room(4)) << "a page in use is never taken away";
  EXPECT_EQ(pool.n_free(), 3);
}

TEST(PrefixCache, gives_everything_back_at_its_end) {
  PagePool pool(4, 4);
  {
    PrefixCache cache(pool);
    cache.insert({"k", numbers(9), take(pool, 3)});
  }
  EXPECT_EQ(pool.n_free(), 4);
}

}  // namespace
}  // namespace baton::llm
