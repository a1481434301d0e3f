#pragma once
// Splits a stream of bytes into lines. Internal to the folder.
#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

namespace baton::tools {

class LineSplitter {
 public:
  explicit LineSplitter(std::size_t max_line) : max_line_(std::max<std::size_t>(max_line, 1)) {}

  // Calls `line` for each line that `text` completes, and for each max_line bytes of a longer one.
  template <class F>
  void take(std::string_view text, F line) {
    while (!text.empty()) {
      const std::size_t newline = text.find('\n');
      const std::size_t n = std::min(std::min(newline, text.size()), max_line_ - pending_.size());
      pending_ += text.substr(0, n);
      text.remove_prefix(n);
      const bool complete = !text.empty() && text.front() == '\n';
      if (complete) text.remove_prefix(1);
      if (complete || pending_.size() == max_line_) {
        // A long line that was passed on in pieces ends without an empty piece.
        if (!(complete && pending_.empty() && in_pieces_)) line(std::string_view(pending_));
        in_pieces_ = !complete;
        pending_.clear();
      }
    }
  }

  // Calls `line` with the text after the last newline.
  template <class F>
  void finish(F line) {
    if (!pending_.empty()) line(std::string_view(pending_));
    pending_.clear();
  }

 private:
  const std::size_t max_line_;
  std::string pending_;
  bool in_pieces_ = false;
};

}  // namespace baton::tools
