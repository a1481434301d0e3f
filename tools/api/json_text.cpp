#include "json_text.h"

#include <algorithm>

namespace baton::tools {
namespace {

int depth_of(std::string_view text) {
  int depth = 0, deepest = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') {
        ++i;
      } else if (c == '"') {
        in_string = false;
      }
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      deepest = std::max(deepest, ++depth);
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return deepest;
}

}  // namespace

Result<Json> parse_json(std::string_view text) {
  if (depth_of(text) > kMaxJsonDepth) {
    return Error{errc::invalid_argument, "the JSON is nested more than " + std::to_string(kMaxJsonDepth) + " deep"};
  }
  try {
    return {boost::system::in_place_value, Json::parse(text)};
  } catch (const Json::exception& e) {
    std::string what = e.what();
    // "[json.exception.parse_error.101] parse error at line 1, column 2: ..."
    if (const std::size_t end = what.find("] "); end != std::string::npos) what.erase(0, end + 2);
    return Error{errc::invalid_argument, what};
  }
}

}  // namespace baton::tools
