#include "answer_output.h"

#include <baton/llm/tool_syntax/json_dump.h>

#include <algorithm>
#include <cmath>

namespace baton::llm {

std::vector<Delta> AnswerOutput::take() {
  flush();
  return std::exchange(deltas_, {});
}

void AnswerOutput::put(std::string_view text) {
  if (text.empty()) return;
  put_space();
  ready_ += text;
  trims_ = false;
  if (kind_ == Kind::reasoning) return;
  has_text_ = true;
  list_marker_.see(text);
}

void AnswerOutput::add_mark(char c) {
  trims_ = false;
  has_text_ = true;
  space_ += c;
}

void AnswerOutput::put_space() {
  if (kind_ == Kind::text) list_marker_.see(space_);
  ready_ += space_;
  space_.clear();
}

void AnswerOutput::begin_reasoning() {
  space_.clear();
  kind_ = Kind::reasoning;
  trims_ = true;
}

void AnswerOutput::end_reasoning() {
  flush();
  space_.clear();
  kind_ = Kind::text;
  trims_ = true;
}

void AnswerOutput::flush() {
  if (ready_.empty()) return;
  if (kind_ == Kind::reasoning) {
    deltas_.push_back(ReasoningDelta{std::move(ready_)});
  } else {
    deltas_.push_back(TextDelta{std::move(ready_)});
  }
  ready_.clear();
}

void AnswerOutput::start_call(const std::string& name) {
  flush();
  started_ = true;
  given_ = 0;
  call_id_ = new_call_id_();
  space_.clear();
  deltas_.push_back(CallStarted{n_calls_, call_id_, name});
}

void AnswerOutput::give_arguments(std::string_view written) {
  if (written.size() <= given_) return;
  deltas_.push_back(CallArguments{n_calls_, std::string(written.substr(given_))});
  given_ = written.size();
}

void AnswerOutput::finish_call(std::string name, Json arguments, bool own_form, JsonScanner::Range in_answer) {
  if (!started_) {
    start_call(name);
    give_arguments(dumped(arguments));
  }
  started_ = false;
  last_is_own_form_ = own_form;
  ToolCall call{std::exchange(call_id_, {}), std::move(name), std::move(arguments)};
  deltas_.push_back(CallFinished{n_calls_, std::move(call), confidence(in_answer)});
  ++n_calls_;
}

double AnswerOutput::confidence(JsonScanner::Range range) const {
  double sum = 0;
  int n = 0;
  for (const Token& token : tokens_) {
    const std::size_t last = token.begin + std::max<std::size_t>(token.size, 1);
    if (token.begin >= range.end || last <= range.begin) continue;
    sum += token.logprob;
    ++n;
  }
  return n == 0 ? 1.0 : std::clamp(std::exp(sum / n), 0.0, 1.0);
}

}  // namespace baton::llm
