// Calls in the syntax of the model's own template: the beginning of a call, the call itself, and the text after it.
#include <baton/llm/tool_syntax/call_openers.h>

#include "call_parser.h"

namespace baton::llm {

bool CallParser::begin_trigger(char c) {
  for (const Trigger& trigger : triggers_) {
    if (trigger.first != c || (trigger.kind == Trigger::Kind::reasoning && (anything_yet_ || n_calls_ > 0))) continue;
    running_.push_back(trigger);
  }
  if (running_.empty()) return false;
  mode_ = Mode::trigger;
  step_trigger(c);
  return true;
}

void CallParser::step_trigger(char c) {
  held_ += c;
  for (auto trigger = running_.begin(); trigger != running_.end();) {
    switch (trigger->matcher.step(c)) {
      case LiteralMatcher::State::more:
        ++trigger;
        break;
      case LiteralMatcher::State::failed:
        trigger = running_.erase(trigger);
        break;
      case LiteralMatcher::State::complete: {
        const auto kind = trigger->kind;
        running_.clear();
        if (kind == Trigger::Kind::call) return begin_own();
        if (kind == Trigger::Kind::reasoning) return begin_reasoning(options_.syntax.reasoning_close);
        if (kind == Trigger::Kind::json) {
          context_ = Context::tool_call_tag;
          by_trigger_ = true;
          mode_ = Mode::prefix;
          return;
        }
        held_.clear();
        mode_ = Mode::text;
        line_start_ = true;
        return;
      }
    }
  }
  if (running_.empty()) held_again();
}

// The held text is not part of the syntax: it is read once more as ordinary text.
void CallParser::held_again() {
  no_trigger_ = true;
  mode_ = Mode::text;
  read_again(std::exchange(held_, {}));
}

void CallParser::read_again(const std::string& text) {
  running_.clear();
  offset_ -= text.size();
  for (const char c : text) {
    if (done_) break;
    ++offset_;
    step(c);
  }
}

// The text between two calls was read.
void CallParser::begin_next() {
  if (options_.syntax.form == ToolSyntax::Form::text) return begin_own();
  named_.clear();
  by_trigger_ = true;
  mode_ = Mode::prefix;
}

void CallParser::begin_own() {
  if (n_calls_ > 0 && !options_.parallel) {
    done_ = true;
    return;
  }
  reader_.reset();
  own_begin_ = held_.size();
  value_begin_ = offset_ - held_.size();
  mode_ = Mode::own;
}

void CallParser::step_own(char c) {
  held_ += c;
  const auto state = reader_.step(c);
  if (state == SyntaxReader::State::error) {
    if (reader_.offered() || started_) return own_is_broken(reader_.error());
    return held_again();
  }
  if (certain_ && reader_.offered() && !started_) start_call(reader_.name());
  if (started_) give_arguments(reader_.written());
  if (state == SyntaxReader::State::more) return;
  if (state == SyntaxReader::State::call_before) --offset_;
  own_complete();
  if (state != SyntaxReader::State::call_before) return;
  ++offset_;
  step(c);
}

void CallParser::own_complete() {
  if (started_) give_arguments(reader_.written());
  length_ = offset_;
  space_.clear();
  flush();
  emit_call(reader_.name(), reader_.arguments(), {0, offset_ - value_begin_});
  by_trigger_ = true;
  call_is_over();
}

void CallParser::own_is_broken(const std::string& why) {
  if (malformed_.empty() && reader_.named()) malformed_ = "the call of " + reader_.name() + " cannot be read: " + why;
  if (std::exchange(started_, false)) held_.clear();
  broken_tag_ = true;
  candidate_is_text();
}

// After a call: reads the syntax's closing text.
void CallParser::call_is_over() {
  held_.clear();
  certain_ = false;
  enumeration_.see("\n" + std::exchange(item_, {}));
  mode_ = Mode::text;
  const bool own_form = is_own_form();
  by_trigger_ = false;
  if (!own_form) return;
  const ToolSyntax& syntax = options_.syntax;
  const bool own = syntax.form == ToolSyntax::Form::text;
  const std::string end = own && syntax.json_arguments ? syntax.end : std::string();
  again_ = LiteralMatcher(syntax.form == ToolSyntax::Form::json_list ? std::string() : end + syntax.between);
  closing_ = LiteralMatcher(end + syntax.close);
  again_open_ = !again_.empty() && !trimmed(syntax.between).empty();
  closing_open_ = !closing_.empty();
  if (again_open_ || closing_open_) mode_ = Mode::after_own;
}

void CallParser::step_after_own(char c) {
  held_ += c;
  const auto again = again_open_ ? again_.step(c) : LiteralMatcher::State::failed;
  const auto closing = closing_open_ ? closing_.step(c) : LiteralMatcher::State::failed;
  again_open_ = again != LiteralMatcher::State::failed;
  closing_open_ = closing != LiteralMatcher::State::failed;
  if (again == LiteralMatcher::State::complete) return begin_next();
  if (closing == LiteralMatcher::State::complete) {  // the text between two calls may begin with it
    length_ = offset_;
    held_.clear();
    broken_tag_ = closing_open_ = false;
    if (!again_open_) mode_ = Mode::text;
    return;
  }
  if (again_open_ || closing_open_) return;
  // If there is only white space between calls, the next name may just have begun.
  const bool next = options_.syntax.form == ToolSyntax::Form::text && options_.syntax.several && trimmed(options_.syntax.between).empty();
  if (!next) return held_again();
  const std::string text = std::exchange(held_, {});
  begin_own();
  read_again(text);
}

}  // namespace baton::llm
