#pragma once
// Converts the character encodings of the web to UTF-8.
#include <optional>
#include <string>
#include <string_view>

namespace baton::tools {

// "text/html; charset=\"ISO-8859-1\"" -> "ISO-8859-1"; empty if none is declared.
std::string charset_of(std::string_view content_type);

// The text as UTF-8. Bytes that are invalid in the encoding become U+FFFD, and a character that is cut off at the end is left out.
// `charset`: one of the labels of the WHATWG Encoding Standard, in any case (its latin1 is windows-1252). Null: no encoding has this label.
std::optional<std::string> to_utf8(std::string_view bytes, std::string_view charset);

// A body as UTF-8. It is converted from the charset that its type declares, if it is text and the label is known; otherwise only bytes that
// are not UTF-8 are replaced by U+FFFD. A binary body is not changed.
std::string body_as_utf8(std::string body, std::string_view content_type);

}  // namespace baton::tools
