#pragma once
// Reads one JSON object or list byte by byte, tells at once where it ends or stops being JSON, and keeps a repaired copy.
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace baton::llm {

// Slips of small models with only one reading, which are repaired in text():
//   - a comma before a closing bracket;
//   - Python's True, False and None;
//   - line feeds, tabs and other control characters inside strings, and \' there;
//   - a doubled opening brace, {{"name": .., with or without the second closing one (the template of one common model shows its call format
//     so);
//   - a closing brace too many after an element of the outermost list;
//   - close(): the one bracket that is missing at the end.
// White space between values is left out of text(), and numbers are written as by nlohmann/json. Numbers and escapes are only checked
// roughly, so text() still has to be parsed. Not thread-safe.
class JsonScanner {
 public:
  enum class State { more, complete, error };
  enum class Event { none, key, string };  // a key or a string value has just ended

  static constexpr std::size_t kMaxDepth = 64;

  void reset();
  // The first byte must be { or [. Nothing may be pushed after `complete` or `error`.
  State step(char c);
  // Called at the end of the input. Adds the closing bracket of the outermost value if exactly that is missing. False: it is incomplete.
  bool close();

  Event event() const { return event_; }               // of the last step
  std::size_t depth() const { return stack_.size(); }  // open brackets
  bool is_list() const { return is_list_; }            // the outermost value
  bool in_list_gap() const { return depth() == 1 && is_list_ && where_ != Where::literal && where_ != Where::string; }
  std::string_view string() const {
    return std::string_view(text_).substr(string_begin_, string_end_ - string_begin_);
  }  // with event(), raw
  const std::string& text() const { return text_; }
  const std::string& error() const { return error_; }  // which character was found where, for people

  struct Range {
    std::size_t begin, end;  // bytes pushed
  };
  const std::vector<Range>& elements() const { return elements_; }  // of the outermost list; of an object: itself

 private:
  enum class Where { start, key, colon, value, after_value, string, literal };

  State fail(char c, std::string_view expected);
  State step_value(char c);
  State step_key(char c);
  State step_after_value(char c);
  State step_string(char c);
  State step_literal(char c);
  State open(char c);
  State shut(char c);
  bool end_literal();
  void begin_element();
  void put_comma();

  Where where_ = Where::start;
  Event event_ = Event::none;
  std::string stack_;
  std::string text_;
  std::string error_;
  std::string literal_;
  std::vector<Range> elements_;
  std::size_t n_ = 0;  // bytes pushed
  std::size_t string_begin_ = 0, string_end_ = 0;
  bool is_list_ = false;
  bool comma_ = false;  // one is to be written before the next element
  bool empty_ = false;  // the innermost container has no element yet
  bool string_is_key_ = false;
  bool escape_ = false;
};

}  // namespace baton::llm
