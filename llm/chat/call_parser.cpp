#include "call_parser.h"

#include <algorithm>
#include <cmath>

#include "call_openers.h"
#include "call_shape.h"

namespace baton::llm {

CallParser::CallParser(CallParserOptions options) : options_(std::move(options)) {
  if (options_.starts_in_reasoning) {
    mode_ = Mode::reasoning;
    in_reasoning_ = trim_ = true;
  }
}

bool CallParser::is_tag(std::string_view text) {
  if (text.size() < 2 || text.front() != '<') return false;
  const Tag tag = tag_of(text);
  return text == kThinkEnd || (tag != Tag::none && tag != Tag::partial);
}

void CallParser::push(std::string_view text, float logprob, std::vector<Delta>& out) {
  if (held_.empty()) marks_.clear();
  marks_.push_back({offset_, text.size(), logprob});
  for (const char c : text) {
    if (done_) break;
    ++offset_;
    step(c);
  }
  flush();
  std::move(deltas_.begin(), deltas_.end(), std::back_inserter(out));
  deltas_.clear();
}

void CallParser::finish(bool cut, std::vector<Delta>& out) {
  if (!done_ && mode_ == Mode::value) {
    if (!cut && scanner_.close()) {
      value_complete();
    } else {
      value_is_broken(cut ? "the answer was cut off inside it" : "the answer ended inside it");
    }
  }
  if (!done_ && mode_ == Mode::reasoning) put(opener_);
  if (!done_ && (mode_ == Mode::opener || mode_ == Mode::prefix)) {
    if (n_calls_ == 0) candidate_is_text();  // after a call it is a closing fence
  }
  if (!done_ && n_calls_ == 0 && !trim_ && mode_ != Mode::reasoning) put_space();
  flush();
  std::move(deltas_.begin(), deltas_.end(), std::back_inserter(out));
  deltas_.clear();
}

std::string_view CallParser::open_value() const {
  if (mode_ != Mode::value) return {};
  return std::string_view(held_).substr(held_.size() - (offset_ - value_begin_));
}

void CallParser::step(char c) {
  switch (mode_) {
    case Mode::text:
      return step_text(c);
    case Mode::reasoning:
      return step_reasoning(c);
    case Mode::opener:
      return opener_.front() == '<' ? step_opener(c) : step_fence_opener(c);
    case Mode::prefix:
      return step_prefix(c);
    case Mode::value:
      return step_value(c);
    case Mode::plain_json:
      return step_plain_json(c);
    case Mode::plain_fence:
      return step_plain_fence(c);
  }
}

void CallParser::put_space() {
  ready_ += space_;
  space_.clear();
}

void CallParser::put(std::string_view text) {
  if (text.empty()) return;
  put_space();
  ready_ += text;
  trim_ = false;
  if (!in_reasoning_) anything_yet_ = true;
}

void CallParser::flush() {
  if (ready_.empty()) return;
  if (in_reasoning_) {
    deltas_.push_back(ReasoningDelta{std::move(ready_)});
  } else {
    deltas_.push_back(TextDelta{std::move(ready_)});
  }
  ready_.clear();
}

bool CallParser::offered(std::string_view name) const {
  return std::find(options_.tools.begin(), options_.tools.end(), name) != options_.tools.end();
}

// ---- Text

void CallParser::step_text(char c) {
  if (is_space(c)) {
    if (!trim_) space_ += c;
    line_start_ = line_start_ || c == '\n';
    return;
  }
  const bool after_call = n_calls_ > 0;
  const bool calls = !options_.tools.empty();
  if (c == '<' && (calls || !anything_yet_)) return begin_opener(c);
  if (calls && c == '`' && (line_start_ || after_call) && !broken_tag_) return begin_opener(c);
  if (calls && (c == '{' || c == '[') && (line_start_ || after_call) && !broken_tag_) {
    if (!after_call) context_ = Context::bare;  // else still that of the call before it
    return begin_value(c);
  }
  if (after_call) {
    if (c == '}' || c == ']') {
      length_ = offset_;
    } else if (c != ',') {
      done_ = true;
    }
    return;
  }
  put({&c, 1});
  line_start_ = false;
}

void CallParser::step_reasoning(char c) {
  if (opener_.empty() && is_space(c)) {
    if (!trim_) space_ += c;
    return;
  }
  if (opener_.empty() && c != '<') return put({&c, 1});
  opener_ += c;
  if (opener_ == kThinkEnd) {
    flush();
    space_.clear();
    opener_.clear();
    in_reasoning_ = false;
    trim_ = line_start_ = true;
    mode_ = Mode::text;
    return;
  }
  if (kThinkEnd.substr(0, opener_.size()) == opener_) return;
  opener_.pop_back();
  const std::string rejected = std::exchange(opener_, {});
  put(rejected);
  if (rejected.empty()) return put({&c, 1});
  step_reasoning(c);
}

// ---- Openers: tags and fences

void CallParser::begin_opener(char c) {
  if (mode_ != Mode::prefix) {
    context_ = Context::bare;
    named_.clear();
  }
  held_ += c;
  opener_ = c;
  ticks_ = 1;
  mode_ = Mode::opener;
}

void CallParser::step_opener(char c) {
  opener_ += c;
  switch (tag_of(opener_)) {
    case Tag::none:
      candidate_is_text();
      return done_ ? void() : step(c);
    case Tag::partial:
      held_ += c;
      return;
    default:
      held_ += c;
      return tag_complete();
  }
}

void CallParser::tag_complete() {
  const Tag tag = tag_of(opener_);
  if (tag == Tag::think) {
    if (anything_yet_ || n_calls_ > 0 || held_ != opener_) return candidate_is_text();
    space_.clear();
    held_.clear();
    opener_.clear();
    in_reasoning_ = trim_ = true;
    mode_ = Mode::reasoning;
    return;
  }
  if (tag == Tag::close) {
    broken_tag_ = false;
    if (n_calls_ == 0 || held_ != opener_) return candidate_is_text();
    length_ = offset_;
    held_.clear();
    mode_ = Mode::text;
    return;
  }
  if (options_.tools.empty()) return candidate_is_text();
  if (tag == Tag::tool_call) {
    context_ = Context::tool_call_tag;
  } else if (context_ != Context::tool_call_tag) {
    context_ = Context::tag;
  }
  mode_ = Mode::prefix;
}

// opener_ holds the backticks and, in lower case, the language after them.
void CallParser::step_fence_opener(char c) {
  if (c == '`' && opener_.size() == ticks_) {
    ++ticks_;
    opener_ += c;
    held_ += c;
  } else if (is_word(c) && ticks_ >= 3) {
    opener_ += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    held_ += c;
    if (may_be_call_fence(std::string_view(opener_).substr(ticks_))) return;
    enter_fence();
    candidate_is_text();
  } else {
    fence_complete(c);
  }
}

void CallParser::fence_complete(char c) {
  const std::string language = opener_.substr(ticks_);
  const bool known = is_call_fence(language);
  const bool body = is_space(c) || c == '{' || c == '[' || c == '<';
  if (ticks_ >= 3 && known && body && n_calls_ > 0 && language.empty() && held_ == opener_) {
    length_ = offset_ - 1;  // the closing fence; if another call follows, an opening one
    held_.clear();
    mode_ = Mode::text;
    return step(c);
  }
  if (ticks_ >= 3) enter_fence();
  if (ticks_ >= 3 && known && body) {
    mode_ = Mode::prefix;
    return step(c);
  }
  candidate_is_text();
  if (!done_) step(c);
}

void CallParser::enter_fence() {
  if (context_ != Context::bare) return;
  context_ = Context::fence;
  fence_ticks_ = ticks_;
}

void CallParser::step_prefix(char c) {
  if (is_space(c)) {
    held_ += c;
    return;
  }
  if (c == '<' || (c == '`' && context_ != Context::fence)) return begin_opener(c);
  if (c == '{' || c == '[') return begin_value(c);
  candidate_is_text();
  if (!done_) step(c);
}

// The candidate is no call: what was held is passed on, or ends the answer if there were calls before it.
void CallParser::candidate_is_text() {
  if (n_calls_ > 0) {
    done_ = true;
    held_.clear();
    return;
  }
  mode_ = context_ == Context::fence ? Mode::plain_fence : Mode::text;
  fence_first_line_ = held_.find('\n') == std::string::npos;
  fence_run_ = 0;
  for (const char c : held_) line_start_ = c == '\n' || (line_start_ && is_space(c));
  put(held_);
  held_.clear();
  opener_.clear();
}

// ---- Values

void CallParser::begin_value(char c) {
  if (n_calls_ > 0 && !options_.parallel) {
    done_ = true;
    return;
  }
  value_begin_ = offset_ - 1;
  key_.clear();
  named_.clear();
  scanner_.reset();
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
  if (state == JsonScanner::State::complete) return value_complete();
  if (may_be_call(c)) return;
  value_is_text();
  mode_ = Mode::plain_json;
}

// Whether the value, as far as it is known, may still be a call or a list of calls.
bool CallParser::may_be_call(char c) {
  const std::size_t element_depth = scanner_.is_list() ? 2 : 1;
  const bool tagged = context_ == Context::tool_call_tag;  // anything there was meant as a call
  if (!tagged && scanner_.is_list() && scanner_.depth() == 1) {
    static constexpr std::string_view kBetweenCalls = "[]{}, \t\r\n";
    return kBetweenCalls.find(c) != std::string_view::npos;
  }
  if (scanner_.depth() != element_depth) return true;
  if (scanner_.event() == JsonScanner::Event::key) {
    key_ = scanner_.string();
    return tagged || is_call_key(key_);
  }
  if (scanner_.event() != JsonScanner::Event::string || !is_name_key(key_)) return true;
  if (named_.empty()) named_ = scanner_.string();
  return tagged || offered(scanner_.string());
}

void CallParser::value_complete() {
  const bool tagged = context_ == Context::tool_call_tag;
  const Json value = Json::parse(scanner_.text(), nullptr, false);
  if (value.is_discarded()) return value_is_broken("a number, an escape or a character in it is not JSON");
  std::vector<CallShape> calls;
  for (const Json& element : value.is_array() ? value : Json::array({value})) {
    calls.push_back(read_call(element, tagged));
    const CallShape& call = calls.back();
    if (call.kind != CallShape::Kind::not_a_call && !tagged && !offered(call.name)) return value_is_text();
    if (call.kind == CallShape::Kind::malformed) return value_is_broken(call.why);
    if (call.kind == CallShape::Kind::not_a_call) return tagged ? value_is_broken("it lacks a name, or has other keys") : value_is_text();
  }
  if (calls.empty()) return value_is_text();
  const auto ranges = scanner_.elements();
  length_ = offset_;
  space_.clear();
  flush();
  for (std::size_t i = 0; i < calls.size(); ++i) {
    if (n_calls_ > 0 && !options_.parallel) {
      left_out_calls_ = true;
      break;
    }
    emit_call(std::move(calls[i].name), std::move(calls[i].arguments), ranges[i]);
  }
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
  if (fence_run_ >= fence_ticks_ && (is_space(c) || fence_first_line_) && c != '`') {
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
  line_start_ = c == '\n' || (line_start_ && is_space(c));
}

// ---- Calls

void CallParser::emit_call(std::string name, Json arguments, JsonScanner::Range range) {
  ToolCall call{options_.new_call_id(), std::move(name), std::move(arguments)};
  deltas_.push_back(CallStarted{n_calls_, call.id, call.name});
  deltas_.push_back(CallArguments{n_calls_, call.arguments.dump()});
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
