#include "byte_letters.h"

#include <array>

#include "utf8.h"

namespace baton::llm {
namespace {

constexpr char32_t kFirstSubstitute = 0x100;
constexpr std::size_t kSubstitutes = 68;

constexpr bool is_printable(unsigned byte) { return (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE; }

struct Letters {
  std::array<char32_t, 256> of_byte{};
  std::array<std::uint8_t, kSubstitutes> of_substitute{};
};

constexpr Letters make_letters() {
  Letters letters;
  std::size_t n = 0;
  for (unsigned byte = 0; byte < 256; ++byte) {
    letters.of_byte[byte] = is_printable(byte) ? static_cast<char32_t>(byte) : kFirstSubstitute + static_cast<char32_t>(n);
    if (!is_printable(byte)) letters.of_substitute[n++] = static_cast<std::uint8_t>(byte);
  }
  return letters;
}

constexpr Letters kLetters = make_letters();

}  // namespace

char32_t letter_of_byte(std::uint8_t byte) { return kLetters.of_byte[byte]; }

std::optional<std::uint8_t> byte_of_letter(char32_t letter) {
  if (letter < 256) return is_printable(letter) ? std::optional(static_cast<std::uint8_t>(letter)) : std::nullopt;
  const auto n = letter - kFirstSubstitute;
  return n < kSubstitutes ? std::optional(kLetters.of_substitute[n]) : std::nullopt;
}

void append_letters(std::string_view bytes, std::string& out) {
  for (const char byte : bytes) append_code_point(letter_of_byte(static_cast<std::uint8_t>(byte)), out);
}

std::string bytes_of_letters(std::string_view stored) {
  std::string out;
  for (auto rest = stored; !rest.empty();) {
    const auto unit = first_unit(rest);
    const auto byte = unit.valid ? byte_of_letter(code_point(rest.substr(0, unit.size))) : std::nullopt;
    if (!byte) return std::string(stored);
    out += static_cast<char>(*byte);
    rest.remove_prefix(unit.size);
  }
  return out;
}

}  // namespace baton::llm
