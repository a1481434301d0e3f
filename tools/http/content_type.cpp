#include "content_type.h"

#include <baton/tools/text.h>

#include <algorithm>
#include <string>

namespace baton::tools {
namespace {

std::string lower_media_type(std::string_view content_type) {
  std::string type(media_type(content_type));
  std::transform(type.begin(), type.end(), type.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return type;
}

}  // namespace

std::string_view media_type(std::string_view content_type) {
  std::string_view type = content_type.substr(0, content_type.find(';'));
  while (!type.empty() && (type.back() == ' ' || type.back() == '\t')) type.remove_suffix(1);
  return type;
}

bool is_json_type(std::string_view content_type) {
  const std::string type = lower_media_type(content_type);
  return type == "application/json" || type == "text/json" || type.ends_with("+json");
}

bool is_text_type(std::string_view content_type) {
  if (is_json_type(content_type)) return true;
  const std::string type = lower_media_type(content_type);
  if (type.starts_with("text/") || type.ends_with("+xml") || type.ends_with("+yaml") || type.ends_with("+text")) return true;
  for (const char* known :
       {"application/xml", "application/yaml", "application/x-yaml", "application/javascript", "application/x-javascript",
        "application/ecmascript", "application/x-www-form-urlencoded", "application/graphql", "application/x-ndjson", "application/jsonl",
        "application/toml", "application/sql", "application/x-sh", "application/csv"}) {
    if (type == known) return true;
  }
  return false;
}

bool looks_like_text(std::string_view body) {
  body = body.substr(0, 4096);
  if (body.find('\0') != std::string_view::npos) return false;
  const std::string clean = valid_utf8(std::string(body));
  std::size_t replaced = 0;
  for (std::size_t at = clean.find("\xEF\xBF\xBD"); at != std::string::npos; at = clean.find("\xEF\xBF\xBD", at + 3)) ++replaced;
  return replaced <= 1 + body.size() / 20;
}

}  // namespace baton::tools
