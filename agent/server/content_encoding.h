#pragma once
// Compressed bodies of requests (Content-Encoding: gzip or deflate).
#include <baton/agent/api/http_call.h>

#include <optional>

namespace baton::agent::server {

bool is_encoded(const api::HttpCall& call);

// The error for an unknown coding: 415.
std::optional<protocol::ApiError> refused_encoding(const api::HttpCall& call);

// Replaces the body by its content, of at most `most` bytes: a byte that is sent may decode to a thousand. Errors: 413, and 400 if the body
// does not match the coding.
std::optional<protocol::ApiError> decode_body(api::HttpCall& call, std::size_t most);

}  // namespace baton::agent::server
