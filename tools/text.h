#pragma once
// Makes arbitrary bytes fit to be shown to a model.
#include <cstddef>
#include <string>
#include <string_view>

namespace baton::tools {

// The first code point of a non-empty text, or else the maximal subpart of an ill-formed sequence there.
struct Utf8Sequence {
  std::size_t length;  // bytes
  bool valid;
};
Utf8Sequence first_utf8_sequence(std::string_view text);

// Every maximal subpart of an ill-formed sequence becomes one U+FFFD, as the Unicode standard recommends.
std::string valid_utf8(std::string text);
bool is_valid_utf8(std::string_view text);

// The largest n <= max_bytes at which valid UTF-8 can be cut without splitting a code point.
std::size_t utf8_prefix(std::string_view text, std::size_t max_bytes);

// valid_utf8, limited to max_bytes: a longer text ends with a line that says how much of it is shown. If max_bytes cannot hold that line,
// only the cut text remains.
std::string fit_output(std::string text, std::size_t max_bytes);

// Lowers A to Z only, as in names of hosts, headers and media types.
char ascii_lower(char c);
std::string ascii_lower(std::string_view text);

}  // namespace baton::tools
