#include "string_literal.h"

#include <cstdint>
#include <cstdio>

#include <baton/llm/template_values/unicode.h>

namespace baton::llm::jinja {
namespace {

// Reads `digits` hexadecimal digits at `at`; -1 when there are fewer.
std::int64_t read_hex(std::string_view text, std::size_t at, std::size_t digits) {
  if (at + digits > text.size()) return -1;
  std::int64_t value = 0;
  for (std::size_t i = 0; i < digits; ++i) {
    char c = text[at + i];
    int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return value;
}

char simple_escape(char c) {
  switch (c) {
    case '\\':
      return '\\';
    case '\'':
      return '\'';
    case '"':
      return '"';
    case 'a':
      return '\a';
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case 'v':
      return '\v';
    default:
      return 0;
  }
}

// jinja2 writes other characters as ASCII escapes before it decodes a literal, so a backslash before one escapes that escape's own
// backslash.
std::string ascii_escape(std::int32_t code) {
  char buffer[16];
  std::snprintf(buffer, sizeof buffer, code < 0x100 ? "x%02x" : code < 0x10000 ? "u%04x" : "U%08x", static_cast<unsigned>(code));
  return buffer;
}

// \xHH, \uHHHH or \UHHHHHHHH with the letter at `at`; moves `at` after it.
bool append_code(std::string_view literal, std::size_t& at, std::string& value, std::string& problem) {
  char letter = literal[at];
  std::size_t digits = letter == 'x' ? 2 : letter == 'u' ? 4 : 8;
  std::int64_t code = read_hex(literal, at + 1, digits);
  if (code < 0) {
    problem = std::string("truncated \\") + letter + " escape in a string";
    return false;
  }
  at += 1 + digits;
  bool high = code >= 0xD800 && code < 0xDC00;
  if (high && literal.substr(at, 2) == "\\u") {
    std::int64_t low = read_hex(literal, at + 2, 4);
    if (low >= 0xDC00 && low < 0xE000) {
      code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
      at += 6;
    }
  }
  if (code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) {
    problem = "illegal Unicode character in a string";
    return false;
  }
  append_utf8(value, static_cast<std::int32_t>(code));
  return true;
}

}  // namespace

bool unescape(std::string_view literal, std::string& value, std::string& problem) {
  for (std::size_t at = 0; at < literal.size();) {
    char c = literal[at++];
    if (c != '\\' || at == literal.size()) {
      value += c;
      continue;
    }
    c = literal[at];
    if (char simple = simple_escape(c)) {
      value += simple;
      ++at;
    } else if (c == '\n') {
      ++at;
    } else if (c >= '0' && c <= '7') {
      int code = 0;
      for (int i = 0; i < 3 && at < literal.size() && literal[at] >= '0' && literal[at] <= '7'; ++i)
        code = code * 8 + (literal[at++] - '0');
      append_utf8(value, code);
    } else if (c == 'x' || c == 'u' || c == 'U') {
      if (!append_code(literal, at, value, problem)) return false;
    } else if (c == 'N') {
      problem = "character names (\\N{..}) are not supported";
      return false;
    } else if (static_cast<unsigned char>(c) >= 0x80) {
      Character character = character_at(literal, at);
      value += '\\';
      if (character.code >= 0) {
        value += ascii_escape(character.code);
      } else {
        value.append(literal.substr(at, character.size));
      }
      at += character.size;
    } else {
      value += '\\';
    }
  }
  return true;
}

}  // namespace baton::llm::jinja
