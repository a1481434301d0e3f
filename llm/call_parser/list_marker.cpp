#include "list_marker.h"

#include <baton/llm/grammar/json_layout.h>
#include <baton/llm/tool_syntax/call_openers.h>

#include <algorithm>
#include <charconv>

namespace baton::llm {
namespace {

constexpr std::size_t kMaxDigits = 4;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

void ListMarker::see(std::string_view text) {
  for (const char c : text) {
    if (c == '\n') {
      line_.clear();
      continue;
    }
    if (line_.size() > kMaxDigits + 1 || (line_.empty() && (c == ' ' || c == '\t' || c == '\r'))) continue;
    line_ += c;
    if (line_.size() == 1) mark_ = c == '#' ? c : '\0';
    if (line_.size() == 2 && c == ' ' && (line_[0] == '-' || line_[0] == '*')) mark_ = line_[0];
    const bool number_ends = (c == '.' || c == ')') && line_.size() > 1 && std::all_of(line_.begin(), line_.end() - 1, is_digit);
    if (number_ends) std::from_chars(line_.data(), line_.data() + line_.size() - 1, number_);
  }
}

bool ListMarker::continues(std::string_view item) const {
  if (item.size() > kMaxItem) return false;
  if (mark_ == '#' && item[0] == '#') return true;
  if (mark_ != 0 && item[0] == mark_) return item.size() == 1 || item[1] == ' ';
  if (number_ == 0) return false;
  const std::string next = std::to_string(number_ + 1);
  if (item.size() <= next.size()) return next.starts_with(item);
  const char end = item[next.size()], space = item.size() > next.size() + 1 ? item[next.size() + 1] : ' ';
  return item.starts_with(next) && (end == '.' || end == ')') && is_json_space(space);
}

}  // namespace baton::llm
