#include <baton/memory/response_end.h>
#include <gtest/gtest.h>

namespace baton::memory {
namespace {

TEST(ResponseEnd, an_event_ends_a_response_or_it_does_not) {
  for (const char* type : {"response.completed", "response.incomplete", "response.failed"}) EXPECT_TRUE(is_terminal_event(type)) << type;
  for (const char* type : {"response.created", "response.in_progress", "response.cancelled", "response.steer.pending", ""})
    EXPECT_FALSE(is_terminal_event(type)) << type;
}

TEST(ResponseEnd, a_status_is_open_until_the_end) {
  for (const char* status : {"queued", "in_progress"}) EXPECT_TRUE(is_open_status(status)) << status;
  for (const char* status : {"completed", "incomplete", "failed", "cancelled"}) EXPECT_FALSE(is_open_status(status)) << status;
}

TEST(ResponseEnd, made_events_are_terminal_and_say_why) {
  const Event failed = failed_event("resp_1", "the disk is gone");
  EXPECT_TRUE(is_terminal_event(failed.type));
  EXPECT_EQ(failed.response_id, "resp_1");
  EXPECT_EQ(failed.data, Json::parse(R"({"type": "response.failed", "response": {"id": "resp_1", "status": "failed",
    "error": {"code": "server_error", "message": "the disk is gone"}}})"));
  const Event interrupted = interrupted_event("resp_2");
  EXPECT_TRUE(is_terminal_event(interrupted.type));
  EXPECT_EQ(interrupted.data, Json::parse(R"({"type": "response.incomplete", "response": {"id": "resp_2", "status": "incomplete",
    "incomplete_details": {"reason": "interrupted"}}})"));
}

}  // namespace
}  // namespace baton::memory
