#pragma once
// Reads API files (docs/tools.md has the format). The file is not trusted, and each fault is reported with its place.
#include <string>
#include <string_view>
#include <vector>

#include "api_spec.h"

namespace baton::tools {

inline constexpr std::size_t kMaxApiFileBytes = 16 << 20;

// Reads the tools from one file's text. `file` is its name in errors: errc::invalid_argument with, for each of the first eight faults,
// file, JSON pointer and what to do.
Result<std::vector<ApiSpec>> read_api_file(std::string_view text, const std::string& file);

// "/data/0/a~1b" -> {"data", "0", "a/b"}; errc::invalid_argument: not a JSON pointer.
Result<ApiPath> parse_api_path(std::string_view pointer);

}  // namespace baton::tools
