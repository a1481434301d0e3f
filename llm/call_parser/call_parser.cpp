#include "call_parser.h"

#include <baton/llm/grammar/json_layout.h>
#include <baton/llm/tool_syntax/call_openers.h>

#include <algorithm>

namespace baton::llm {

namespace {

// The beginnings of a call: the text that the template writes before the first call, the text before every further one, and the last word
// of the latter, because models omit the first words.
std::vector<std::string> call_beginnings(const ToolSyntax& syntax) {
  std::vector<std::string> all;
  const auto add = [&](std::string_view text) {
    if (!trimmed(text).empty()) all.emplace_back(trimmed(text));
  };
  add(syntax.open);
  if (syntax.form != ToolSyntax::Form::text) return all;
  const std::string_view open = trimmed(syntax.open), between = trimmed(syntax.between);
  const auto tag = between.find_first_of("<[");
  if (tag != std::string_view::npos && open.ends_with(between.substr(tag))) add(between.substr(tag));
  const auto blank = open.find_last_of(" \t\r\n");
  if (blank != std::string_view::npos && open.find_first_of("<[=", blank) != std::string_view::npos) add(open.substr(blank));
  return all;
}

}  // namespace

CallParser::CallParser(CallParserOptions options)
    : options_(std::move(options)),
      keys_(options_.syntax),
      reasoning_end_(options_.syntax.reasoning_close),
      reader_(options_.syntax, std::make_shared<const std::vector<ToolSpec>>(options_.tools)) {
  const ToolSyntax& syntax = options_.syntax;
  const auto add = [&](Trigger::Kind kind, std::string_view text) {
    if (!text.empty()) triggers_.push_back({kind, LiteralMatcher(text), text.front()});
  };
  if (!options_.tools.empty() && syntax.form != ToolSyntax::Form::unknown) {
    for (const std::string& text : call_beginnings(syntax)) {
      // Tags and fences that are read anyway need no trigger.
      if (syntax.form == ToolSyntax::Form::text)
        add(Trigger::Kind::call, text);
      else if (!is_tag(text) && !(text.starts_with("```") && is_call_fence(std::string_view(text).substr(3))))
        add(Trigger::Kind::json, text);
    }
  }
  if (syntax.reasoning_open != kThink) add(Trigger::Kind::reasoning, syntax.reasoning_open);
  for (const std::string& mark : syntax.text_marks) add(Trigger::Kind::mark, mark);
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
  if (!done_ && mode_ == Mode::trigger) held_again();
  if (!done_ && mode_ == Mode::own) {
    if (!cut && reader_.close()) {
      own_complete();
    } else if (cut && certain_ && !started_) {
      call_is_cut(reader_.offered() ? reader_.name() : std::string());
    } else {
      own_is_broken(cut ? "the answer was cut off inside it" : "the answer ended inside it");
    }
  }
  if (!done_ && mode_ == Mode::value) {
    if (!cut && scanner_.close()) {
      value_complete();
    } else if (cut && certain_ && !started_ && n_given_ == 0) {
      call_is_cut(named_);
    } else {
      value_is_broken(cut ? "the answer was cut off inside it" : "the answer ended inside it");
    }
  }
  if (!done_ && mode_ == Mode::after_value) value_is_call();
  if (!done_ && mode_ == Mode::reasoning) put(opener_);
  if (!done_ && (mode_ == Mode::opener || mode_ == Mode::prefix)) {
    if (n_calls_ == 0) candidate_is_text();  // after a call it is a closing fence
  }
  if (!done_ && n_calls_ == 0 && !trim_ && mode_ != Mode::reasoning) put_space();
  if (!item_.empty()) done_ = true;
  flush();
  std::move(deltas_.begin(), deltas_.end(), std::back_inserter(out));
  deltas_.clear();
}

std::optional<CallParser::OpenName> CallParser::open_name() const {
  const std::string_view held = held_;
  if (done_) return std::nullopt;
  if (mode_ == Mode::own) return OpenName{OpenName::Place::own, held.substr(0, own_begin_), held.substr(own_begin_), true};
  if (mode_ != Mode::value || !name_at_) return std::nullopt;
  const auto place = scanner_.is_list() ? OpenName::Place::list : OpenName::Place::object;
  const auto since = std::string_view(scanner_.text()).substr(*name_at_);
  return OpenName{place, held.substr(0, held.size() - std::min(held.size(), since.size())), since, is_own_form(), quotable_};
}

// Whether the current JSON is at the template's place for a call.
bool CallParser::is_own_form() const {
  const ToolSyntax& syntax = options_.syntax;
  if (by_trigger_) return true;
  if (syntax.form != ToolSyntax::Form::json_object && syntax.form != ToolSyntax::Form::json_list) return false;
  return context_ == (trimmed(syntax.open).empty() ? Context::bare : Context::tool_call_tag);
}

bool CallParser::can_drop_candidate(std::size_t begin) const {
  const std::size_t candidate = candidate_begin();
  return begin <= candidate && candidate - begin <= space_.size() && !started_ && n_given_ == 0 && n_calls_ == 0;
}

void CallParser::drop_candidate(std::size_t begin) {
  space_.resize(space_.size() - (candidate_begin() - begin));
  offset_ = begin;
  held_.clear();
  opener_.clear();
  running_.clear();
  by_trigger_ = certain_ = false;
  mode_ = Mode::text;
  line_start_ = line_start_ || !anything_yet_ || space_.find('\n') != std::string::npos;
}

void CallParser::begin_list_again(std::size_t begin) {
  offset_ = length_ = begin;
  held_.clear();
  opener_.clear();
  running_.clear();
  mode_ = Mode::text;
  context_ = Context::bare;
  by_trigger_ = false;
  line_start_ = true;
  n_known_ = 1;
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
    case Mode::after_value:
      return step_after_value(c);
    case Mode::plain_json:
      return step_plain_json(c);
    case Mode::plain_fence:
      return step_plain_fence(c);
    case Mode::trigger:
      return step_trigger(c);
    case Mode::own:
      return step_own(c);
    case Mode::after_own:
      return step_after_own(c);
  }
}

void CallParser::put_space() {
  if (!in_reasoning_) enumeration_.see(space_);
  ready_ += space_;
  space_.clear();
}

void CallParser::put(std::string_view text) {
  if (text.empty()) return;
  put_space();
  ready_ += text;
  trim_ = false;
  if (in_reasoning_) return;
  anything_yet_ = true;
  enumeration_.see(text);
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
  return std::any_of(options_.tools.begin(), options_.tools.end(), [&](const ToolSpec& tool) { return tool.name == name; });
}

// ---- Text

void CallParser::step_text(char c) {
  if (is_json_space(c)) {
    line_start_ = c == '\n' || (line_start_ && !space_.ends_with('*'));
    if (!trim_) space_ += c;
    if (!item_.empty()) item_ += c;
    return;
  }
  if (!std::exchange(no_trigger_, false) && begin_trigger(c)) return;
  const bool mark = kMarks.find(c) != kMarks.npos;
  if (mark && line_start_ && n_calls_ == 0 && !options_.tools.empty()) {  // dropped like white space if a call follows
    trim_ = false;
    anything_yet_ = true;
    space_ += c;
    return;
  }
  const bool after_call = n_calls_ > 0 && item_.empty();
  const bool calls = !options_.tools.empty();
  if (c == '<' && (calls || !anything_yet_)) return begin_opener(c);
  if (calls && c == '`' && (line_start_ || after_call || n_calls_ == 0) && !broken_tag_) return begin_opener(c);
  if (calls && (c == '{' || c == '[') && (line_start_ || after_call) && !broken_tag_) {
    if (!after_call) context_ = Context::bare;  // otherwise still that of the previous call
    return begin_value(c);
  }
  if (after_call && (c == '}' || c == ']')) {
    length_ = offset_;
    return;
  }
  if (after_call && c == ',') return;
  line_start_ = false;
  if (n_calls_ == 0) return put({&c, 1});
  item_ += c;
  done_ = !options_.parallel || !enumeration_.goes_on(item_);
}

void CallParser::step_reasoning(char c) {
  if (opener_.empty() && is_json_space(c)) {
    if (!trim_) space_ += c;
    return;
  }
  if (opener_.empty() && c != reasoning_end_.front()) return put({&c, 1});
  opener_ += c;
  if (opener_ == reasoning_end_) {
    flush();
    space_.clear();
    opener_.clear();
    in_reasoning_ = false;
    trim_ = line_start_ = true;
    mode_ = Mode::text;
    return;
  }
  if (reasoning_end_.starts_with(opener_)) return;
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
    inline_fence_ = !line_start_;
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
    return begin_reasoning(std::string(kThinkEnd));
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

void CallParser::begin_reasoning(const std::string& end) {
  space_.clear();
  held_.clear();
  opener_.clear();
  reasoning_end_ = end;
  in_reasoning_ = trim_ = true;
  mode_ = Mode::reasoning;
}

// opener_ holds the backticks, followed by the language in lower case.
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
  const bool body = is_json_space(c) || c == '{' || c == '[' || c == '<';
  if (ticks_ >= 3 && known && body && n_calls_ > 0 && item_.empty() && language.empty() && held_ == opener_) {
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
  if (is_json_space(c)) {
    held_ += c;
    return;
  }
  if (c == '<' || (c == '`' && context_ != Context::fence)) return begin_opener(c);
  if (c == '{' || c == '[') return begin_value(c);
  candidate_is_text();
  if (!done_) step(c);
}

// The candidate is not a call: the held text is passed on, or ends the answer if there were calls before it.
void CallParser::candidate_is_text() {
  if (n_calls_ > 0) {
    done_ = true;
    held_.clear();
    return;
  }
  // Backticks after words are a fence if a call or a new line follows; in a sentence they are backticks.
  if (context_ == Context::fence && inline_fence_ && held_.find('\n') == std::string::npos) context_ = Context::bare;
  mode_ = context_ == Context::fence ? Mode::plain_fence : Mode::text;
  fence_first_line_ = held_.find('\n') == std::string::npos;
  fence_run_ = 0;
  for (const char c : held_) line_start_ = c == '\n' || (line_start_ && is_json_space(c));
  put(held_);
  held_.clear();
  opener_.clear();
  by_trigger_ = false;
}

}  // namespace baton::llm
