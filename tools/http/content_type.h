#pragma once
// Reads from a Content-Type how a body can be shown.
#include <string_view>

namespace baton::tools {

// "text/html; charset=utf-8" -> "text/html"
std::string_view media_type(std::string_view content_type);

// application/json, application/problem+json
bool is_json_type(std::string_view content_type);

// The types that a model can read: text/*, JSON, XML, YAML, forms, scripts.
bool is_text_type(std::string_view content_type);

// For a body without a type: true if it contains no NUL and hardly any bytes that are not UTF-8. A code point cut off at the end does not
// count.
bool looks_like_text(std::string_view body);

}  // namespace baton::tools
