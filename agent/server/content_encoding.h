#pragma once
// Bodies of requests that come compressed (Content-Encoding: gzip or deflate).
#include <optional>

#include "http_call.h"

namespace baton::agent::server {

bool is_encoded(const HttpCall& call);

// Of a coding that is not known: 415.
std::optional<ApiError> refused_encoding(const HttpCall& call);

// Puts the body's content in its place, of at most `most` bytes: a byte of what is sent may hold a thousand. Errors: 413, and 400 where it
// is not what the coding says.
std::optional<ApiError> decode_body(HttpCall& call, std::size_t most);

}  // namespace baton::agent::server
