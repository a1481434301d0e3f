#include <baton/llm/tool_syntax/tool_name.h>
#include <gmock/gmock.h>

namespace baton::llm {
namespace {

using testing::HasSubstr;

TEST(ToolName, need_not_be_an_identifier) {
  std::string long_one;
  for (std::size_t i = 0; i < kMaxToolNameCharacters; ++i) long_one += "ü";
  for (const std::string& name : {std::string("get_weather"), std::string("math.hypot"), std::string("two words"), std::string("天气/查询"),
                                  std::string("it's {%- a -%} $name"), long_one})
    EXPECT_EQ(wrong_with_tool_name(name), "") << name;
  EXPECT_THAT(wrong_with_tool_name(long_one + "x"), HasSubstr("longer than 200 characters"));
}

TEST(ToolName, holds_nothing_that_strings_or_tags_are_made_of) {
  EXPECT_THAT(wrong_with_tool_name(""), HasSubstr("empty"));
  for (const char* name : {"a\"b", "a\\b", "<tool_call>", "a\nb", "tab\t", "\x7f"})
    EXPECT_THAT(wrong_with_tool_name(name), HasSubstr("holds"));
  for (const char* name : {" a", "a ", " "}) EXPECT_THAT(wrong_with_tool_name(name), HasSubstr("space"));
}

}  // namespace
}  // namespace baton::llm
