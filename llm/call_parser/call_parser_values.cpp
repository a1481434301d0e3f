// JSON that may be a call or a list of calls, and JSON and fences that are not.
#include <baton/llm/grammar/json_layout.h>
#include <baton/llm/tool_syntax/call_openers.h>

#include "call_parser.h"

namespace baton::llm {

void CallParser::begin_value(char c) {
  if (n_calls() > 0 && !options_.parallel) return end();
  const bool quotable = context_ == Context::fence && fence_.after_words && n_calls() == 0 && held_.find('\n') == std::string::npos;
  json_.begin({offset_ - 1, context_ == Context::tool_call_tag, is_own_form(), quotable});
  mode_ = Mode::value;
  step_value(c);
}

void CallParser::step_value(char c) {
  const bool closer =
      (c == '<' && (context_ == Context::tag || context_ == Context::tool_call_tag)) || (c == '`' && context_ != Context::bare);
  if (closer && json_.depth() == 1 && json_.close()) {
    value_complete();
    return done() ? void() : step(c);
  }
  const auto state = json_.step(c, certain_);
  if (state == JsonCall::State::broken) {
    value_is_broken(json_.error());
    return done() ? void() : step(c);
  }
  held_ += c;
  if (state == JsonCall::State::complete) return value_complete();
  if (state == JsonCall::State::more) return;
  value_is_text();
  if (!done()) mode_ = Mode::plain_json;
}

void CallParser::value_complete() {
  JsonCall::Calls found = json_.read();
  if (found.state == JsonCall::State::broken) return value_is_broken(found.why);
  if (found.state == JsonCall::State::other) return value_is_text();
  if (json_.place().quotable) {
    json_.set_quotable(false);
    value_end_ = held_.size();
    fence_.run = 0;
    mode_ = Mode::after_value;
    return;
  }
  length_ = offset_;
  output_.drop_space();
  output_.flush();
  if (!json_.put(std::move(found.calls), options_.parallel)) left_out_calls_ = true;
  call_is_over();
}

void CallParser::step_after_value(char c) {
  const bool closed = fence_.run > 0;
  const bool next_fence = c == '`' && closed && held_.back() != '`';
  const bool word = is_word(c) || (static_cast<unsigned char>(c) & 0x80) != 0;
  fence_.run += c == '`';
  held_ += c;
  if (c == '\n' || c == '{' || c == '[' || c == '<' || next_fence) return value_is_call();
  if (!word) return;
  certain_ = false;
  if (closed) context_ = Context::bare;
  candidate_is_text();
}

// The text after the value is read like the text after a call.
void CallParser::value_is_call() {
  const std::string after = held_.substr(value_end_);
  offset_ -= after.size();
  value_complete();
  offset_ += after.size();
  if (!done()) read_again(after);
}

// The held text can only become a call, but is not complete: it is not shown as text.
void CallParser::call_is_cut(const std::string& name) {
  if (!name.empty()) output_.start_call(name);
  output_.give_call_up();
  left_out_calls_ = true;
  held_.clear();
  mode_ = Mode::text;
}

void CallParser::value_is_text() {
  if (context_ == Context::tool_call_tag || context_ == Context::tag) broken_tag_ = true;
  candidate_is_text();
}

void CallParser::value_is_broken(const std::string& why) {
  const std::string& name = json_.name();
  const bool meant_as_call = context_ == Context::tool_call_tag || !name.empty();
  if (meant_as_call && malformed_.empty())
    malformed_ = (name.empty() ? std::string("a call") : "the call of " + name) + " cannot be read: " + why;
  if (output_.give_call_up() || json_.any_output()) held_.clear();  // it was output as a call already
  value_is_text();
}

void CallParser::step_plain_json(char c) {
  const auto state = json_.step_other(c);
  if (state == JsonScanner::State::more) {
    output_.put({&c, 1});
    return;
  }
  mode_ = context_ == Context::fence ? Mode::plain_fence : Mode::text;
  line_start_ = false;
  if (state == JsonScanner::State::error) return step(c);
  output_.put({&c, 1});
}

void CallParser::step_plain_fence(char c) {
  if (fence_.run >= fence_.ticks && (is_json_space(c) || fence_.in_first_line) && c != '`') {
    fence_.run = 0;
    line_start_ = false;
    mode_ = Mode::text;
    return step(c);
  }
  output_.put({&c, 1});
  if (c == '`' && (line_start_ || fence_.run > 0 || fence_.in_first_line)) {
    ++fence_.run;
  } else {
    fence_.run = 0;
  }
  if (c == '\n') fence_.in_first_line = false;
  line_start_ = c == '\n' || (line_start_ && is_json_space(c));
}

}  // namespace baton::llm
