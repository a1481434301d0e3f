#include <baton/llm/json_schema/pattern_syntax.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace baton::llm {
namespace {

using testing::HasSubstr;

std::string translated(const std::string& source) { return pcre2_pattern(source, Repetitions::exact).value(); }

// PCRE2 reads {,3} as {0,3} and { 1,3 } as {1,3} from version 10.43 on.
TEST(PatternSyntax, a_brace_that_is_not_a_quantifier_is_escaped_whatever_version_of_pcre2_reads_it) {
  EXPECT_EQ(translated("a{,3}"), R"(a\{,3})");
  EXPECT_EQ(translated("a{ 1,3 }"), R"(a\{ 1,3 })");
  EXPECT_EQ(translated("{a}{1,x}"), R"(\{a}\{1,x})");
  EXPECT_EQ(translated("a{2}b{2,}c{2,3}"), "a{2}b{2,}c{2,3}");
  EXPECT_EQ(translated("[{]{2}"), "[{]{2}") << "in a class it is itself";
}

TEST(PatternSyntax, a_quantifier_with_nothing_before_it_is_refused_by_name) {
  for (const char* source : {"{2}", "^{2}", "a|{1,2}", "({3})", "${2,}"}) {
    const auto refused = pcre2_pattern(source, Repetitions::exact);
    ASSERT_FALSE(refused) << source;
    EXPECT_THAT(refused.error().message, HasSubstr("a quantifier with nothing before it")) << source;
  }
}

}  // namespace
}  // namespace baton::llm
