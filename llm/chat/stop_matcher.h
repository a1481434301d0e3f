#pragma once
// Ends a streamed text before the first occurrence of any of some strings, wherever the stream is cut.
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace baton::llm {

// The stop string that is complete first decides; of several that are complete at the same byte, the longest. Bytes that may still become
// one are held back. One automaton per string (Knuth, Morris & Pratt 1977): linear in the text. Not thread-safe.
class StopMatcher {
 public:
  explicit StopMatcher(const std::vector<std::string>& stops);  // empty strings are ignored

  // Appends to `out` the bytes that are now known not to belong to a stop string.
  void push(std::string_view text, std::string& out);
  void flush(std::string& out);  // at the text's end: the bytes still held back
  bool stopped() const { return stopped_; }
  std::size_t length() const { return length_; }  // bytes output so far

 private:
  struct Automaton {
    std::string stop;
    std::vector<std::size_t> fallback;  // [n]: the longest proper border of the first n bytes
    std::size_t matched = 0;
  };
  std::vector<Automaton> automata_;
  std::string held_;
  std::size_t length_ = 0;
  bool stopped_ = false;
};

}  // namespace baton::llm
