#include "text.h"

#include <utility>

namespace baton::tools {

// Table 3-7 of the Unicode standard: the second byte's range depends on the first.
Utf8Sequence first_utf8_sequence(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return {1, true};
  const std::size_t length = lead >= 0xC2 && lead <= 0xDF ? 2 : lead >= 0xE0 && lead <= 0xEF ? 3 : lead >= 0xF0 && lead <= 0xF4 ? 4 : 0;
  if (length == 0) return {1, false};
  const unsigned char low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  const unsigned char high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  for (std::size_t i = 1; i < length; ++i) {
    if (i >= text.size() || byte(i) < (i == 1 ? low : 0x80) || byte(i) > (i == 1 ? high : 0xBF)) return {i, false};
  }
  return {length, true};
}

namespace {

// Length of the longest valid prefix.
std::size_t valid_prefix(std::string_view text) {
  std::size_t n = 0;
  while (n < text.size()) {
    const Utf8Sequence s = first_utf8_sequence(text.substr(n));
    if (!s.valid) break;
    n += s.length;
  }
  return n;
}

}  // namespace

bool is_valid_utf8(std::string_view text) { return valid_prefix(text) == text.size(); }

std::string valid_utf8(std::string text) {
  std::string_view in = text;
  std::size_t valid = valid_prefix(in);
  if (valid == in.size()) return text;  // most text is valid, and is then not copied
  std::string out;
  while (true) {
    out += in.substr(0, valid);
    in.remove_prefix(valid);
    if (in.empty()) return out;
    out += "\xEF\xBF\xBD";
    in.remove_prefix(first_utf8_sequence(in).length);
    valid = valid_prefix(in);
  }
}

std::size_t utf8_prefix(std::string_view text, std::size_t max_bytes) {
  if (text.size() <= max_bytes) return text.size();
  std::size_t n = max_bytes;
  while (n > 0 && (static_cast<unsigned char>(text[n]) & 0xC0) == 0x80) --n;
  return n;
}

std::string fit_output(std::string text, std::size_t max_bytes) {
  // Only a part of the text is needed for the output, so a huge text is not converted as a whole; each byte becomes at least one.
  const std::size_t total = text.size();
  const bool long_input = total > max_bytes;
  if (long_input) text.resize(max_bytes);
  text = valid_utf8(std::move(text));
  if (!long_input && text.size() <= max_bytes) return text;
  const auto note = [&](std::size_t shown) {
    return "\n[output cut: the first " + std::to_string(shown) + " of " + std::to_string(total) + " bytes are shown]";
  };
  const std::size_t note_bytes = note(max_bytes).size();
  const std::size_t shown = utf8_prefix(text, max_bytes > note_bytes ? max_bytes - note_bytes : max_bytes);
  text.resize(shown);
  if (max_bytes > note_bytes) text += note(shown);
  return text;
}

char ascii_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string ascii_lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = ascii_lower(c);
  return out;
}

}  // namespace baton::tools
