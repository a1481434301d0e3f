#pragma once
// Byte-level vocabularies write each byte as a printable letter (GPT-2, Radford et al. 2019): the printable bytes of Latin-1 as themselves,
// the 68 others, in order, as U+0100 and up. Internal to llm/tokenizer.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace baton::llm {

char32_t letter_of_byte(std::uint8_t byte);
std::optional<std::uint8_t> byte_of_letter(char32_t letter);

void append_letters(std::string_view bytes, std::string& out);
// The bytes that stored text represents. Text with any other letter represents itself, as in Hugging Face tokenizers' decoder.
std::string bytes_of_letters(std::string_view stored);

}  // namespace baton::llm
