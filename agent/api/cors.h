#pragma once
// Headers of answers to pages of named origins.
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace baton::agent::api {

using Headers = std::vector<std::pair<std::string, std::string>>;

// True for a name as HTTP defines it (RFC 9110, token).
bool is_token(std::string_view text);

// For the answer to a preflight. `asked`: Access-Control-Request-Headers; `methods`: those of the path.
Headers preflight_headers(std::string_view asked, const std::string& methods);

// For every answer to a page of `origin`.
Headers cors_headers(const std::string& origin);

}  // namespace baton::agent::api
