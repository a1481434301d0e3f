#include "call_parser.h"

#include <baton/llm/grammar/json_layout.h>
#include <baton/llm/tool_syntax/call_openers.h>

#include <algorithm>

namespace baton::llm {

CallParser::CallParser(CallParserOptions options)
    : options_(std::move(options)),
      keys_(options_.syntax),
      output_(options_.new_call_id),
      json_(keys_, options_.tools, output_),
      own_(options_.syntax, options_.tools),
      reasoning_end_(options_.syntax.reasoning_close) {
  if (!options_.starts_in_reasoning) return;
  mode_ = Mode::reasoning;
  output_.begin_reasoning();
}

void CallParser::push(std::string_view text, float logprob, std::vector<Delta>& out) {
  if (held_.empty()) output_.forget_tokens();
  output_.add_token(offset_, text.size(), logprob);
  for (const char c : text) {
    if (done()) break;
    ++offset_;
    step(c);
  }
  std::vector<Delta> deltas = output_.take();
  std::move(deltas.begin(), deltas.end(), std::back_inserter(out));
}

void CallParser::finish(bool cut, std::vector<Delta>& out) {
  const char* const why = cut ? "the answer was cut off inside it" : "the answer ended inside it";
  if (mode_ == Mode::word) held_again();
  if (mode_ == Mode::own) {
    if (!cut && own_.call().close()) {
      own_complete();
    } else if (cut && certain_ && !output_.call_is_started()) {
      call_is_cut(own_.call().offered() ? own_.call().name() : std::string());
    } else {
      own_is_broken(why);
    }
  }
  if (mode_ == Mode::value) {
    if (!cut && json_.close()) {
      value_complete();
    } else if (cut && certain_ && !output_.call_is_started() && !json_.any_output()) {
      call_is_cut(json_.name());
    } else {
      value_is_broken(why);
    }
  }
  if (mode_ == Mode::after_value) value_is_call();
  if (mode_ == Mode::reasoning) output_.put(opener_);
  if ((mode_ == Mode::opener || mode_ == Mode::prefix) && n_calls() == 0) candidate_is_text();  // after a call it is a closing fence
  if (!done() && n_calls() == 0 && mode_ != Mode::reasoning) output_.put_last_space();
  if (!item_.empty()) end();
  std::vector<Delta> deltas = output_.take();
  std::move(deltas.begin(), deltas.end(), std::back_inserter(out));
}

std::optional<CallParser::OpenName> CallParser::open_name() const {
  const std::string_view held = held_;
  if (mode_ == Mode::own) return OpenName{OpenName::Place::own, held.substr(0, own_begin_), held.substr(own_begin_), true};
  const auto since = mode_ == Mode::value ? json_.since_name() : std::nullopt;
  if (!since) return std::nullopt;
  const auto place = json_.is_list() ? OpenName::Place::list : OpenName::Place::object;
  const std::string_view before = held.substr(0, held.size() - std::min(held.size(), since->size()));
  return OpenName{place, before, *since, json_.place().own_form, json_.place().quotable};
}

// Whether the current JSON is at the template's place for a call.
bool CallParser::is_own_form() const {
  const ToolSyntax& syntax = options_.syntax;
  if (by_word_) return true;
  if (syntax.form != ToolSyntax::Form::json_object && syntax.form != ToolSyntax::Form::json_list) return false;
  return context_ == (trimmed(syntax.calls_prefix).empty() ? Context::bare : Context::tool_call_tag);
}

bool CallParser::can_drop_candidate(std::size_t begin) const {
  const std::size_t candidate = candidate_begin();
  return begin <= candidate && candidate - begin <= output_.space().size() && !output_.call_is_started() && !json_.any_output() &&
         n_calls() == 0;
}

void CallParser::drop_candidate(std::size_t begin) {
  output_.drop_last_space(candidate_begin() - begin);
  offset_ = begin;
  held_.clear();
  opener_.clear();
  own_.give_word_up();
  by_word_ = certain_ = false;
  mode_ = Mode::text;
  line_start_ = line_start_ || !output_.has_text() || output_.space().find('\n') != std::string::npos;
}

void CallParser::begin_list_again(std::size_t begin) {
  offset_ = length_ = begin;
  held_.clear();
  opener_.clear();
  own_.give_word_up();
  mode_ = Mode::text;
  context_ = Context::bare;
  by_word_ = false;
  line_start_ = true;
  json_.skip_first();
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
    case Mode::word:
      return step_word(c);
    case Mode::own:
      return step_own(c);
    case Mode::after_own:
      return step_after_own(c);
    case Mode::done:
      return;
  }
}

// ---- Text

void CallParser::step_text(char c) {
  if (is_json_space(c)) {
    line_start_ = c == '\n' || (line_start_ && !output_.space().ends_with('*'));
    output_.add_space(c);
    if (!item_.empty()) item_ += c;
    return;
  }
  if (!std::exchange(no_word_, false) && own_.begin_word(c, output_.has_text() || n_calls() > 0)) {
    mode_ = Mode::word;
    return step_word(c);
  }
  const bool mark = kMarks.find(c) != kMarks.npos;
  if (mark && line_start_ && n_calls() == 0 && offers_tools()) {  // dropped like white space if a call follows
    output_.add_mark(c);
    return;
  }
  const bool after_call = n_calls() > 0 && item_.empty();
  const bool calls = offers_tools();
  if (c == '<' && (calls || !output_.has_text())) return begin_opener(c);
  if (calls && c == '`' && (line_start_ || after_call || n_calls() == 0) && !broken_tag_) return begin_opener(c);
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
  if (n_calls() == 0) return output_.put({&c, 1});
  item_ += c;
  if (!options_.parallel || !output_.list_marker().continues(item_)) end();
}

void CallParser::step_reasoning(char c) {
  if (opener_.empty() && is_json_space(c)) return output_.add_space(c);
  if (opener_.empty() && c != reasoning_end_.front()) return output_.put({&c, 1});
  opener_ += c;
  if (opener_ == reasoning_end_) {
    output_.end_reasoning();
    opener_.clear();
    line_start_ = true;
    mode_ = Mode::text;
    return;
  }
  if (reasoning_end_.starts_with(opener_)) return;
  opener_.pop_back();
  const std::string rejected = std::exchange(opener_, {});
  output_.put(rejected);
  if (rejected.empty()) return output_.put({&c, 1});
  step_reasoning(c);
}

// ---- Openers: tags and fences

void CallParser::begin_opener(char c) {
  if (mode_ != Mode::prefix) {
    context_ = Context::bare;
    json_.forget_name();
    fence_.after_words = !line_start_;
  }
  held_ += c;
  opener_ = c;
  fence_.new_ticks = 1;
  mode_ = Mode::opener;
}

void CallParser::step_opener(char c) {
  opener_ += c;
  switch (tag_of(opener_)) {
    case Tag::none:
      candidate_is_text();
      return done() ? void() : step(c);
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
    if (output_.has_text() || n_calls() > 0 || held_ != opener_) return candidate_is_text();
    return begin_reasoning(std::string(kThinkEnd));
  }
  if (tag == Tag::close) {
    broken_tag_ = false;
    if (n_calls() == 0 || held_ != opener_) return candidate_is_text();
    length_ = offset_;
    held_.clear();
    mode_ = Mode::text;
    return;
  }
  if (!offers_tools()) return candidate_is_text();
  if (tag == Tag::tool_call) {
    context_ = Context::tool_call_tag;
  } else if (context_ != Context::tool_call_tag) {
    context_ = Context::tag;
  }
  mode_ = Mode::prefix;
}

void CallParser::begin_reasoning(const std::string& end) {
  output_.begin_reasoning();
  held_.clear();
  opener_.clear();
  reasoning_end_ = end;
  mode_ = Mode::reasoning;
}

// opener_ holds the backticks, followed by the language in lower case.
void CallParser::step_fence_opener(char c) {
  if (c == '`' && opener_.size() == fence_.new_ticks) {
    ++fence_.new_ticks;
    opener_ += c;
    held_ += c;
  } else if (is_word(c) && fence_.new_ticks >= 3) {
    opener_ += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    held_ += c;
    if (may_be_call_fence(std::string_view(opener_).substr(fence_.new_ticks))) return;
    enter_fence();
    candidate_is_text();
  } else {
    fence_complete(c);
  }
}

void CallParser::fence_complete(char c) {
  const std::string language = opener_.substr(fence_.new_ticks);
  const bool known = is_call_fence(language);
  const bool body = is_json_space(c) || c == '{' || c == '[' || c == '<';
  if (fence_.new_ticks >= 3 && known && body && n_calls() > 0 && item_.empty() && language.empty() && held_ == opener_) {
    length_ = offset_ - 1;  // the closing fence; if another call follows, an opening one
    held_.clear();
    mode_ = Mode::text;
    return step(c);
  }
  if (fence_.new_ticks >= 3) enter_fence();
  if (fence_.new_ticks >= 3 && known && body) {
    mode_ = Mode::prefix;
    return step(c);
  }
  candidate_is_text();
  if (!done()) step(c);
}

void CallParser::enter_fence() {
  if (context_ != Context::bare) return;
  context_ = Context::fence;
  fence_.ticks = fence_.new_ticks;
}

void CallParser::step_prefix(char c) {
  if (is_json_space(c)) {
    held_ += c;
    return;
  }
  if (c == '<' || (c == '`' && context_ != Context::fence)) return begin_opener(c);
  if (c == '{' || c == '[') return begin_value(c);
  candidate_is_text();
  if (!done()) step(c);
}

// The candidate is not a call: the held text is passed on, or ends the answer if there were calls before it.
void CallParser::candidate_is_text() {
  if (n_calls() > 0) {
    held_.clear();
    return end();
  }
  // Backticks after words are a fence if a call or a new line follows; in a sentence they are backticks.
  if (context_ == Context::fence && fence_.after_words && held_.find('\n') == std::string::npos) context_ = Context::bare;
  mode_ = context_ == Context::fence ? Mode::plain_fence : Mode::text;
  fence_.in_first_line = held_.find('\n') == std::string::npos;
  fence_.run = 0;
  for (const char c : held_) line_start_ = c == '\n' || (line_start_ && is_json_space(c));
  output_.put(held_);
  held_.clear();
  opener_.clear();
  by_word_ = false;
}

}  // namespace baton::llm
