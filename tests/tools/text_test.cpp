#include <baton/tools/near_names.h>
#include <baton/tools/text.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace baton::tools {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const std::string kBad = "\xEF\xBF\xBD";

TEST(ValidUtf8, leaves_valid_text_alone) {
  const std::string text = "aä€😀\n" + std::string(1, '\0') + "\xED\x9F\xBF\xEE\x80\x80\xF4\x8F\xBF\xBF";
  EXPECT_EQ(valid_utf8(text), text);
  EXPECT_TRUE(is_valid_utf8(text));
}

// The cases of table 3-8 in the Unicode standard, section 3.9.
TEST(ValidUtf8, replaces_each_maximal_part_of_a_broken_sequence) {
  EXPECT_EQ(valid_utf8("\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41"), kBad + kBad + kBad + kBad + kBad + kBad + kBad + kBad + "A");
  EXPECT_EQ(valid_utf8("\xED\xA0\x80\xED\xBF\xBF\xED\xAF\x41"), kBad + kBad + kBad + kBad + kBad + kBad + kBad + kBad + "A");
  EXPECT_EQ(valid_utf8("\xF4\x91\x92\x93\xFF\x41\x80\xBF\x42"), kBad + kBad + kBad + kBad + kBad + "A" + kBad + kBad + "B");
  EXPECT_EQ(valid_utf8("\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41"), kBad + kBad + kBad + kBad + "A");
}

TEST(Utf8Prefix, never_splits_a_code_point) {
  EXPECT_EQ(utf8_prefix("aä€", 6), 6u);
  EXPECT_EQ(utf8_prefix("aä€", 5), 3u);
  EXPECT_EQ(utf8_prefix("aä€", 2), 1u);
  EXPECT_EQ(utf8_prefix("€", 2), 0u);
}

TEST(FitOutput, keeps_the_limit_and_says_what_was_cut) {
  EXPECT_EQ(fit_output(std::string(300, 'a'), 300), std::string(300, 'a'));
  const std::string cut = fit_output(std::string(1000, 'a'), 300);
  EXPECT_LE(cut.size(), 300u);
  EXPECT_NE(cut.find("a\n[output cut: the first 2"), std::string::npos);
  EXPECT_NE(cut.find(" of 1000 bytes are shown]"), std::string::npos);
  // Bytes that grow to U+FFFD count with their new length.
  EXPECT_LE(fit_output(std::string(300, '\xFF'), 300).size(), 300u);
  EXPECT_EQ(fit_output(std::string(1000, 'a'), 10), std::string(10, 'a'));
}

TEST(NearNames, finds_other_cases_parts_and_misspellings) {
  const std::vector<std::string> names = {"Asia/Tokyo", "Europe/Berlin", "Europe/London", "UTC"};
  EXPECT_THAT(near_names("asia/tokyo", names, 3), ElementsAre("Asia/Tokyo"));
  EXPECT_THAT(near_names("berlin", names, 3), ElementsAre("Europe/Berlin"));
  EXPECT_THAT(near_names("Europa/Londn", names, 3), ElementsAre("Europe/London"));
  EXPECT_THAT(near_names("europe", names, 1), ElementsAre("Europe/Berlin"));
  EXPECT_THAT(near_names("Atlantis", names, 3), IsEmpty());
  EXPECT_THAT(near_names("", names, 3), IsEmpty());
  EXPECT_EQ(listed({"a"}), "a");
  EXPECT_EQ(listed({"a", "b", "c"}), "a, b or c");
}

}  // namespace
}  // namespace baton::tools
