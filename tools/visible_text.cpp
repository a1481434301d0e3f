#include "visible_text.h"

#include <cstdint>
#include <cstdio>
#include <utility>

#include "text.h"

namespace baton::tools {
namespace {

// `sequence` is well-formed UTF-8 of one code point.
std::uint32_t code_point(std::string_view sequence) {
  const auto lead = static_cast<unsigned char>(sequence[0]);
  if (sequence.size() == 1) return lead;
  std::uint32_t value = lead & (0x7Fu >> sequence.size());
  for (const char c : sequence.substr(1)) value = value << 6 | (static_cast<unsigned char>(c) & 0x3Fu);
  return value;
}

bool must_be_shown(std::uint32_t c) {
  return c < 0x20 || (c >= 0x7F && c <= 0x9F) || c == 0x061C || c == 0x200E || c == 0x200F || (c >= 0x2028 && c <= 0x202E) ||
         (c >= 0x2066 && c <= 0x2069);
}

std::string hexadecimal(const char* form, std::uint32_t value) {
  char text[16];
  std::snprintf(text, sizeof text, form, static_cast<unsigned>(value));
  return text;
}

// The length of a character at the end whose last bytes have not arrived yet; 0: there is none.
std::size_t unfinished(std::string_view rest) {
  const auto lead = static_cast<unsigned char>(rest[0]);
  const std::size_t whole = lead >= 0xF0 && lead <= 0xF4 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC2 ? 2 : 1;
  return lead <= 0xF4 && rest.size() < whole ? rest.size() : 0;
}

// Appends `text` to `out`. With `held`, an unfinished character at the end is stored there instead.
void append(std::string& out, std::string_view text, LineBreaks breaks, std::string* held) {
  while (!text.empty()) {
    const Utf8Sequence s = first_utf8_sequence(text);
    const std::string_view bytes = text.substr(0, s.length);
    if (!s.valid && held && s.length == text.size() && unfinished(text) > 0) {
      held->assign(text);
      return;
    }
    text.remove_prefix(s.length);
    const std::uint32_t c = s.valid ? code_point(bytes) : 0;
    if (!s.valid) {
      for (const char byte : bytes) out += hexadecimal("\\x%02x", static_cast<unsigned char>(byte));
    } else if (c == '\n' || c == '\t') {
      out += breaks == LineBreaks::kept ? std::string(bytes) : c == '\n' ? "\\n" : "\\t";
    } else if (must_be_shown(c)) {
      out += hexadecimal(c < 0x80 ? "\\x%02x" : "\\u%04x", c);
    } else {
      out += bytes;
    }
  }
}

}  // namespace

std::string visible(std::string_view text, LineBreaks breaks) {
  std::string out;
  out.reserve(text.size());
  append(out, text, breaks, nullptr);
  return out;
}

std::string VisibleStream::add(std::string_view piece) {
  const std::string text = std::exchange(held_, {}).append(piece);
  std::string out;
  append(out, text, LineBreaks::kept, &held_);
  return out;
}

std::string VisibleStream::end() { return visible(std::exchange(held_, {}), LineBreaks::kept); }

std::string visible_json(std::string_view json) {
  std::string out;
  out.reserve(json.size());
  while (!json.empty()) {
    const Utf8Sequence s = first_utf8_sequence(json);
    const std::string_view bytes = json.substr(0, s.length);
    json.remove_prefix(s.length);
    const std::uint32_t c = s.valid ? code_point(bytes) : 0;
    // Below 0x20 there are only the newlines between values, because strings have them escaped already.
    if (c >= 0x7F && must_be_shown(c))
      out += hexadecimal("\\u%04x", c);
    else
      out += bytes;
  }
  return out;
}

}  // namespace baton::tools
