#include <baton/agent/api/waiting.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace baton::agent::api {
namespace {

using testing::HasSubstr;
using testing::Not;

HubEvent event(const std::string& type, const Json& data) { return {1, type, data}; }

TEST(NotAnsweredNow, a_client_keeps_waiting_while_the_run_is_under_way) {
  EXPECT_FALSE(not_answered_now(event("response.output_text.delta", {{"delta", "x"}}), true));
  EXPECT_FALSE(not_answered_now(event("response.completed", Json::object()), true));
  EXPECT_FALSE(not_answered_now(event(kJournalEvent, {{"writable", true}}), true));
}

TEST(NotAnsweredNow, a_run_that_outlives_the_daemon_is_503_and_names_what_was_stored) {
  const HubEvent parked = event(kParkedEvent, {{"response_id", "resp_1"}, {"message", "later"}});
  const auto stored = not_answered_now(parked, true);
  ASSERT_TRUE(stored);
  EXPECT_EQ(stored->status, 503);
  EXPECT_EQ(stored->code, "server_shutting_down");
  EXPECT_THAT(stored->message, HasSubstr("resp_1"));
  EXPECT_THAT(not_answered_now(parked, false)->message, Not(HasSubstr("resp_1")));
}

TEST(NotAnsweredNow, a_run_that_waits_for_the_disk_is_507) {
  const auto waits =
      not_answered_now(event(kJournalEvent, {{"response_id", "resp_1"}, {"writable", false}, {"message", "disk full"}}), true);
  ASSERT_TRUE(waits);
  EXPECT_EQ(waits->status, 507);
}

}  // namespace
}  // namespace baton::agent::api
