#include <baton/agent/api/run_metrics.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace baton::agent::api {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(RunMetrics, have_a_series_for_each_status_and_code_of_the_protocol_and_no_other) {
  HubStats stats;
  stats.finished = {{"completed", 4}, {"failed", 3}};
  stats.failed = {{"server_error", 1}, {"something_new", 2}};
  const std::string text = run_metrics(stats);
  EXPECT_THAT(text, HasSubstr("\nbaton_runs_total{status=\"completed\"} 4\n"));
  EXPECT_THAT(text, HasSubstr("\nbaton_runs_total{status=\"cancelled\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("\nbaton_run_errors_total{code=\"server_error\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("\nbaton_run_errors_total{code=\"invalid_prompt\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("\nbaton_run_errors_total{code=\"other\"} 2\n"));
  EXPECT_THAT(text, Not(HasSubstr("something_new")));
}

TEST(RunMetrics, a_journal_that_cannot_be_written_is_told) {
  EXPECT_THAT(journal_metrics({}, {.writable = true}), HasSubstr("\nbaton_journal_writable 1\n"));
  EXPECT_THAT(journal_metrics({}, {.writable = false}), HasSubstr("\nbaton_journal_writable 0\n"));
}

}  // namespace
}  // namespace baton::agent::api
