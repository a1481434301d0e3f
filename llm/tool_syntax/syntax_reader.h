#pragma once
// Reads one call in a syntax that is not a JSON object with the name in it (ToolSyntax::Form::text): from its name on, byte by byte. White
// space between the parts of the syntax is flexible; inside values it belongs to the value. A value may contain its own closing tag: it
// ends only at a closing tag that is followed by another parameter or the end of the call. Within the strings of a list or an object,
// nothing closes the value, because the mask has JSON there.
#include <baton/llm/chat/types.h>
#include <baton/llm/json_schema/json_schema.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "json_scanner.h"
#include "literal_value.h"
#include "tool_syntax.h"

namespace baton::llm {

// Matches a text of the syntax.
class LiteralMatcher {
 public:
  enum class State { more, complete, failed };
  LiteralMatcher() = default;
  explicit LiteralMatcher(std::string_view literal);
  State step(char c);
  bool empty() const { return parts_.empty(); }  // there is nothing to match
  bool begun() const { return part_ > 0 || at_ > 0; }

 private:
  struct Part {
    bool after_hole = false;
    std::string text;  // without white space
  };
  static constexpr std::size_t kMaxHole = 200;  // bytes; a longer one is not a call
  std::vector<Part> parts_;
  std::size_t part_ = 0, at_ = 0;
  std::string hole_;
};

// A text of the syntax that may come next.
struct ExpectedText {
  LiteralMatcher matcher;
  bool open = false;  // the bytes so far match its beginning

  void expect(std::string_view literal) { *this = {LiteralMatcher(literal), true}; }
  LiteralMatcher::State step(char c) {
    const auto state = open ? matcher.step(c) : LiteralMatcher::State::failed;
    open = state != LiteralMatcher::State::failed;
    return state;
  }
};

// Not thread-safe. The syntax must outlive it.
class SyntaxReader {
 public:
  enum class State {
    more,
    call,         // this byte completes the call
    call_before,  // the call was complete before this byte, which does not belong to it
    error,
  };
  SyntaxReader(const ToolSyntax& syntax, std::shared_ptr<const std::vector<ToolSpec>> tools);

  void reset();
  State step(char c);
  // Called at the answer's end: whether the call is complete except for its closing words.
  bool close();

  bool named() const { return where_ != Where::name; }
  bool offered() const { return tool_ != nullptr; }
  const std::string& name() const { return name_; }
  const Json& arguments() const { return arguments_; }  // with State::call and call_before
  // JSON text of the arguments, as far as they were written; with parameters, the complete ones.
  const std::string& written() const { return syntax_->has_json_arguments() ? json_.text() : written_; }
  const std::string& error() const { return error_; }

 private:
  enum class Where { name, opening, json, key, assign, raw_value, literal_value, after_value };

  State fail(std::string why);
  State step_part(char c);
  State reopen();
  void keep_closed();
  void keep_value(const std::string& key, Json value);
  State step_name(char c);
  State step_opening(char c);
  State step_json(char c);
  State step_key(char c);
  State step_assign(char c);
  State step_raw_value(char c);
  State step_after_value(char c);
  State complete(State as);
  std::string value_end() const;
  void begin_value();
  bool begins_json(char c) const;
  void end_value(Json value);

  const ToolSyntax* syntax_;
  std::shared_ptr<const std::vector<ToolSpec>> tools_;
  std::string delimiter_;                  // of raw values, with the white space before it, which is not part of the value
  std::string name_stops_;                 // bytes that may end a name
  std::string separator_rest_, end_rest_;  // after the delimiter

  Where where_ = Where::name;
  std::string name_, key_, value_, error_, written_;
  const ToolSpec* tool_ = nullptr;
  std::optional<Schema> schema_;  // of its parameters, if they are not one JSON object
  Json arguments_;
  JsonScanner json_;
  LiteralScanner literal_;
  ExpectedText first_, none_, assign_, text_assign_, separator_, end_;
  bool told_text_ = false;                                 // the syntax declares this value a string
  enum class Raw { blank, text, json } raw_ = Raw::blank;  // kind of the raw value; blank: only white space so far
  struct Closed {
    std::string key, value;
    bool told_text;
  };
  std::optional<Closed> closed_;  // a value that has ended, provided that a valid continuation follows
  std::string tail_;              // the text read since
};

}  // namespace baton::llm
