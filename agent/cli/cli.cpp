#include "cli.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>

namespace baton::agent::cli {

int fail(const std::string& message) {
  std::fflush(stdout);
  std::fprintf(stderr, "baton: %s\n", message.c_str());
  return kFailed;
}

Result<std::string> read_text_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in || std::filesystem::is_directory(path)) {
    return Error{errc::io, path.string() + " cannot be read: " + (in ? "it is a folder" : std::strerror(errno))};
  }
  return std::string(std::istreambuf_iterator<char>(in), {});
}

}  // namespace baton::agent::cli
