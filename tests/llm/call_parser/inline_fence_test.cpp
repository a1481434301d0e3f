// Calls in a fence after text on the same line: an announced call ends its line, an example in a sentence does not.
#include "read_answer.h"

namespace baton::llm {
namespace {

TEST(InlineFence, a_call_that_ends_its_line_is_one) {
  for (const std::string& fenced : {"```" + kWeather + "```", "```json " + kWeather + " ```", "```[" + kWeather + "]```"}) {
    for (const std::string after : {"", ".", " :)", "\n", "\n\nThe weather is fine.", ".\nIt is fine."}) {
      const Parsed p = parse("Sure, I will look. " + fenced + after);
      EXPECT_EQ(p.calls, kOne) << fenced << after;
      EXPECT_EQ(p.text, "Sure, I will look.") << fenced << after;
    }
  }
  EXPECT_EQ(parse("Two calls: ```" + kWeather + "``` ```json " + kTime + "```").calls, kTwo);
  EXPECT_EQ(parse("Two calls: ```" + kWeather + ", " + kTime + "```").calls, kTwo);
  EXPECT_EQ(parse("Missing: ```" + kWeather).calls, kOne);
}

TEST(InlineFence, an_example_in_a_sentence_is_text) {
  for (const std::string& sentence : std::vector<std::string>{
           "Write ```" + kWeather + "``` to ask for the weather.", "With ```json " + kWeather + "```, which asks, you see it.",
           "A list (```[" + kWeather + "]```) does it, too.", "See ```" + kWeather + "``` \u00fcberall.",
           "It is ```" + kWeather + " or so```.", "Over lines: ```{\n\"name\": \"get_weather\", \"arguments\": {}}``` is one."}) {
    EXPECT_EQ(parse(sentence).text, sentence);
    EXPECT_EQ(parse(sentence).calls, Calls{}) << sentence;
    const Parsed p = parse(sentence + "\n\n" + kTime);
    EXPECT_EQ(p.text, sentence);
    EXPECT_EQ(p.calls, Calls{kTwo.back()}) << sentence;
  }
}

TEST(InlineFence, a_fence_of_its_own_lines_is_a_call_whatever_follows_it) {
  for (const std::string& fence : {"```json\n" + kWeather + "\n```", "```\n" + kWeather + "\n```"}) {
    const Parsed p = parse("Sure: " + fence + " asks for it.");
    EXPECT_EQ(p.calls, kOne) << fence;
    EXPECT_EQ(p.text, "Sure:");
  }
}

}  // namespace
}  // namespace baton::llm
