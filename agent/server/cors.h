#pragma once
// What pages of named origins are told beside the answer.
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace baton::agent::server {

using Headers = std::vector<std::pair<std::string, std::string>>;

// A name as HTTP has it (RFC 9110, token).
bool is_token(std::string_view text);

// Of the answer to a preflight. `asked`: Access-Control-Request-Headers; `methods`: those that the path takes.
Headers preflight_headers(std::string_view asked, const std::string& methods);

// Of every answer to a page of `origin`.
Headers cors_headers(const std::string& origin);

}  // namespace baton::agent::server
