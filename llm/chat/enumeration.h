#pragma once
// Whether an answer goes on with a list of which an item was a call:
//
//   1. **Find the house:**        the words before the call: see()
//   {"name": "find", ...}
//   2. **Book it:**               what stands behind it: goes_on()
//   {"name": "book", ...}
//
// Items are numbered, 1. or 1), and go on with the next number; or they begin with -, * or #, and go on with the same.
#include <cstddef>
#include <string>
#include <string_view>

namespace baton::llm {

class Enumeration {
 public:
  // Words of the answer, or of an item, in order.
  void see(std::string_view text);
  // Whether `item`, which is not empty, is the beginning of a next item or may become one.
  bool goes_on(std::string_view item) const;

 private:
  static constexpr std::size_t kMaxItem = 300;  // bytes before its call: it is not shown, and a model may go on without one for ever

  std::string line_;  // as much of it as tells its marker
  char mark_ = 0;     // of the last line that was not blank: - * or #; else 0
  int number_ = 0;    // the last one that began a line
};

}  // namespace baton::llm
