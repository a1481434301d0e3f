#pragma once
// Reads values from an API's reply.
#include <baton/tools/http/http_client.h>

#include "api_spec.h"

namespace baton::tools {

// The value at `path`; with a `*` in it, a list of the values of all items. Null: not found.
std::optional<Json> found_at(const Json& reply, const ApiPath& path);

std::string path_text(const ApiPath& path);  // "/data/items"

// The target of rel="next" in the Link headers (RFC 8288); empty: none.
std::string next_link(const HttpHeaders& headers);

// "120" or "Wed, 21 Oct 2026 07:28:00 GMT", from `now`. Null: no such header, or not understood.
std::optional<std::chrono::milliseconds> retry_after(const HttpHeaders& headers, std::chrono::system_clock::time_point now);

}  // namespace baton::tools
