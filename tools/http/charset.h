#pragma once
// Text in the character encodings of the web, as UTF-8.
#include <optional>
#include <string>
#include <string_view>

namespace baton::tools {

// "text/html; charset=\"ISO-8859-1\"" -> "ISO-8859-1"; none is declared: empty.
std::string charset_of(std::string_view content_type);

// The text as UTF-8; what the encoding does not have becomes U+FFFD, and a character that is cut off at the end is left out. `charset`: one
// of the labels of the WHATWG Encoding Standard, in any case (its latin1 is windows-1252). None: no encoding has this label.
std::optional<std::string> to_utf8(std::string_view bytes, std::string_view charset);

// A body as UTF-8: by the charset that its type declares, where it is text and the label is known; else as it is, with U+FFFD for what is
// not UTF-8. A binary body stays as it is.
std::string body_as_utf8(std::string body, std::string_view content_type);

}  // namespace baton::tools
