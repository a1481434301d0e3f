// JSON that may be a call or a list of calls, and its conversion to calls.
#include <algorithm>
#include <cmath>

#include "call_parser.h"

#include <baton/llm/grammar/json_layout.h>
#include <baton/llm/tool_syntax/call_openers.h>
#include <baton/llm/tool_syntax/json_dump.h>

namespace baton::llm {

void CallParser::begin_value(char c) {
  if (n_calls_ > 0 && !options_.parallel) {
    done_ = true;
    return;
  }
  value_begin_ = offset_ - 1;
  quotable_ = context_ == Context::fence && inline_fence_ && n_calls_ == 0 && held_.find('\n') == std::string::npos;
  key_.clear();
  named_.clear();
  scanner_.reset();
  name_at_.reset();
  arguments_at_.reset();
  arguments_end_ = 0;
  n_given_ = std::exchange(n_known_, 0);
  mode_ = Mode::value;
  step_value(c);
}

void CallParser::step_value(char c) {
  const bool closer =
      (c == '<' && (context_ == Context::tag || context_ == Context::tool_call_tag)) || (c == '`' && context_ != Context::bare);
  if (closer && scanner_.depth() == 1 && scanner_.close()) {
    value_complete();
    return done_ ? void() : step(c);
  }
  const auto state = scanner_.step(c);
  if (state == JsonScanner::State::error) {
    value_is_broken(scanner_.error());
    return done_ ? void() : step(c);
  }
  held_ += c;
  note_arguments(c);
  if (state == JsonScanner::State::complete) return value_complete();
  if (may_be_call(c)) return;
  value_is_text();
  mode_ = Mode::plain_json;
}

// Notes where the name and the arguments of the current element begin and end. If it is certain that the element is a call, they are
// output. Called before may_be_call(), so key_ is still the key before this byte.
void CallParser::note_arguments(char c) {
  const std::size_t element_depth = scanner_.is_list() ? 2 : 1, depth = scanner_.depth(), size = scanner_.text().size();
  if (depth < element_depth) {  // between elements: one may just have ended
    if (started_ && arguments_end_ > 0) {
      const std::string_view written = std::string_view(scanner_.text()).substr(*arguments_at_, arguments_end_ - *arguments_at_);
      emit_call(named_, Json::parse(written, nullptr, false), scanner_.elements().back());
      ++n_given_;
    }
    name_at_.reset();
    arguments_at_.reset();
    arguments_end_ = 0;
    return;
  }
  if (scanner_.is_list() && depth == element_depth && c == '{') named_.clear();
  const bool value_begins = scanner_.event() == JsonScanner::Event::none && !key_.empty();
  if (depth == element_depth && c == '"' && value_begins && !name_at_ && keys_.is_name(key_)) name_at_ = size;
  if (depth == element_depth + 1 && c == '{' && value_begins && !arguments_at_ && keys_.is_arguments(key_)) arguments_at_ = size - 1;
  if (depth == element_depth && c == '}' && arguments_at_ && arguments_end_ == 0) arguments_end_ = size;
  const bool next = scanner_.elements().size() == n_given_ + 1;  // in order, because an element before it may be held back
  if (!certain_ || quotable_ || !next || !arguments_at_ || named_.empty()) return;
  if (!started_) {
    flush();
    start_call(named_);
  }
  const std::size_t end = arguments_end_ > 0 ? arguments_end_ : size;
  give_arguments(std::string_view(scanner_.text()).substr(*arguments_at_, end - *arguments_at_));
}

// Whether the value so far may still be a call or a list of calls.
bool CallParser::may_be_call(char c) {
  const std::size_t element_depth = scanner_.is_list() ? 2 : 1;
  const bool tagged = context_ == Context::tool_call_tag;  // anything in these tags was meant as a call
  if (!tagged && scanner_.is_list() && scanner_.depth() == 1) {
    static constexpr std::string_view kBetweenCalls = "[]{}, \t\r\n";
    return kBetweenCalls.find(c) != std::string_view::npos;
  }
  if (scanner_.depth() != element_depth) return true;
  if (scanner_.event() == JsonScanner::Event::key) {
    key_ = scanner_.string();
    return tagged || keys_.is_any(key_);
  }
  if (scanner_.event() != JsonScanner::Event::string || !keys_.is_name(key_)) return true;
  if (named_.empty()) named_ = scanner_.string();
  return tagged || offered(scanner_.string());
}

void CallParser::value_complete() {
  const bool tagged = context_ == Context::tool_call_tag;
  const Json value = Json::parse(scanner_.text(), nullptr, false);
  if (value.is_discarded()) return value_is_broken("a number, an escape or a character in it is not JSON");
  std::vector<CallShape> calls;
  for (const Json& element : value.is_array() ? value : Json::array({value})) {
    calls.push_back(read_call(element, tagged, keys_));
    const CallShape& call = calls.back();
    if (call.kind != CallShape::Kind::not_a_call && !tagged && !offered(call.name)) return value_is_text();
    if (call.kind == CallShape::Kind::malformed) return value_is_broken(call.why);
    if (call.kind == CallShape::Kind::not_a_call) return tagged ? value_is_broken("it lacks a name, or has other keys") : value_is_text();
  }
  if (calls.empty()) return value_is_text();
  if (std::exchange(quotable_, false)) {
    value_end_ = held_.size();
    fence_run_ = 0;
    mode_ = Mode::after_value;
    return;
  }
  const auto ranges = scanner_.elements();
  length_ = offset_;
  space_.clear();
  flush();
  for (std::size_t i = n_given_; i < calls.size(); ++i) {
    if (n_calls_ > 0 && !options_.parallel) {
      left_out_calls_ = true;
      break;
    }
    emit_call(std::move(calls[i].name), std::move(calls[i].arguments), ranges[i]);
  }
  call_is_over();
}

void CallParser::step_after_value(char c) {
  const bool closed = fence_run_ > 0;
  const bool next_fence = c == '`' && closed && held_.back() != '`';
  const bool word = is_word(c) || (static_cast<unsigned char>(c) & 0x80) != 0;
  fence_run_ += c == '`';
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
  if (!done_) read_again(after);
}

// The held text can only become a call, but is not complete: it is not shown as text.
void CallParser::call_is_cut(const std::string& name) {
  flush();
  if (!name.empty()) start_call(name);
  started_ = false;
  left_out_calls_ = true;
  held_.clear();
  mode_ = Mode::text;
}

void CallParser::value_is_text() {
  if (context_ == Context::tool_call_tag || context_ == Context::tag) broken_tag_ = true;
  candidate_is_text();
}

void CallParser::value_is_broken(const std::string& why) {
  if (meant_as_call() && malformed_.empty()) {
    malformed_ = (named_.empty() ? std::string("a call") : "the call of " + named_) + " cannot be read: " + why;
  }
  if (std::exchange(started_, false) || n_given_ > 0) held_.clear();  // it was output as a call already
  value_is_text();
}

void CallParser::step_plain_json(char c) {
  const auto state = scanner_.step(c);
  if (state == JsonScanner::State::more) {
    put({&c, 1});
    return;
  }
  mode_ = context_ == Context::fence ? Mode::plain_fence : Mode::text;
  line_start_ = false;
  if (state == JsonScanner::State::error) return step(c);
  put({&c, 1});
}

void CallParser::step_plain_fence(char c) {
  if (fence_run_ >= fence_ticks_ && (is_json_space(c) || fence_first_line_) && c != '`') {
    fence_run_ = 0;
    line_start_ = false;
    mode_ = Mode::text;
    return step(c);
  }
  put({&c, 1});
  if (c == '`' && (line_start_ || fence_run_ > 0 || fence_first_line_)) {
    ++fence_run_;
  } else {
    fence_run_ = 0;
  }
  if (c == '\n') fence_first_line_ = false;
  line_start_ = c == '\n' || (line_start_ && is_json_space(c));
}

// ---- Calls

void CallParser::start_call(const std::string& name) {
  started_ = true;
  given_ = 0;
  call_id_ = options_.new_call_id();
  space_.clear();
  deltas_.push_back(CallStarted{n_calls_, call_id_, name});
}

void CallParser::give_arguments(std::string_view written) {
  if (written.size() <= given_) return;
  deltas_.push_back(CallArguments{n_calls_, std::string(written.substr(given_))});
  given_ = written.size();
}

void CallParser::emit_call(std::string name, Json arguments, JsonScanner::Range range) {
  if (!started_) {
    start_call(name);
    give_arguments(dumped(arguments));
  }
  started_ = false;
  last_is_own_ = is_own_form();
  ToolCall call{std::exchange(call_id_, {}), std::move(name), std::move(arguments)};
  deltas_.push_back(CallFinished{n_calls_, std::move(call), confidence(value_begin_ + range.begin, value_begin_ + range.end)});
  ++n_calls_;
}

double CallParser::confidence(std::size_t begin, std::size_t end) const {
  double sum = 0;
  int n = 0;
  for (const Mark& mark : marks_) {
    const std::size_t last = mark.offset + std::max<std::size_t>(mark.size, 1);
    if (mark.offset >= end || last <= begin) continue;
    sum += mark.logprob;
    ++n;
  }
  return n == 0 ? 1.0 : std::clamp(std::exp(sum / n), 0.0, 1.0);
}

}  // namespace baton::llm
