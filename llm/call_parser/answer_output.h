#pragma once
// What an answer has shown so far: its text, its reasoning and its calls, as deltas. Internal to the folder.
#include <baton/llm/chat/types.h>
#include <baton/llm/tool_syntax/json_scanner.h>

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "list_marker.h"

namespace baton::llm {

class AnswerOutput {
 public:
  explicit AnswerOutput(std::function<std::string()> new_call_id) : new_call_id_(std::move(new_call_id)) {}

  std::vector<Delta> take();  // everything since the last call

  // ---- Text
  void put(std::string_view text);
  // White space, and emphasis before a possible call. It is shown with the text after it, and dropped if a call follows.
  void add_space(char c) {
    if (!trims_) space_ += c;
  }
  void add_mark(char c);
  const std::string& space() const { return space_; }
  void drop_space() { space_.clear(); }
  void drop_last_space(std::size_t n) { space_.resize(space_.size() - n); }
  void put_space();
  // At the end of an answer without calls. White space that nothing followed since the reasoning ended is not shown.
  void put_last_space() {
    if (!trims_) put_space();
  }
  void begin_reasoning();
  void end_reasoning();
  bool has_text() const { return has_text_; }  // no reasoning may begin any more
  void flush();

  // ---- Calls
  // One call is written at a time: it starts, gets arguments, and is finished. A call that was not started before is output whole.
  void start_call(const std::string& name);
  void give_arguments(std::string_view written);  // all of them so far
  // begin, end: of the call in the answer.
  void finish_call(std::string name, Json arguments, bool own_form, JsonScanner::Range in_answer);
  bool call_is_started() const { return started_; }
  bool give_call_up() { return std::exchange(started_, false); }  // what was output of it stays. Returns whether it was started
  int n_calls() const { return n_calls_; }
  bool last_is_own_form() const { return last_is_own_form_; }

  // ---- Tokens, whose probabilities are a call's confidence
  void forget_tokens() { tokens_.clear(); }
  void add_token(std::size_t begin, std::size_t size, float logprob) { tokens_.push_back({begin, size, logprob}); }

  ListMarker& list_marker() { return list_marker_; }  // of the text before the first call, and between calls

 private:
  enum class Kind { text, reasoning };
  struct Token {
    std::size_t begin;  // in the answer
    std::size_t size;
    float logprob;
  };
  double confidence(JsonScanner::Range range) const;

  const std::function<std::string()> new_call_id_;
  std::vector<Delta> deltas_;
  Kind kind_ = Kind::text;  // of ready_
  std::string ready_;       // is output by the next flush()
  std::string space_;
  bool trims_ = false;  // white space is dropped until other text comes
  bool has_text_ = false;
  ListMarker list_marker_;
  std::vector<Token> tokens_;  // from the one in which the candidate began
  int n_calls_ = 0;
  bool started_ = false;
  bool last_is_own_form_ = false;
  std::string call_id_;
  std::size_t given_ = 0;  // bytes of the arguments of the started call
};

}  // namespace baton::llm
