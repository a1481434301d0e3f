#include <baton/llm/chat/turns.h>
#include <gtest/gtest.h>

namespace baton::llm {
namespace {

TEST(Turns, a_client_never_has_all_and_the_one_with_the_fewest_comes_first) {
  Turns<int> turns(2);
  for (int i = 0; i < 5; ++i) turns.push("a", i);
  EXPECT_EQ(turns.take()->second, 0);
  EXPECT_EQ(turns.take()->second, 1);
  EXPECT_FALSE(turns.take()) << "two of three threads, and no third";
  turns.push("b", 10);
  turns.push("b", 11);
  EXPECT_EQ(turns.take()->second, 10);
  turns.done("a");
  EXPECT_EQ(turns.take()->second, 2) << "one of each is at work: the first to come";
  turns.done("a");
  turns.done("a");
  EXPECT_EQ(turns.take()->second, 3);
  turns.done("b");
  EXPECT_EQ(turns.take()->second, 11);
  EXPECT_EQ(turns.take()->second, 4);
  EXPECT_TRUE(turns.empty());
  EXPECT_FALSE(turns.take());
}

}  // namespace
}  // namespace baton::llm
