#pragma once
// The format that a client wants for an answer (docs/output-format.md), read and compiled: a format that cannot be enforced is refused
// here.
#include <baton/agent/core/text_format.h>

#include <span>

#include "api_error.h"
#include "fields.h"

namespace baton::agent::protocol {

// `text.format` of a response; the result is RunRequest::text_format. `param`: the client's name for it.
Parsed<TextFormat> parse_text_format(const Json& value, const std::string& param, Notes& notes);

// `response_format` of a chat completion, likewise.
Parsed<TextFormat> parse_response_format(const Json& value, const std::string& param, Notes& notes);

// `grammar` and `json_schema`, in the form of llama.cpp's server beside the messages, into `format`, if neither another format is given.
// Other servers' ways to ask for a format are refused by name: without it the answer would not have the format.
void read_local_format(Fields& fields, TextFormat& format);

// All names that it reads.
std::span<const char* const> local_format_names();

}  // namespace baton::agent::protocol
