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
#include <baton/llm/tool_syntax/json_scanner.h>
#include <baton/llm/tool_syntax/syntax_reader.h>
#include <baton/llm/tool_syntax/tool_syntax.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "call_shape.h"
#include "enumeration.h"

namespace baton::llm {

struct CallParserOptions {
  std::vector<ToolSpec> tools;       // the offered tools; empty: nothing is read as a call
  ToolSyntax syntax;                 // of the model's template
  bool parallel = true;              // false: the first call ends the answer
  bool starts_in_reasoning = false;  // the prompt ended with an open <think>
  std::function<std::string()> new_call_id;
};

// Parses one answer. Not thread-safe.
class CallParser {
 public:
  explicit CallParser(CallParserOptions options);
  CallParser(const CallParser&) = delete;
  CallParser& operator=(const CallParser&) = delete;

  // `text`: whole UTF-8 characters. `logprob`: of the token that the text comes from; every token is pushed, even one without text.
  void push(std::string_view text, float logprob, std::vector<Delta>& out);
  // Ends the answer. `cut`: it was cut off (length, cancelled) and not ended by the model, so nothing is repaired.
  void finish(bool cut, std::vector<Delta>& out);

  bool done() const { return done_; }  // the following text does not belong to the answer
  int n_calls() const { return n_calls_; }
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
  bool in_own_form() const { return last_is_own_; }  // the last call was in the template's form
  const std::string& malformed() const { return malformed_; }
  // Bytes of the pushed text that belong to the answer. Less than all only after done().
  std::size_t length() const { return done_ ? length_ : offset_; }
  // There were more calls than were output (not parallel), or one was cut off before its arguments.
  bool left_out_calls() const { return left_out_calls_; }

  // Whether a token of this text has a meaning here even if it is a control token.
  static bool is_tag(std::string_view text);

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
    trigger,      // in a possible word of the template's own syntax
    own,          // in a call in that syntax
    after_own,    // after such a call
  };
  enum class Context { bare, fence, tag, tool_call_tag };
  struct Mark {
    std::size_t offset;  // in the answer
    std::size_t size;
    float logprob;
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
  bool begin_trigger(char c);
  void step_trigger(char c);
  void step_own(char c);
  void step_after_own(char c);

  void begin_opener(char c);
  void tag_complete();
  void fence_complete(char c);
  void enter_fence();
  void begin_value(char c);
  bool may_be_call(char c);
  void value_complete();
  void value_is_call();
  void call_is_cut(const std::string& name);
  void value_is_text();
  void value_is_broken(const std::string& why);
  void candidate_is_text();
  void held_again();
  void read_again(const std::string& text);
  void begin_reasoning(const std::string& end);
  void begin_next();
  void begin_own();
  void own_complete();
  void own_is_broken(const std::string& why);
  void call_is_over();
  void note_arguments(char c);
  void start_call(const std::string& name);
  void give_arguments(std::string_view written);
  void emit_call(std::string name, Json arguments, JsonScanner::Range range);
  double confidence(std::size_t begin, std::size_t end) const;
  bool offered(std::string_view name) const;
  bool is_own_form() const;
  bool meant_as_call() const { return context_ == Context::tool_call_tag || !named_.empty(); }
  void put(std::string_view text);
  void put_space();
  void flush();

  CallParserOptions options_;
  const CallKeys keys_;
  Mode mode_ = Mode::text;
  Context context_ = Context::bare;  // of the candidate
  std::vector<Delta> deltas_;        // of this push
  std::vector<Mark> marks_;          // tokens, from the one in which the candidate began
  std::size_t offset_ = 0;           // bytes read
  std::size_t length_ = 0;           // of the answer up to the last call and its closers
  std::string ready_;                // text or reasoning that is output at the end of this push
  std::string space_;                // white space and emphasis, which are dropped if a call follows
  std::string held_;                 // the candidate, from its first opener on
  std::string opener_;               // the current opener, the end of held_
  JsonScanner scanner_;
  std::size_t value_begin_ = 0;    // in the answer
  std::size_t value_end_ = 0;      // in held_, with Mode::after_value
  bool quotable_ = false;          // of the current value: OpenName::quotable
  std::string key_;                // the last key of an object that may be a call
  std::string named_;              // the tool named by the candidate
  std::size_t ticks_ = 0;          // backticks of the current opener
  std::size_t fence_ticks_ = 0;    // of the fence that the candidate or the text is in
  std::size_t fence_run_ = 0;      // backticks just read in it
  bool fence_first_line_ = false;  // of the plain fence
  bool inline_fence_ = false;      // the current opener follows words on its line
  bool in_reasoning_ = false;      // the kind of text in ready_
  bool line_start_ = true;         // only white space so far on this line
  bool anything_yet_ = false;      // text has been written: no reasoning block may begin
  bool trim_ = false;              // white space is dropped until other text comes
  bool last_is_own_ = false;
  bool broken_tag_ = false;  // after an unreadable call in tags: until they close, only tags may begin a call
  Enumeration enumeration_;  // in the text before the first call, and between calls
  std::string item_;         // the next item after a call, as far as it is read
  bool done_ = false;
  bool left_out_calls_ = false;
  int n_calls_ = 0;
  std::string malformed_;
  std::string reasoning_end_;

  // The template's own syntax.
  struct Trigger {
    enum class Kind { call, json, reasoning, mark } kind;
    LiteralMatcher matcher;
    char first;
  };
  std::vector<Trigger> triggers_, running_;  // all of them, and those that the held text may be
  bool no_trigger_ = false;                  // the next character does not begin one: it was tried
  bool by_trigger_ = false;                  // the candidate is JSON after a word of the syntax
  SyntaxReader reader_;
  std::size_t own_begin_ = 0;       // of the name, in held_
  LiteralMatcher again_, closing_;  // after a call
  bool again_open_ = false, closing_open_ = false;

  // The call that is output while it is written.
  bool certain_ = false;
  bool started_ = false;
  std::string call_id_;
  std::size_t given_ = 0;                              // bytes of its arguments
  std::optional<std::size_t> name_at_, arguments_at_;  // in the scanner's text, of the element that is open
  std::size_t arguments_end_ = 0;                      // 0: not yet
  std::size_t n_known_ = 0;                            // elements of the next value that were output before it
  std::size_t n_given_ = 0;                            // elements of this value that were output already
};

}  // namespace baton::llm
