#include "text_file.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

namespace baton::tools {

Result<bool> for_each_line(int fd, std::uint64_t max_bytes,
                           const std::function<bool(std::uint64_t number, std::string_view text, bool cut)>& line) {
  std::vector<char> block(64 * 1024);
  std::string pending;
  bool cut = false;
  std::uint64_t number = 1, total = 0;
  while (true) {
    const ssize_t n = ::read(fd, block.data(), block.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Error{errc::io, std::strerror(errno)};
    if (n == 0) break;
    std::string_view text(block.data(), static_cast<std::size_t>(n));
    if (text.find('\0') != std::string_view::npos) return false;
    total += text.size();
    if (total > max_bytes) return Error{errc::too_large, "it grew past " + std::to_string(max_bytes) + " bytes while it was read"};
    while (!text.empty()) {
      const std::size_t newline = text.find('\n');
      const std::string_view piece = text.substr(0, newline);
      cut = cut || pending.size() + piece.size() > kMaxLineBytes;
      pending += piece.substr(0, kMaxLineBytes - pending.size());
      if (newline == std::string_view::npos) break;
      text.remove_prefix(newline + 1);
      if (!line(number++, pending, cut)) return true;
      pending.clear();
      cut = false;
    }
  }
  if (!pending.empty()) line(number, pending, cut);
  return true;
}

}  // namespace baton::tools
