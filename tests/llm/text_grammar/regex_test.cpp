// Patterns with assertions at every place, against PCRE2's matches in the same texts.
#include "grammar_fixture.h"

namespace baton::llm {
namespace {

// All texts of the letters a and b with at most `longest` of them.
std::vector<std::string> texts_up_to(std::size_t longest) {
  std::vector<std::string> texts{""};
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (texts[i].size() == longest) break;
    for (const char c : {'a', 'b'}) texts.push_back(texts[i] + c);
  }
  return texts;
}

TEST(Regex, assertions_hold_in_every_repetition_as_the_validator_reads_them) {
  const std::vector<std::string> texts = texts_up_to(5);
  for (const char* pattern :
       {"(a$)+",       "^(a$)+",      "^(a$){2}",     "^(a|$){2}$",   "^(a|$){2}",    "^($|a){3}",    "^(a$|b)*$", "^a$b*",
        "a$b?$",       "a$^",         "^(a?$^)$",     "a*^b",         "^a?^b",        "(^a)*b",       "(^a|b)*$",  "^(^a)+b$",
        "(^|a)b",      "(a|^)(b|$)",  "^(a*$)*$",     "((a|b)$)+",    "(^$)*a",       "^$",           "$^",        "^(b$|a){1,3}$",
        "(a$){0,2}b$", "^(^|a){3}b$", "(a(b$|$)){2}", "^(a|^b$|$)+$", "(ab|^b|a$)+$", "(^a$)|(^b)|ab"}) {
    Written written(Json{{"type", "string"}, {"pattern", pattern}});
    EXPECT_TRUE(written.unmasked().empty()) << pattern;
    for (const std::string& text : texts)
      EXPECT_EQ(written.takes_value(text), written.schema().validate(text).empty()) << pattern << " \"" << text << '"';
  }
}

// Newer versions of PCRE2 count with {,m}; ECMAScript has no such quantifier.
TEST(Regex, braces_that_are_not_a_quantifier_are_themselves) {
  for (const auto& [pattern, text] : {std::pair{"^a{,2}$", "a{,2}"}, {"^a{ 1,2}$", "a{ 1,2}"}, {"^{a}$", "{a}"}, {"^a{1,2$", "a{1,2"}}) {
    Written written(Json{{"type", "string"}, {"pattern", pattern}});
    EXPECT_TRUE(written.takes_value(text)) << pattern;
    EXPECT_FALSE(written.takes_value("a")) << pattern;
    EXPECT_TRUE(written.schema().validate(text).empty()) << pattern;
    EXPECT_FALSE(written.schema().validate("a").empty()) << pattern;
  }
}

}  // namespace
}  // namespace baton::llm
