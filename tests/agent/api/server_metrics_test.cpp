#include <baton/agent/api/server_metrics.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

namespace baton::agent::api {
namespace {

using testing::HasSubstr;

// The series alone, without their values.
std::string series(const std::string& text) {
  std::string names, line;
  for (std::istringstream lines(text); std::getline(lines, line);)
    if (!line.empty() && line.front() != '#') names += line.substr(0, line.rfind(' ')) + "\n";
  return names;
}

TEST(ServerMetrics, have_the_same_series_whatever_was_asked) {
  ServerMetrics metrics;
  const std::string before = series(metrics.text({}));
  for (const RouteClass what : {RouteClass::responses, RouteClass::chat, RouteClass::conversations, RouteClass::other})
    for (const int status : {200, 404, 499, 503, 999}) metrics.count(what, status, std::chrono::seconds(100));
  metrics.count(Refusal::saturated);
  EXPECT_EQ(series(metrics.text({7, 8, 9})), before);
}

TEST(ServerMetrics, count_answers_by_route_and_class_of_status) {
  ServerMetrics metrics;
  metrics.count(RouteClass::chat, 200, std::chrono::milliseconds(3));
  metrics.count(RouteClass::chat, 201, std::chrono::milliseconds(30));
  metrics.count(RouteClass::chat, 499, std::chrono::minutes(2));
  const std::string text = metrics.text({.connections = 5});
  EXPECT_THAT(text, HasSubstr("\nbaton_connections 5\n"));
  EXPECT_THAT(text, HasSubstr("\nbaton_http_responses_total{route=\"chat\",status=\"2xx\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("\nbaton_http_responses_total{route=\"chat\",status=\"4xx\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("\nbaton_http_responses_total{route=\"other\",status=\"2xx\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("\nbaton_http_request_seconds_bucket{route=\"chat\",le=\"0.001\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("\nbaton_http_request_seconds_bucket{route=\"chat\",le=\"0.005\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("\nbaton_http_request_seconds_bucket{route=\"chat\",le=\"60\"} 2\n")) << "the buckets are cumulative";
  EXPECT_THAT(text, HasSubstr("\nbaton_http_request_seconds_bucket{route=\"chat\",le=\"+Inf\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("\nbaton_http_request_seconds_count{route=\"chat\"} 3\n"));
}

}  // namespace
}  // namespace baton::agent::api
