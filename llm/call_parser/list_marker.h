#pragma once
// Detects whether an answer continues a list of which one item was a call:
//
//   1. **Find the house:**        the words before the call: see()
//   {"name": "find", ...}
//   2. **Book it:**               the text after it: continues()
//   {"name": "book", ...}
//
// Items are numbered, 1. or 1), and the next item has the next number; or they begin with -, * or #, and the next item with the same.
#include <cstddef>
#include <string>
#include <string_view>

namespace baton::llm {

class ListMarker {
 public:
  // Words of the answer, or of an item, in order.
  void see(std::string_view text);
  // Whether `item`, which is not empty, is or may become the beginning of a next item.
  bool continues(std::string_view item) const;

 private:
  static constexpr std::size_t kMaxItem = 300;  // bytes before its call: it is not shown, and a model may continue without one for ever

  std::string line_;  // as much of the line as its marker needs
  char mark_ = 0;     // of the last line that was not blank: - * or #; otherwise 0
  int number_ = 0;    // the last number at the beginning of a line
};

}  // namespace baton::llm
