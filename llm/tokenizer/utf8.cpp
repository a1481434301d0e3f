#include "utf8.h"

#include <cstdint>
#include <cstring>

namespace baton::llm {
namespace {

struct Lead {
  std::size_t size;                       // of the whole character; 0: no character begins with this byte
  unsigned char low = 0x80, high = 0xBF;  // bounds of the second byte
};

// Unicode 15, table 3-7, well-formed UTF-8 byte sequences.
Lead lead_of(unsigned char byte) {
  if (byte < 0x80) return {1};
  if (byte < 0xC2) return {0};
  if (byte < 0xE0) return {2};
  if (byte == 0xE0) return {3, 0xA0, 0xBF};
  if (byte == 0xED) return {3, 0x80, 0x9F};
  if (byte < 0xF0) return {3};
  if (byte == 0xF0) return {4, 0x90, 0xBF};
  if (byte < 0xF4) return {4};
  if (byte == 0xF4) return {4, 0x80, 0x8F};
  return {0};
}

std::size_t ascii_prefix(std::string_view bytes) {
  std::size_t n = 0;
  for (std::uint64_t word; n + sizeof(word) <= bytes.size(); n += sizeof(word)) {
    std::memcpy(&word, bytes.data() + n, sizeof(word));
    if (word & 0x8080808080808080u) break;
  }
  while (n < bytes.size() && static_cast<unsigned char>(bytes[n]) < 0x80) ++n;
  return n;
}

// Length of the longest valid prefix.
std::size_t valid_prefix(std::string_view bytes) {
  std::size_t n = 0;
  while (n < bytes.size()) {
    n += ascii_prefix(bytes.substr(n));
    if (n == bytes.size()) break;
    const auto unit = first_unit(bytes.substr(n));
    if (!unit.valid) break;
    n += unit.size;
  }
  return n;
}

}  // namespace

Utf8Unit first_unit(std::string_view bytes) {
  const auto lead = lead_of(static_cast<unsigned char>(bytes[0]));
  if (lead.size == 0) return {1, false, false};
  for (std::size_t i = 1; i < lead.size; ++i) {
    if (i == bytes.size()) return {i, false, true};
    const auto byte = static_cast<unsigned char>(bytes[i]);
    const bool fits = i == 1 ? byte >= lead.low && byte <= lead.high : (byte & 0xC0) == 0x80;
    if (!fits) return {i, false, false};
  }
  return {lead.size, true, false};
}

bool is_valid_utf8(std::string_view bytes) { return valid_prefix(bytes) == bytes.size(); }

void append_valid_utf8(std::string_view bytes, std::string& out) {
  while (!bytes.empty()) {
    const auto valid = valid_prefix(bytes);
    out.append(bytes.substr(0, valid));
    bytes.remove_prefix(valid);
    if (bytes.empty()) break;
    out.append(kReplacement);
    bytes.remove_prefix(first_unit(bytes).size);
  }
}

void append_code_point(char32_t c, std::string& out) {
  const auto put = [&](char32_t byte) { out += static_cast<char>(static_cast<unsigned char>(byte)); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xC0 | c >> 6);
    put(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    put(0xE0 | c >> 12);
    put(0x80 | (c >> 6 & 0x3F));
    put(0x80 | (c & 0x3F));
  } else {
    put(0xF0 | c >> 18);
    put(0x80 | (c >> 12 & 0x3F));
    put(0x80 | (c >> 6 & 0x3F));
    put(0x80 | (c & 0x3F));
  }
}

char32_t code_point(std::string_view character) {
  const auto byte = [&](std::size_t i) { return static_cast<char32_t>(static_cast<unsigned char>(character[i])); };
  switch (character.size()) {
    case 1:
      return byte(0);
    case 2:
      return (byte(0) & 0x1F) << 6 | (byte(1) & 0x3F);
    case 3:
      return (byte(0) & 0x0F) << 12 | (byte(1) & 0x3F) << 6 | (byte(2) & 0x3F);
    default:
      return (byte(0) & 0x07) << 18 | (byte(1) & 0x3F) << 12 | (byte(2) & 0x3F) << 6 | (byte(3) & 0x3F);
  }
}

}  // namespace baton::llm
