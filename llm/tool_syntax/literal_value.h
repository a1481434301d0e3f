#pragma once
// Values in the notation of programming languages: f(city='Paris', days=3, deep=True). JSON's values, and Python's words, single quotes,
// tuples and keys without quotes.
#include <baton/llm/chat/types.h>

#include <optional>
#include <string>
#include <string_view>

namespace baton::llm {

// Finds the end of a value that is followed by white space, a closing bracket, or one of `stops`. Not thread-safe.
class LiteralScanner {
 public:
  // quote_open, quote_close: words that enclose strings without escapes, in addition to quotes; empty: there are none.
  LiteralScanner(std::string quote_open, std::string quote_close, std::string stops)
      : quote_open_(std::move(quote_open)), quote_close_(std::move(quote_close)), stops_(std::move(stops)) {}

  void reset();
  // False: c does not belong to the value. Within the value's own brackets and strings, every character does.
  bool step(char c);
  const std::string& text() const { return text_; }
  bool in_string() const { return !closing_.empty(); }

 private:
  std::string quote_open_, quote_close_, stops_, text_, closing_;  // closing_: of the open string; empty: none is open
  std::size_t depth_ = 0;
  std::size_t string_begin_ = 0;
  bool escape_ = false;
  bool blank_ = true;  // only white space so far
};

// The contents of a string in single quotes.
std::string in_single_quotes(std::string_view text);

// Null: not such a value.
std::optional<Json> read_literal(std::string_view text, const std::string& quote_open = "", const std::string& quote_close = "");

}  // namespace baton::llm
