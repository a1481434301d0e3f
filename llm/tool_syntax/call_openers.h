#pragma once
// The tags and code fences in which models write calls, and the characters around them. All functions are pure.
#include <string_view>

namespace baton::llm {

constexpr std::string_view kThink = "<think>";
constexpr std::string_view kThinkEnd = "</think>";

enum class Tag {
  none,
  partial,    // the beginning of a tag
  open,       // <tools> and the like
  tool_call,  // <tool_call>
  close,
  think,
};

// The kind of tag that `text`, which begins with '<', is or may become.
Tag tag_of(std::string_view text);

// Whether a fence with this language, in lower case, may hold calls; and whether more letters may make it such a language.
bool is_call_fence(std::string_view language);
bool may_be_call_fence(std::string_view language);

// Emphasis and a bracket, which may come between the beginning of a line and a call: **{..}**, ({..}).
constexpr std::string_view kMarks = "*(";
std::string_view after_marks(std::string_view text);  // without them and without leading white space

std::string_view trimmed(std::string_view text);  // without white space at either end
bool is_word(char c);                             // in a fence's language

}  // namespace baton::llm
