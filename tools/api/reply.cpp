#include "reply.h"

#include <baton/tools/text.h>
#include <time.h>

#include <algorithm>
#include <charconv>

namespace baton::tools {
namespace {

std::optional<Json> found_from(const Json& node, const ApiPath& path, std::size_t at) {
  if (at == path.size()) return node;
  const std::string& part = path[at];
  if (node.is_object() && part != "*") {
    const auto it = node.find(part);
    return it == node.end() ? std::nullopt : found_from(*it, path, at + 1);
  }
  if (part == "*" && node.is_structured()) {
    Json all = Json::array();
    for (const Json& item : node) {
      if (std::optional<Json> found = found_from(item, path, at + 1)) all.push_back(std::move(*found));
    }
    return all;
  }
  if (!node.is_array() || node.empty()) return std::nullopt;
  if (part == "-1") return found_from(node.back(), path, at + 1);
  std::size_t index = 0;
  const auto [end, ec] = std::from_chars(part.data(), part.data() + part.size(), index);
  if (ec != std::errc() || end != part.data() + part.size() || index >= node.size()) return std::nullopt;
  return found_from(node[index], path, at + 1);
}

bool is_next(std::string_view parameters) {
  const std::string text = ascii_lower(parameters);
  for (std::size_t at = text.find("rel"); at != std::string::npos; at = text.find("rel", at + 3)) {
    std::size_t i = text.find_first_not_of(" \t", at + 3);
    if (i == std::string::npos || text[i] != '=') continue;
    i = text.find_first_not_of(" \t\"", i + 1);
    if (i == std::string::npos) continue;
    const std::string value = " " + text.substr(i, text.find_first_of("\";,", i) - i) + " ";
    if (value.find(" next ") != std::string::npos) return true;
  }
  return false;
}

}  // namespace

std::optional<Json> found_at(const Json& reply, const ApiPath& path) { return found_from(reply, path, 0); }

std::string path_text(const ApiPath& path) {
  std::string text;
  for (const std::string& part : path) text += "/" + part;
  return text;
}

std::string next_link(const HttpHeaders& headers) {
  for (const auto& [name, value] : headers) {
    if (find_header({{name, ""}}, "link") == nullptr) continue;
    for (std::size_t at = value.find('<'); at != std::string::npos;) {
      const std::size_t end = value.find('>', at);
      if (end == std::string::npos) break;
      const std::size_t next = value.find('<', end);
      if (is_next(std::string_view(value).substr(end + 1, next == std::string::npos ? next : next - end - 1))) {
        return value.substr(at + 1, end - at - 1);
      }
      at = next;
    }
  }
  return "";
}

std::optional<std::chrono::milliseconds> retry_after(const HttpHeaders& headers, std::chrono::system_clock::time_point now) {
  const std::string* value = find_header(headers, "retry-after");
  if (value == nullptr) return std::nullopt;
  long seconds = 0;
  const auto [end, ec] = std::from_chars(value->data(), value->data() + value->size(), seconds);
  if (ec == std::errc() && end == value->data() + value->size() && seconds >= 0 && seconds < 1'000'000'000) {
    return std::chrono::seconds(seconds);
  }
  tm date{};
  const char* rest = strptime(value->c_str(), "%a, %d %b %Y %H:%M:%S GMT", &date);
  if (rest == nullptr || *rest != '\0') return std::nullopt;
  const auto wait = std::chrono::system_clock::from_time_t(timegm(&date)) - now;
  return std::max(std::chrono::milliseconds(0), std::chrono::ceil<std::chrono::milliseconds>(wait));
}

}  // namespace baton::tools
