#pragma once
// Converts tokens to text while they arrive. push() always returns whole UTF-8 characters, wherever the model cut them.
#include <baton/llm/tokenizer/tokenizer.h>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace baton::llm {

// Converts bytes to valid UTF-8, incrementally. Each maximal invalid subpart (Unicode 15, section 3.9; the same as Python's
// errors='replace') becomes one U+FFFD; the result does not depend on how the bytes were cut into pushes. At most 3 bytes are held back.
class Utf8Stream {
 public:
  void push(std::string_view bytes, std::string& out);
  void flush(std::string& out);  // an unfinished character becomes U+FFFD
  bool empty() const { return n_held_ == 0; }

 private:
  std::array<char, 4> held_{};
  std::size_t n_held_ = 0;
};

// One generated sequence. Not thread-safe; the tokenizer must outlive it.
// Control tokens give no text unless `render_control`; user-defined ones (<tool_call>) always do. The space that a SentencePiece-style
// vocabulary puts before the first word is dropped when `at_start`, i.e. when the first token pushed is the first of the text. Ids outside
// the vocabulary give U+FFFD.
class Detokenizer {
 public:
  explicit Detokenizer(const Tokenizer& tokenizer, bool render_control = false, bool at_start = false);

  std::string push(std::int32_t id);  // the text completed by this token, possibly empty
  std::string flush();                // at the end: the text still held back

 private:
  const Tokenizer* tokenizer_;
  bool render_control_;
  bool at_start_;
  Utf8Stream utf8_;
};

}  // namespace baton::llm
