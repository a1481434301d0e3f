#pragma once
// Finds the tool calls in an answer while it is being written, and passes everything else on as text.
//
// Models write calls in many forms, whatever their template asks for, so all of these are read:
//   - a JSON object, or a list of objects, that begins a line (or the answer), white space, asterisks and opening brackets before it aside,
//     and is a call of a tool that was offered;
//   - the same in a code fence, ```json, ```tool_call, ```xml or without a language; the fence may follow words on their line. If words
//     also follow it on that line, it is an example in a sentence, and stays text;
//   - the same between <tool_call> tags, anywhere in the text. These tags have no other meaning, so here the tool's name may be unknown;
//     the caller has to report that. The tags <tools>, <tool>, <tool_calls>, <function_call> and <function_calls> are read likewise, for
//     offered tools only.
//   - the syntax of the model's own template (tool_syntax.h), whatever it is: as between <tool_call> tags.
// A call is {"name": N, "arguments": {..}}, {"name": N, "parameters": {..}}, {"function": N, "arguments": {..}}, {"tool": N, ..} or
// {"type": "function", "function": {"name": N, "arguments": {..}}}, with nothing else in the object but "id", "type" and what the template
// has there. Arguments that are a string of JSON are decoded. A list counts when every element is a call. In <tool_call> tags arguments may
// be missing.
//
// These stay text: JSON of any other shape (a tool's own description, repeated, has a "description" or a schema); JSON after other words on
// its line without a fence; everything inside a code fence of another kind; a nested part of other JSON; and calls that are cut off or
// cannot be read. If such text was clearly meant as a call, malformed() says what is wrong.
//
// Slips that have only one reading are forgiven (json_scanner.h lists those inside JSON): a stray closing bracket, fence or tag after a
// call; a closing tag or fence that is missing; one closing bracket that is missing at the answer's end, before a closing fence or tag.
//
// After a call, only white space, closers and further calls belong to the answer, because small models continue by inventing the result.
// The first other character ends the answer (done()), and is dropped. If the call was an item of a list ("1. Find the house:"), the next
// item belongs to the answer too, provided that it contains a call: its words are dropped, and if no call follows, the answer ended before
// them.
//
// <think>..</think> before any other text is reasoning. It is kept apart and never searched for calls.
//
// The output does not depend on how the text was cut into pushes, except for the places where deltas of text and arguments end. Time is
// linear in the text, and only text that may still become a call is held back. Calls are output whole: started, arguments and finished
// together. If it is certain that the text being written becomes a call (certain()), its arguments are output while they are written.
#include <baton/llm/chat/types.h>
#include <baton/llm/tool_syntax/tool_syntax.h>

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "answer_output.h"
#include "call_shape.h"
#include "json_call.h"
#include "own_syntax.h"

namespace baton::llm {

struct CallParserOptions {
  std::vector<ToolSpec> tools;       // the offered tools; empty: nothing is read as a call
  ToolSyntax syntax;                 // of the model's template
  bool parallel = true;              // false: the first call ends the answer
  bool starts_in_reasoning = false;  // the prompt ended with an open <think>
  std::function<std::string()> new_call_id;
};

// Parses one answer. Three machines share the work: this class finds what may begin a call in prose (tags, fences, reasoning), JsonCall
// reads JSON that may be a call, and OwnSyntax the template's own syntax. Not thread-safe.
class CallParser {
 public:
  explicit CallParser(CallParserOptions options);
  CallParser(const CallParser&) = delete;
  CallParser& operator=(const CallParser&) = delete;

  // `text`: whole UTF-8 characters. `logprob`: of the token that the text comes from; every token is pushed, even one without text.
  void push(std::string_view text, float logprob, std::vector<Delta>& out);
  // Ends the answer. `cut`: it was cut off (length, cancelled) and not ended by the model, so nothing is repaired.
  void finish(bool cut, std::vector<Delta>& out);

  bool done() const { return mode_ == Mode::done; }  // the following text does not belong to the answer
  int n_calls() const { return output_.n_calls(); }
  // A call whose name has begun.
  struct OpenName {
    enum class Place { object, list, own } place;  // JSON alone, JSON in a list, the template's own syntax
    std::string_view before;                       // the candidate's text up to the name's first byte
    std::string_view since;                        // and from there on
    bool own_form = false;                         // written as the template writes calls
    bool quotable = false;                         // in a fence after words on its line: words after it on that line make it an example
  };
  std::optional<OpenName> open_name() const;
  // Sets whether the text being written is certain to become a readable call, because a constraint enforces it. It is then output while it
  // is written.
  void certain(bool is) { certain_ = is; }
  // The first function tells where the current candidate began, in bytes of the pushed text. The second withdraws everything from `begin`
  // on, which may be white space before the candidate.
  std::size_t candidate_begin() const { return offset_ - held_.size(); }
  bool can_drop_candidate(std::size_t begin) const;
  void drop_candidate(std::size_t begin);
  // Returns to `begin`, where the answer's only call began, because that call is written once more as the first of a list.
  void begin_list_again(std::size_t begin);
  bool in_own_form() const { return output_.last_is_own_form(); }  // the last call was in the template's form
  const std::string& malformed() const { return malformed_; }
  // Bytes of the pushed text that belong to the answer. Less than all only after done().
  std::size_t length() const { return done() ? length_ : offset_; }
  // There were more calls than were output (not parallel), or one was cut off before its arguments.
  bool left_out_calls() const { return left_out_calls_; }

  // Whether a token of this text has a meaning here even if it is a control token.
  static bool is_tag(std::string_view text) { return is_call_tag(text); }

 private:
  enum class Mode {
    text,         // looking for openers
    reasoning,    // until </think>
    opener,       // in a possible tag or code fence
    prefix,       // after a complete opener: white space, another opener or a value must follow
    value,        // in JSON that may be a call
    after_value,  // after JSON that is a call, if no words follow it on its line
    plain_json,   // in JSON that is not a call, passed on
    plain_fence,  // in a code fence without calls, passed on
    word,         // in a possible word of the template's own syntax
    own,          // in a call in that syntax
    after_own,    // after such a call
    done,         // the answer has ended
  };
  enum class Context { bare, fence, tag, tool_call_tag };
  // The code fence that the candidate or the text is in, and the one that may be beginning.
  struct Fence {
    std::size_t ticks = 0;       // backticks at its beginning
    std::size_t new_ticks = 0;   // of the one that may be beginning
    std::size_t run = 0;         // backticks just read in it
    bool after_words = false;    // the one that may be beginning follows words on its line
    bool in_first_line = false;  // of a fence without calls
  };

  void step(char c);
  void step_text(char c);
  void step_reasoning(char c);
  void step_opener(char c);
  void step_fence_opener(char c);
  void step_prefix(char c);
  void step_value(char c);
  void step_after_value(char c);
  void step_plain_json(char c);
  void step_plain_fence(char c);
  void step_word(char c);
  void step_own(char c);
  void step_after_own(char c);

  // Prose
  void begin_opener(char c);
  void tag_complete();
  void fence_complete(char c);
  void enter_fence();
  void candidate_is_text();
  void begin_reasoning(const std::string& end);
  // JSON
  void begin_value(char c);
  void value_complete();
  void value_is_call();
  void value_is_text();
  void value_is_broken(const std::string& why);
  void call_is_cut(const std::string& name);
  // The template's own syntax
  void held_again();
  void read_again(const std::string& text);
  void begin_own();
  void own_complete();
  void own_is_broken(const std::string& why);
  void call_is_over();

  bool offers_tools() const { return !options_.tools.empty(); }
  bool is_own_form() const;
  void end() { mode_ = Mode::done; }

  const CallParserOptions options_;
  const CallKeys keys_;
  AnswerOutput output_;
  JsonCall json_;
  OwnSyntax own_;
  Mode mode_ = Mode::text;
  Context context_ = Context::bare;  // of the candidate
  std::size_t offset_ = 0;           // bytes read
  std::size_t length_ = 0;           // of the answer up to the last call and its closers
  std::string held_;                 // the candidate, from its first opener on
  std::string opener_;               // the current opener, the end of held_
  Fence fence_;
  std::size_t value_end_ = 0;  // in held_, with Mode::after_value
  std::size_t own_begin_ = 0;  // of the name of a call in the template's syntax, in held_
  std::size_t own_at_ = 0;     // of that call, in the answer
  bool line_start_ = true;     // only white space so far on this line
  bool broken_tag_ = false;    // after an unreadable call in tags: until they close, only tags may begin a call
  bool no_word_ = false;       // the next character does not begin a word of the syntax: it was tried
  bool by_word_ = false;       // the candidate is JSON after a word of the syntax
  bool certain_ = false;
  bool left_out_calls_ = false;
  std::string item_;  // the next item of a list after a call, as far as it is read
  std::string malformed_;
  std::string reasoning_end_;
};

}  // namespace baton::llm
