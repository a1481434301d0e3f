#include "cors.h"

#include <baton/tools/text.h>

#include <algorithm>

namespace baton::agent::api {
namespace {

// The valid names of a list from the page; others are left out, so that nothing else gets into our headers.
std::string names_in(std::string_view list) {
  std::string out;
  while (!list.empty()) {
    const std::size_t end = std::min(list.find(','), list.size());
    std::string_view name = list.substr(0, end);
    list.remove_prefix(std::min(end + 1, list.size()));
    while (!name.empty() && (name.front() == ' ' || name.front() == '\t')) name.remove_prefix(1);
    while (!name.empty() && (name.back() == ' ' || name.back() == '\t')) name.remove_suffix(1);
    if (is_token(name)) out += (out.empty() ? "" : ", ") + tools::ascii_lower(name);
  }
  return out;
}

}  // namespace

bool is_token(std::string_view text) {
  constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || kOthers.find(c) != std::string_view::npos;
  });
}

Headers preflight_headers(std::string_view asked, const std::string& methods) {
  const std::string names = names_in(asked);
  return {{"Access-Control-Allow-Methods", methods.empty() ? "GET, POST, DELETE" : methods},
          {"Access-Control-Allow-Headers", names.empty() ? "authorization, content-type, idempotency-key" : names},
          {"Access-Control-Max-Age", "600"}};
}

Headers cors_headers(const std::string& origin) {
  return {{"Access-Control-Allow-Origin", origin}, {"Access-Control-Expose-Headers", "Retry-After, X-Request-Id, X-Client-Request-Id"}};
}

}  // namespace baton::agent::api
