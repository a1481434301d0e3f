#include "json_layout.h"

namespace baton::llm {
namespace {

bool opens(char c) { return c == '{' || c == '['; }
bool closes(char c) { return c == '}' || c == ']'; }
bool has_lines(const std::string& space) { return space.find('\n') != std::string::npos; }

}  // namespace

bool is_json_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

void JsonLayout::observe(std::string_view text) {
  for (const char c : text) {
    if (in_string_) {
      in_string_ = escaped_ || c != '"';
      escaped_ = !escaped_ && c == '\\';
      continue;
    }
    if (is_json_space(c)) {
      space_ += c;
      continue;
    }
    if (last_ == ':') colon_ = space_;
    if (last_ == ',' && !has_lines(space_)) comma_ = space_;
    if ((opens(last_) || last_ == ',') && !closes(c) && !open_.empty()) open_.back() = space_;
    if (opens(c)) open_.emplace_back();
    if (closes(c) && !open_.empty()) open_.pop_back();
    in_string_ = c == '"';
    last_ = c;
    space_.clear();
  }
}

std::string JsonLayout::before(std::optional<char> next) const {
  if (in_string_) return "";
  if (last_ == ':') return colon_;
  if (next && closes(*next)) return opens(last_) ? "" : before_closing();
  if (opens(last_)) return in_new_container();
  if (last_ != ',') return "";
  if (!open_.empty() && has_lines(open_.back())) return open_.back();
  return comma_.value_or(colon_);
}

// Its indentation exceeds that of its parent by as much as the parent's exceeds the grandparent's.
std::string JsonLayout::in_new_container() const {
  if (open_.size() < 2 || !has_lines(open_[open_.size() - 2])) return "";
  const std::string& around = open_[open_.size() - 2];
  const std::string further = open_.size() > 2 ? open_[open_.size() - 3] : "\n";
  return around.starts_with(further) ? around + around.substr(further.size()) : "";
}

std::string JsonLayout::before_closing() const {
  if (open_.empty() || !has_lines(open_.back())) return "";
  return open_.size() < 2 ? "\n" : open_[open_.size() - 2];
}

}  // namespace baton::llm
