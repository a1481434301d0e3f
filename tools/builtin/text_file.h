#pragma once
// Reads a text file piece by piece. Internal to the folder.
#include <baton/tools/error.h>

#include <cstdint>
#include <functional>
#include <string_view>

namespace baton::tools {

// Calls `line` with each line, without its newline, and its number from 1, until it returns false or the file ends. A line is cut at
// kMaxLineBytes. Result: whether the file is text (no zero byte where it was read); lines before a zero byte have been passed to `line` by
// then.
inline constexpr std::size_t kMaxLineBytes = 64 * 1024;
Result<bool> for_each_line(int fd, std::uint64_t max_bytes,
                           const std::function<bool(std::uint64_t number, std::string_view text, bool cut)>& line);

}  // namespace baton::tools
