#pragma once
// Unicode normalisation form C (UAX #15) by utf8proc's tables. Internal to llm/tokenizer.
#include <string>
#include <string_view>

namespace baton::llm {

// False: `text` (valid UTF-8) certainly is NFC, and `out` is unchanged. True: `out` is its NFC.
bool normalise_nfc(std::string_view text, std::string& out);

}  // namespace baton::llm
