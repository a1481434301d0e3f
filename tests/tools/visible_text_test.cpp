#include <baton/tools/visible_text.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

namespace baton::tools {
namespace {

std::string one_line(std::string_view text) { return visible(text, LineBreaks::escaped); }

TEST(VisibleText, leaves_text_alone) {
  for (const char* text : {"", "plain", "Grüße, 日本語 😀", "\xC2\xA0 no-break space", "back\\slash"}) EXPECT_EQ(one_line(text), text);
}

TEST(VisibleText, escapes_what_a_terminal_obeys) {
  EXPECT_EQ(one_line("\x1b[2J\a\x7f\r"), "\\x1b[2J\\x07\\x7f\\x0d");
  EXPECT_EQ(one_line(std::string("a\0b", 3)), "a\\x00b");
  EXPECT_EQ(one_line("\xC2\x80 \xC2\x9B\x33\x31m \xC2\x9F"), "\\u0080 \\u009b31m \\u009f");
}

TEST(VisibleText, escapes_what_changes_the_order_of_reading) {
  EXPECT_EQ(one_line("a\u200e\u200f\u202a\u202e\u2066\u2069\u061cb"), "a\\u200e\\u200f\\u202a\\u202e\\u2066\\u2069\\u061cb");
  EXPECT_EQ(one_line("\u2028\u2029"), "\\u2028\\u2029");
  EXPECT_EQ(one_line("\u2027\u202f\u2065\u206a"), "\u2027\u202f\u2065\u206a") << "their neighbours stay";
}

TEST(VisibleText, keeps_line_breaks_only_where_the_text_may_have_lines) {
  EXPECT_EQ(one_line("a\n\tb"), "a\\n\\tb");
  EXPECT_EQ(visible("a\n\tb\r\n", LineBreaks::kept), "a\n\tb\\x0d\n");
}

TEST(VisibleText, writes_bytes_that_are_not_utf8_as_bytes) {
  EXPECT_EQ(one_line("\x9b[31m \xff \xe2\x82"), "\\x9b[31m \\xff \\xe2\\x82");  // 0x9b alone is CSI to an 8-bit terminal
}

TEST(VisibleText, a_stream_gives_the_same_wherever_it_is_cut) {
  const std::string text = "ä\xC2\x9B€\u202e😀\x1b\n\xff\xe2\x28 end \xf0\x9f";
  const std::string whole = visible(text, LineBreaks::kept);
  for (std::size_t i = 0; i <= text.size(); ++i) {
    for (std::size_t j = i; j <= text.size(); ++j) {
      VisibleStream stream;
      std::string out = stream.add(text.substr(0, i));
      out += stream.add(text.substr(i, j - i));
      out += stream.add(text.substr(j));
      out += stream.end();
      EXPECT_EQ(out, whole) << i << " " << j;
    }
  }
}

TEST(VisibleText, json_means_the_same_and_holds_none_of_them) {
  const nlohmann::json value = {{"a\u202e", "\x1b\x7f\u009b\u2028 ä"}};
  const std::string text = visible_json(value.dump(2));
  EXPECT_EQ(nlohmann::json::parse(text), value);
  EXPECT_EQ(visible(text, LineBreaks::kept), text);
}

}  // namespace
}  // namespace baton::tools
