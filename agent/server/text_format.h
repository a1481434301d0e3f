#pragma once
// The format that a client wants an answer to have (docs/output-format.md), read and checked: what cannot be held is refused here.
#include <span>

#include "api_error.h"
#include "fields.h"

namespace baton::agent::server {

// `text.format` of a response; the result is RunRequest::text_format. `param`: what the client calls it.
Parsed<Json> parse_text_format(const Json& value, const std::string& param, Notes& notes);

// `response_format` of a chat completion, likewise.
Parsed<Json> parse_response_format(const Json& value, const std::string& param, Notes& notes);

// `grammar` and `json_schema`, as llama.cpp's server has them beside the messages, into `format`, where neither another format is given.
// Other servers' ways to ask for a format are refused by name: without it the answer would not have it.
void read_local_format(Fields& fields, Json& format);

// All names that it reads.
std::span<const char* const> local_format_names();

}  // namespace baton::agent::server
