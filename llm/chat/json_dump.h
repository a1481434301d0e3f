#pragma once
// JSON as text, compact. Never throws: what is no UTF-8 becomes U+FFFD.
#include <baton/llm/chat/types.h>

#include <string>

namespace baton::llm {

inline std::string dumped(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

}  // namespace baton::llm
