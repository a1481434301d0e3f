#pragma once
// UTF-8 functions of the tokenizer. Internal to llm/tokenizer.
#include <cstddef>
#include <string>
#include <string_view>

namespace baton::llm {

inline constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

// The first unit of non-empty `bytes`: a character, or one maximal invalid subpart (Unicode 15, section 3.9, table 3-7).
struct Utf8Unit {
  std::size_t size;  // bytes, at least 1
  bool valid;
  bool unfinished;  // not valid yet, but further bytes after the end of `bytes` could make it so
};
Utf8Unit first_unit(std::string_view bytes);

bool is_valid_utf8(std::string_view bytes);

// Appends `bytes` to `out`, with U+FFFD for each maximal invalid subpart.
void append_valid_utf8(std::string_view bytes, std::string& out);

void append_code_point(char32_t code_point, std::string& out);
// The code point of a valid character.
char32_t code_point(std::string_view character);

}  // namespace baton::llm
