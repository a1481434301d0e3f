#include "call_openers.h"

#include <baton/llm/grammar/json_layout.h>

#include <algorithm>
#include <array>

namespace baton::llm {
namespace {

constexpr std::array<std::string_view, 6> kCallTags = {"tool_call", "tool_calls", "tools", "tool", "function_call", "function_calls"};
constexpr std::array<std::string_view, 8> kCallFences = {"", "json", "tool_call", "tool_calls", "tool", "tools", "function_call", "xml"};

}  // namespace

std::string_view after_marks(std::string_view text) {
  while (!text.empty() && (is_json_space(text.front()) || kMarks.find(text.front()) != kMarks.npos)) text.remove_prefix(1);
  return text;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_json_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_json_space(text.back())) text.remove_suffix(1);
  return text;
}

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '+';
}

Tag tag_of(std::string_view text) {
  if (text == kThink) return Tag::think;
  Tag found = kThink.substr(0, text.size()) == text ? Tag::partial : Tag::none;
  const bool closing = text.size() > 1 && text[1] == '/';
  const std::string_view name = text.substr(closing ? 2 : 1);
  for (const std::string_view tag : kCallTags) {
    if (name.size() == tag.size() + 1 && name.substr(0, tag.size()) == tag && name.back() == '>') {
      return closing ? Tag::close : tag == "tool_call" ? Tag::tool_call : Tag::open;
    }
    if (name.size() <= tag.size() && tag.substr(0, name.size()) == name) found = Tag::partial;
  }
  return found;
}

bool is_call_fence(std::string_view language) { return std::find(kCallFences.begin(), kCallFences.end(), language) != kCallFences.end(); }

bool may_be_call_fence(std::string_view language) {
  return std::any_of(kCallFences.begin(), kCallFences.end(), [&](std::string_view f) { return f.substr(0, language.size()) == language; });
}

}  // namespace baton::llm
