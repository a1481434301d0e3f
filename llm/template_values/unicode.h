#pragma once
// The character properties of Python's str. Text is UTF-8; a byte that does not belong to a valid sequence counts as a character of its
// own, without properties.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace baton::llm::jinja {

struct Character {
  std::int32_t code;  // -1: a byte that is not UTF-8
  std::size_t size;   // bytes, 1..4
};

Character character_at(std::string_view text, std::size_t offset);        // offset < text.size()
std::size_t character_before(std::string_view text, std::size_t offset);  // the beginning of the character that ends at `offset` > 0
std::size_t count_characters(std::string_view text);
// Byte offset of the character with this index; text.size() for one past the last.
std::size_t offset_of(std::string_view text, std::size_t index);
// Offsets of all characters and, last, text.size().
std::vector<std::size_t> character_offsets(std::string_view text);

void append_utf8(std::string& to, std::int32_t code);

constexpr bool is_ascii_digit(char c) { return c >= '0' && c <= '9'; }
bool is_space(std::int32_t code);      // str.isspace
bool is_printable(std::int32_t code);  // str.isprintable
bool is_alpha(std::int32_t code);
bool is_decimal(std::int32_t code);  // category Nd
bool is_digit(std::int32_t code);    // decimals, and digits like superscripts
bool is_numeric(std::int32_t code);
bool is_upper(std::int32_t code);
bool is_lower(std::int32_t code);
bool is_title(std::int32_t code);  // category Lt
inline bool is_cased(std::int32_t code) { return is_upper(code) || is_lower(code) || is_title(code); }
bool is_word(std::int32_t code);  // \w of re

// str.isupper and str.islower: at least one cased character, and none of the other case.
bool is_upper_text(std::string_view text);
bool is_lower_text(std::string_view text);

// UTF-8 of the mapped character; one character may become three ("ß" -> "SS").
std::string upper_of(std::int32_t code);
std::string lower_of(std::int32_t code);
std::string title_of(std::int32_t code);
// str.lower checks the context of a capital sigma: at the end of a word it becomes the final form.
bool is_final_sigma(std::string_view text, std::size_t offset);

}  // namespace baton::llm::jinja
