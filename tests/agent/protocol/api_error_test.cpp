#include <baton/agent/protocol/api_error.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace baton::agent::protocol {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(ApiError, what_names_a_file_is_for_the_log) {
  const std::string message = "journal /home/me/baton.db: no space left on its disk";
  for (const errc code : {errc::not_found, errc::invalid_argument, errc::busy, errc::conflict, errc::saturated, errc::io,
                          errc::journal_unwritable, errc::elsewhere}) {
    const ApiError error = ApiError::from(Error{code, message});
    EXPECT_THAT(error.json().dump(), Not(HasSubstr("/home/me")));
    EXPECT_EQ(error.log, error.status >= 500 && error.status != 503 ? message : "");
  }
  EXPECT_THAT(ApiError::internal("vector::reserve at /usr/x").json().dump(), Not(HasSubstr("vector")));
}

}  // namespace
}  // namespace baton::agent::protocol
