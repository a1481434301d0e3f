#pragma once
// JSON as compact text. Never throws: bytes that are not UTF-8 become U+FFFD.
#include <baton/llm/chat/types.h>

#include <string>

namespace baton::llm {

inline std::string dumped(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

}  // namespace baton::llm
