#include "cli.h"

#include <fmt/core.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>

#include <baton/agent/terminal/print.h>

namespace baton::agent::cli {

int fail(const std::string& message) {
  std::fflush(stdout);
  print_error("baton: {}\n", Lines{message});
  return kFailed;
}

Result<std::string> read_text_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in || std::filesystem::is_directory(path)) {
    return Error{errc::io, path.string() + " cannot be read: " + (in ? "it is a folder" : std::strerror(errno))};
  }
  return std::string(std::istreambuf_iterator<char>(in), {});
}

Result<std::string> read_secret_file(const std::filesystem::path& path) {
  struct stat about {};
  if (::stat(path.c_str(), &about) != 0) return Error{errc::io, path.string() + " cannot be read: " + std::strerror(errno)};
  if (S_ISREG(about.st_mode) && (about.st_mode & (S_IRGRP | S_IROTH | S_IWGRP | S_IWOTH)) != 0) {
    const char* what = (about.st_mode & (S_IRGRP | S_IROTH)) != 0 ? "read" : "changed";
    return Error{errc::invalid_argument, fmt::format("{0} can be {2} by other users of this machine (mode {1:04o}): chmod 600 {0}",
                                                     path.string(), about.st_mode & 07777u, what)};
  }
  return read_text_file(path);
}

}  // namespace baton::agent::cli
