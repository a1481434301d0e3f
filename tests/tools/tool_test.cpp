#include <baton/tools/tool.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace baton::tools {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct Log {
  std::vector<std::string> results;
  Invocation::Done done() {
    return [this](ToolResult r) { results.push_back(r.content); };
  }
};

TEST(Invocation, finishes_once) {
  Log log;
  {
    Invocation invocation(Json{{"a", 1}}, {}, log.done());
    EXPECT_EQ(invocation.arguments()["a"], 1);
    invocation.context().progress(0.5, "never null");
    invocation.finish(ToolResult::text("first"));
    invocation.finish(ToolResult::text("second"));
  }
  EXPECT_THAT(log.results, ElementsAre("first"));
}

TEST(Invocation, ends_with_an_error_when_it_is_dropped) {
  Log log;
  { Invocation invocation(Json::object(), {}, log.done()); }
  EXPECT_THAT(log.results, ElementsAre(HasSubstr("dropped this call")));
}

TEST(Invocation, moves_the_duty_to_finish) {
  Log log, other;
  {
    Invocation a(Json::object(), {}, log.done());
    Invocation b(std::move(a));
    Invocation c(Json::object(), {}, other.done());
    c = std::move(b);  // c's own call is lost, and reports that
    EXPECT_THAT(other.results, ElementsAre(HasSubstr("dropped this call")));
    a.finish(ToolResult::text("not mine any more"));  // NOLINT(bugprone-use-after-move): this is what the test is about
    EXPECT_TRUE(log.results.empty());
    c.finish(ToolResult::text("moved"));
  }
  EXPECT_THAT(log.results, ElementsAre("moved"));
}

}  // namespace
}  // namespace baton::tools
