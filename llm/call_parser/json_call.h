#pragma once
// Reads JSON that may be a call or a list of calls. Internal to the folder.
#include <baton/llm/chat/types.h>
#include <baton/llm/tool_syntax/json_scanner.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "answer_output.h"
#include "call_shape.h"

namespace baton::llm {

class JsonCall {
 public:
  enum class State {
    more,
    complete,
    other,   // JSON that is not a call
    broken,  // the last byte cannot follow; it was not read
  };
  // How the JSON is written.
  struct Place {
    std::size_t begin = 0;  // in the answer
    bool tagged = false;    // between tags in which anything was meant as a call
    bool own_form = false;  // as the template writes calls
    bool quotable = false;  // words after it on its line make it an example: nothing is output before it is complete
  };

  // All must outlive this object. What is certain to become a call is output while it is written.
  JsonCall(const CallKeys& keys, const std::vector<ToolSpec>& tools, AnswerOutput& output)
      : keys_(&keys), tools_(&tools), output_(&output) {}

  // The first byte, which comes with the first step(), is { or [.
  void begin(const Place& place);
  // certain: a grammar makes sure that the text becomes a call.
  State step(char c, bool certain);
  JsonScanner::State step_other(char c) { return scanner_.step(c); }  // after State::other: a byte of that JSON
  bool close() { return scanner_.close(); }                           // JsonScanner::close
  // The first call of the next value was output already.
  void skip_first() { n_skipped_ = 1; }

  struct Calls {
    State state = State::complete;  // or other, or broken
    std::string why;                // broken
    std::vector<CallShape> calls;
  };
  Calls read() const;  // after State::complete, or close()
  // Outputs the calls that were not output yet, at most one of the answer unless `parallel`. Returns false if some are left out.
  bool put(std::vector<CallShape> calls, bool parallel);

  bool is_offered(std::string_view name) const;
  const Place& place() const { return place_; }
  void set_quotable(bool quotable) { place_.quotable = quotable; }
  bool is_list() const { return scanner_.is_list(); }
  std::size_t depth() const { return scanner_.depth(); }
  const std::string& error() const { return scanner_.error(); }
  const std::string& name() const { return name_; }  // of the tool that the value calls, as far as it is known
  void forget_name() { name_.clear(); }
  // The text since the open element's name began; null: it has not.
  std::optional<std::string_view> since_name() const;
  bool any_output() const { return n_output_ > 0; }  // calls of this value

 private:
  void note(char c, bool certain);
  bool may_be_call(char c);
  std::size_t element_depth() const { return scanner_.is_list() ? 2 : 1; }

  const CallKeys* keys_;
  const std::vector<ToolSpec>* tools_;
  AnswerOutput* output_;
  Place place_;
  JsonScanner scanner_;
  std::string key_;  // the last key of an object that may be a call
  std::string name_;
  std::optional<std::size_t> name_at_, arguments_at_;  // in the scanner's text, of the element that is open
  std::size_t arguments_end_ = 0;                      // 0: not yet
  std::size_t n_skipped_ = 0;                          // elements of the next value that were output before it
  std::size_t n_output_ = 0;                           // elements of this value that were output already
};

}  // namespace baton::llm
