#include <baton/agent/api/cors.h>
#include <gtest/gtest.h>

namespace baton::agent::api {
namespace {

TEST(Cors, only_names_of_headers_get_into_ours) {
  const auto allowed = [](std::string_view asked) { return preflight_headers(asked, "GET")[1].second; };
  EXPECT_EQ(allowed("a b, x-good,\tX-Other\t, , c\r\nd, e:f"), "x-good, x-other");
  EXPECT_EQ(allowed(""), "authorization, content-type, idempotency-key");
}

}  // namespace
}  // namespace baton::agent::api
