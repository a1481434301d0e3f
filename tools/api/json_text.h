#pragma once
// JSON from outside: bounded in depth, because whoever walks it recurses.
#include <baton/tools/tool.h>

#include <string_view>

namespace baton::tools {

inline constexpr int kMaxJsonDepth = 200;

// errc::invalid_argument says where the text is not JSON, or that it is nested more than kMaxJsonDepth deep.
Result<Json> parse_json(std::string_view text);

}  // namespace baton::tools
