#include "unicode.h"

#include <utf8proc.h>

#include <algorithm>

#include "special_case.h"

namespace baton::llm::jinja {
namespace {

utf8proc_category_t category(std::int32_t code) { return code < 0 ? UTF8PROC_CATEGORY_CN : utf8proc_category(code); }

std::string one(std::int32_t code) {
  std::string result;
  append_utf8(result, code);
  return result;
}

const SpecialCase* special_case(std::int32_t code) {
  auto found = std::lower_bound(std::begin(kSpecialCase), std::end(kSpecialCase), code,
                                [](const SpecialCase& entry, std::int32_t wanted) { return entry.code < wanted; });
  return found != std::end(kSpecialCase) && found->code == code ? found : nullptr;
}

// Case_Ignorable, as far as the final sigma needs it: marks, format characters, modifiers, and apostrophe-like punctuation.
bool is_case_ignorable(std::int32_t code) {
  switch (category(code)) {
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_SK:
      return true;
    default:
      return code == '\'' || code == '.' || code == ':' || code == 0xB7 || code == 0x2018 || code == 0x2019 || code == 0x2024 ||
             code == 0x2027;
  }
}

}  // namespace

Character character_at(std::string_view text, std::size_t offset) {
  auto byte = static_cast<unsigned char>(text[offset]);
  if (byte < 0x80) return {byte, 1};
  utf8proc_int32_t code = -1;
  std::size_t left = std::min<std::size_t>(4, text.size() - offset);
  auto size = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data() + offset), static_cast<utf8proc_ssize_t>(left), &code);
  if (size <= 0) return {-1, 1};
  return {code, static_cast<std::size_t>(size)};
}

std::size_t character_before(std::string_view text, std::size_t offset) {
  std::size_t first = offset >= 4 ? offset - 4 : 0;
  for (std::size_t start = first; start + 1 < offset; ++start) {
    Character c = character_at(text, start);
    if (c.code >= 0 && start + c.size == offset) return start;
  }
  return offset - 1;
}

std::size_t count_characters(std::string_view text) {
  std::size_t count = 0;
  for (std::size_t at = 0; at < text.size(); at += character_at(text, at).size) ++count;
  return count;
}

std::size_t offset_of(std::string_view text, std::size_t index) {
  std::size_t at = 0;
  for (; index > 0 && at < text.size(); --index) at += character_at(text, at).size;
  return at;
}

std::vector<std::size_t> character_offsets(std::string_view text) {
  std::vector<std::size_t> offsets;
  offsets.reserve(text.size() + 1);
  for (std::size_t at = 0; at < text.size(); at += character_at(text, at).size) offsets.push_back(at);
  offsets.push_back(text.size());
  return offsets;
}

void append_utf8(std::string& to, std::int32_t code) {
  utf8proc_uint8_t bytes[4];
  auto size = utf8proc_encode_char(code, bytes);
  to.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
}

bool is_space(std::int32_t code) {
  if (code < 0x80) return code == ' ' || (code >= 0x09 && code <= 0x0D) || (code >= 0x1C && code <= 0x1F);
  return code == 0x85 || code == 0xA0 || code == 0x1680 || (code >= 0x2000 && code <= 0x200A) || code == 0x2028 || code == 0x2029 ||
         code == 0x202F || code == 0x205F || code == 0x3000;
}

bool is_printable(std::int32_t code) {
  if (code == ' ') return true;
  switch (category(code)) {
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
    case UTF8PROC_CATEGORY_ZS:
      return false;
    default:
      return true;
  }
}

bool is_alpha(std::int32_t code) {
  auto c = category(code);
  return c == UTF8PROC_CATEGORY_LU || c == UTF8PROC_CATEGORY_LL || c == UTF8PROC_CATEGORY_LT || c == UTF8PROC_CATEGORY_LM ||
         c == UTF8PROC_CATEGORY_LO;
}

bool is_decimal(std::int32_t code) { return category(code) == UTF8PROC_CATEGORY_ND; }

bool is_digit(std::int32_t code) {
  if (is_decimal(code)) return true;
  // Numeric_Type=Digit of the Unicode Character Database.
  static constexpr std::int32_t kRanges[][2] = {
      {0xB2, 0xB3},     {0xB9, 0xB9},     {0x1369, 0x1371},   {0x19DA, 0x19DA},   {0x2070, 0x2070},   {0x2074, 0x2079},  {0x2080, 0x2089},
      {0x2460, 0x2468}, {0x2474, 0x247C}, {0x2488, 0x2490},   {0x24EA, 0x24EA},   {0x24F5, 0x24FD},   {0x24FF, 0x24FF},  {0x2776, 0x277E},
      {0x2780, 0x2788}, {0x278A, 0x2792}, {0x10A40, 0x10A43}, {0x10E60, 0x10E68}, {0x11052, 0x1105A}, {0x1F100, 0x1F10A}};
  return std::any_of(std::begin(kRanges), std::end(kRanges), [&](auto& range) { return code >= range[0] && code <= range[1]; });
}

bool is_numeric(std::int32_t code) {
  auto c = category(code);
  return c == UTF8PROC_CATEGORY_ND || c == UTF8PROC_CATEGORY_NL || c == UTF8PROC_CATEGORY_NO;
}

bool is_upper(std::int32_t code) {
  return category(code) == UTF8PROC_CATEGORY_LU || (code >= 0x2160 && code <= 0x216F) || (code >= 0x24B6 && code <= 0x24CF) ||
         (code >= 0x1F130 && code <= 0x1F149) || (code >= 0x1F150 && code <= 0x1F169) || (code >= 0x1F170 && code <= 0x1F189);
}

bool is_lower(std::int32_t code) {
  if (category(code) == UTF8PROC_CATEGORY_LL) return true;
  return code == 0xAA || code == 0xBA || (code >= 0x2B0 && code <= 0x2B8) || code == 0x2C0 || code == 0x2C1 ||
         (code >= 0x2E0 && code <= 0x2E4) || code == 0x345 || code == 0x37A || (code >= 0x1D2C && code <= 0x1D6A) || code == 0x1D78 ||
         (code >= 0x1D9B && code <= 0x1DBF) || code == 0x2071 || code == 0x207F || (code >= 0x2090 && code <= 0x209C) ||
         (code >= 0x2170 && code <= 0x217F) || (code >= 0x24D0 && code <= 0x24E9);
}

bool is_title(std::int32_t code) { return category(code) == UTF8PROC_CATEGORY_LT; }

bool is_word(std::int32_t code) { return code == '_' || is_alpha(code) || is_numeric(code); }

bool is_upper_text(std::string_view text) {
  bool any = false;
  for (std::size_t at = 0; at < text.size();) {
    Character c = character_at(text, at);
    if (is_lower(c.code) || is_title(c.code)) return false;
    any = any || is_upper(c.code);
    at += c.size;
  }
  return any;
}

bool is_lower_text(std::string_view text) {
  bool any = false;
  for (std::size_t at = 0; at < text.size();) {
    Character c = character_at(text, at);
    if (is_upper(c.code) || is_title(c.code)) return false;
    any = any || is_lower(c.code);
    at += c.size;
  }
  return any;
}

std::string upper_of(std::int32_t code) {
  const SpecialCase* special = special_case(code);
  return special ? special->upper : one(utf8proc_toupper(code));
}

std::string lower_of(std::int32_t code) {
  if (code == 0x130) return "i\u0307";  // the one character whose lower case is longer
  return one(utf8proc_tolower(code));
}

std::string title_of(std::int32_t code) {
  const SpecialCase* special = special_case(code);
  return special ? special->title : one(utf8proc_totitle(code));
}

bool is_final_sigma(std::string_view text, std::size_t offset) {
  std::size_t at = offset;
  std::int32_t code = -1;
  while (at > 0) {
    at = character_before(text, at);
    code = character_at(text, at).code;
    if (!is_case_ignorable(code)) break;
    code = -1;
  }
  if (code < 0 || !is_cased(code)) return false;
  for (at = offset + 2; at < text.size();) {  // a sigma is two bytes
    Character c = character_at(text, at);
    if (!is_case_ignorable(c.code)) return !is_cased(c.code);
    at += c.size;
  }
  return true;
}

}  // namespace baton::llm::jinja
