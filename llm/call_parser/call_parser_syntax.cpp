// Calls in the syntax of the model's own template: the beginning of a call, the call itself, and the text after it.
#include <baton/llm/tool_syntax/call_openers.h>

#include "call_parser.h"

namespace baton::llm {

void CallParser::step_word(char c) {
  held_ += c;
  const auto word = own_.step_word(c);
  if (!word) return own_.is_in_word() ? void() : held_again();
  switch (*word) {
    case OwnSyntax::Word::call:
      return begin_own();
    case OwnSyntax::Word::reasoning:
      return begin_reasoning(options_.syntax.reasoning_close);
    case OwnSyntax::Word::json:
      context_ = Context::tool_call_tag;
      by_word_ = true;
      mode_ = Mode::prefix;
      return;
    case OwnSyntax::Word::mark:
      held_.clear();
      mode_ = Mode::text;
      line_start_ = true;
      return;
  }
}

// The held text is not part of the syntax: it is read once more as ordinary text.
void CallParser::held_again() {
  no_word_ = true;
  mode_ = Mode::text;
  read_again(std::exchange(held_, {}));
}

void CallParser::read_again(const std::string& text) {
  own_.give_word_up();
  offset_ -= text.size();
  for (const char c : text) {
    if (done()) break;
    ++offset_;
    step(c);
  }
}

void CallParser::begin_own() {
  if (n_calls() > 0 && !options_.parallel) return end();
  own_.call().reset();
  own_begin_ = held_.size();
  own_at_ = offset_ - held_.size();
  mode_ = Mode::own;
}

void CallParser::step_own(char c) {
  held_ += c;
  SyntaxReader& call = own_.call();
  const auto state = call.step(c);
  if (state == SyntaxReader::State::error) {
    if (call.offered() || output_.call_is_started()) return own_is_broken(call.error());
    return held_again();
  }
  if (certain_ && call.offered() && !output_.call_is_started()) output_.start_call(call.name());
  if (output_.call_is_started()) output_.give_arguments(call.written());
  if (state == SyntaxReader::State::more) return;
  if (state == SyntaxReader::State::call_before) --offset_;
  own_complete();
  if (state != SyntaxReader::State::call_before) return;
  ++offset_;
  step(c);
}

void CallParser::own_complete() {
  const SyntaxReader& call = own_.call();
  if (output_.call_is_started()) output_.give_arguments(call.written());
  length_ = offset_;
  output_.drop_space();
  output_.flush();
  output_.finish_call(call.name(), call.arguments(), is_own_form(), {own_at_, offset_});
  by_word_ = true;
  call_is_over();
}

void CallParser::own_is_broken(const std::string& why) {
  const SyntaxReader& call = own_.call();
  if (malformed_.empty() && call.named()) malformed_ = "the call of " + call.name() + " cannot be read: " + why;
  if (output_.give_call_up()) held_.clear();
  broken_tag_ = true;
  candidate_is_text();
}

// After a call: the words that the syntax has there are read.
void CallParser::call_is_over() {
  held_.clear();
  certain_ = false;
  output_.list_marker().see("\n" + std::exchange(item_, {}));
  mode_ = Mode::text;
  const bool own_form = is_own_form();
  by_word_ = false;
  if (own_form && own_.begin_after()) mode_ = Mode::after_own;
}

void CallParser::step_after_own(char c) {
  held_ += c;
  switch (own_.step_after(c)) {
    case OwnSyntax::After::more:
      return;
    case OwnSyntax::After::next_call:
      if (options_.syntax.form == ToolSyntax::Form::text) return begin_own();
      json_.forget_name();
      by_word_ = true;
      mode_ = Mode::prefix;
      return;
    case OwnSyntax::After::closed:
      mode_ = Mode::text;
      [[fallthrough]];
    case OwnSyntax::After::closed_or_between:
      length_ = offset_;
      held_.clear();
      broken_tag_ = false;
      return;
    case OwnSyntax::After::other:
      break;
  }
  if (!own_.next_begins_with_name()) return held_again();
  const std::string text = std::exchange(held_, {});
  begin_own();
  read_again(text);
}

}  // namespace baton::llm
