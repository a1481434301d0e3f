#include <baton/agent/api/request_log.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace baton::agent::api {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(RefusalLog, says_how_many_it_left_out) {
  RefusalLog log(3);
  const auto now = std::chrono::steady_clock::now();
  std::int64_t left_out = 0;
  int written = 0;
  for (int i = 0; i < 100; ++i) written += log.allow(now, left_out) ? 1 : 0;
  EXPECT_EQ(written, 3);
  EXPECT_TRUE(log.allow(now + std::chrono::seconds(1), left_out));
  EXPECT_EQ(left_out, 97);
}

TEST(IgnoredLog, tells_each_field_of_a_client_once_and_forgets_rather_than_grow) {
  IgnoredLog log;
  EXPECT_THAT(log.untold("a", {"x", "y"}), ElementsAre("x", "y"));
  EXPECT_THAT(log.untold("a", {"x", "y"}), IsEmpty());
  EXPECT_THAT(log.untold("a", {"x", "z"}), ElementsAre("z"));
  EXPECT_THAT(log.untold("b", {"x"}), ElementsAre("x"));
  std::size_t told = 0;
  for (int i = 0; i < 10'000; ++i) told += log.untold("c", {std::to_string(i)}).size();
  EXPECT_EQ(told, 128u);
}

}  // namespace
}  // namespace baton::agent::api
