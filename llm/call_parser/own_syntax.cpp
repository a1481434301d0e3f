#include "own_syntax.h"

#include <baton/llm/tool_syntax/call_openers.h>

#include <memory>

namespace baton::llm {
namespace {

// The beginnings of a call: the text that the template writes before the first call, the text before every further one, and the last word
// of the latter, because models omit the first words.
std::vector<std::string> call_beginnings(const ToolSyntax& syntax) {
  std::vector<std::string> all;
  const auto add = [&](std::string_view text) {
    if (!trimmed(text).empty()) all.emplace_back(trimmed(text));
  };
  add(syntax.calls_prefix);
  if (syntax.form != ToolSyntax::Form::text) return all;
  const std::string_view open = trimmed(syntax.calls_prefix), between = trimmed(syntax.call_separator);
  const auto tag = between.find_first_of("<[");
  if (tag != std::string_view::npos && open.ends_with(between.substr(tag))) add(between.substr(tag));
  const auto blank = open.find_last_of(" \t\r\n");
  if (blank != std::string_view::npos && open.find_first_of("<[=", blank) != std::string_view::npos) add(open.substr(blank));
  return all;
}

}  // namespace

bool is_call_tag(std::string_view text) {
  if (text.size() < 2 || text.front() != '<') return false;
  const Tag tag = tag_of(text);
  return text == kThinkEnd || (tag != Tag::none && tag != Tag::partial);
}

OwnSyntax::OwnSyntax(const ToolSyntax& syntax, const std::vector<ToolSpec>& tools)
    : syntax_(&syntax), call_(syntax, std::make_shared<const std::vector<ToolSpec>>(tools)) {
  if (!tools.empty() && syntax.form != ToolSyntax::Form::unknown) {
    for (const std::string& text : call_beginnings(syntax)) {
      // Tags and fences that are read anyway are not words.
      if (syntax.form == ToolSyntax::Form::text)
        add(Word::call, text);
      else if (!is_call_tag(text) && !(text.starts_with("```") && is_call_fence(std::string_view(text).substr(3))))
        add(Word::json, text);
    }
  }
  if (syntax.reasoning_open != kThink) add(Word::reasoning, syntax.reasoning_open);
  for (const std::string& mark : syntax.text_marks) add(Word::mark, mark);
}

void OwnSyntax::add(Word word, std::string_view text) {
  if (!text.empty()) beginnings_.push_back({word, LiteralMatcher(text), text.front()});
}

bool OwnSyntax::begin_word(char c, bool without_reasoning) {
  for (const Beginning& beginning : beginnings_) {
    if (beginning.first == c && !(beginning.word == Word::reasoning && without_reasoning)) running_.push_back(beginning);
  }
  return is_in_word();
}

std::optional<OwnSyntax::Word> OwnSyntax::step_word(char c) {
  for (auto beginning = running_.begin(); beginning != running_.end();) {
    const auto state = beginning->matcher.step(c);
    if (state == LiteralMatcher::State::complete) {
      const Word word = beginning->word;
      running_.clear();
      return word;
    }
    beginning = state == LiteralMatcher::State::failed ? running_.erase(beginning) : beginning + 1;
  }
  return std::nullopt;
}

bool OwnSyntax::begin_after() {
  const bool text = syntax_->form == ToolSyntax::Form::text;
  const std::string end = text && syntax_->has_json_arguments() ? syntax_->call_suffix : std::string();
  between_.expect(syntax_->form == ToolSyntax::Form::json_list ? std::string() : end + syntax_->call_separator);
  closing_.expect(end + syntax_->calls_suffix);
  between_.open = !between_.matcher.empty() && !trimmed(syntax_->call_separator).empty();
  closing_.open = !closing_.matcher.empty();
  return between_.open || closing_.open;
}

OwnSyntax::After OwnSyntax::step_after(char c) {
  const auto between = between_.step(c), closing = closing_.step(c);
  if (between == LiteralMatcher::State::complete) return After::next_call;
  if (closing == LiteralMatcher::State::complete) {  // the text between two calls may begin with it
    closing_.open = false;
    return between_.open ? After::closed_or_between : After::closed;
  }
  return between_.open || closing_.open ? After::more : After::other;
}

bool OwnSyntax::next_begins_with_name() const {
  return syntax_->form == ToolSyntax::Form::text && syntax_->has_several_calls() && trimmed(syntax_->call_separator).empty();
}

}  // namespace baton::llm
