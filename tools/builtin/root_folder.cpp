#include "root_folder.h"

#include <baton/tools/near_names.h>
#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

namespace baton::tools {
namespace {

// O_NONBLOCK: opening a pipe must not wait for its writer.
constexpr int kReadFlags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
constexpr int kRaceRetries = 64;              // openat2 fails with EAGAIN if a folder on the path was renamed at the same moment
constexpr std::size_t kMaxEntries = 100'000;  // held in memory of one folder

std::vector<std::string> components_of(std::string_view path) {
  std::vector<std::string> parts;
  for (std::size_t at = 0; at < path.size();) {
    const std::size_t slash = std::min(path.find('/', at), path.size());
    const std::string_view part = path.substr(at, slash - at);
    if (!part.empty() && part != ".") parts.emplace_back(part);
    at = slash + 1;
  }
  return parts;
}

}  // namespace

Result<RootFolder> RootFolder::open(const std::filesystem::path& path) {
  std::error_code ec;
  const std::filesystem::path canonical = std::filesystem::canonical(path, ec);
  FileDescriptor fd(ec ? -1 : ::open(canonical.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.get() < 0) {
    return Error{errc::io, "the root folder of the file tools, '" + path.string() +
                               "', cannot be opened: " + (ec ? ec.message() : std::strerror(errno))};
  }
  return RootFolder(std::move(fd), canonical);
}

Result<std::string> RootFolder::relative(std::string_view path) const {
  if (path.find('\0') != std::string_view::npos) return Error{errc::invalid_argument, "a path cannot hold a zero byte"};
  if (path.empty() || path == "/") return std::string(".");
  if (path.front() != '/') return std::string(path);
  const std::string root = path_.string();
  if (path == root) return std::string(".");
  if (path.size() > root.size() && path.substr(0, root.size()) == root && (root == "/" || path[root.size()] == '/')) {
    const std::vector<std::string> parts = components_of(path.substr(root.size()));
    std::string joined;
    for (const std::string& part : parts) joined += (joined.empty() ? "" : "/") + part;
    return joined.empty() ? "." : joined;
  }
  return Error{errc::invalid_argument,
               "'" + shown_name(path) + "' is an absolute path: give one relative to the root folder, such as 'docs/a.txt', or '.'"};
}

int RootFolder::walk_beneath(const std::string& path) const {
  const std::vector<std::string> parts = components_of(path);
  FileDescriptor at(::fcntl(fd_.get(), F_DUPFD_CLOEXEC, 3));
  if (parts.empty()) return ::openat(fd_.get(), ".", kReadFlags | O_DIRECTORY);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (parts[i] == "..") {
      errno = EXDEV;
      return -1;
    }
    const bool last = i + 1 == parts.size();
    FileDescriptor next(::openat(at.get(), parts[i].c_str(), kReadFlags | O_NOFOLLOW | (last ? 0 : O_DIRECTORY)));
    if (next.get() < 0) {
      // With O_DIRECTORY the error does not show that it was a link.
      struct stat info;
      const int number = errno;
      const bool link = ::fstatat(at.get(), parts[i].c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(info.st_mode);
      errno = link ? ELOOP : number;
      return -1;
    }
    at = std::move(next);
  }
  return at.release();
}

int RootFolder::open_beneath(const std::string& path) const {
  if (use_openat2_) {
    open_how how{};
    how.flags = kReadFlags;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
    for (int i = 0; i < kRaceRetries; ++i) {
      const long fd = ::syscall(SYS_openat2, fd_.get(), path.c_str(), &how, sizeof how);
      if (fd >= 0) return static_cast<int>(fd);
      if (errno != EAGAIN && errno != EINTR) break;
    }
    // EPERM comes from a sandbox's filter; a file that may not be opened gives EACCES.
    if (errno != ENOSYS && errno != EPERM) return -1;
  }
  return walk_beneath(path);
}

Error RootFolder::open_error(const std::string& path, int number) const {
  const std::string quoted = "'" + shown_name(path) + "'";
  if (number == EXDEV || number == ELOOP) {
    return Error{
        errc::invalid_argument,
        quoted +
            " leads out of the root folder, or through a symbolic link that cannot be followed; only what is below the root can be read"};
  }
  if (number == EACCES) return Error{errc::io, quoted + " may not be read: permission denied"};
  if (number != ENOENT && number != ENOTDIR) return Error{errc::io, quoted + " cannot be opened: " + std::strerror(number)};
  std::vector<std::string> parts = components_of(path);
  const std::string last = parts.empty() ? "" : parts.back();
  std::string folder;
  for (std::size_t i = 0; i + 1 < parts.size(); ++i) folder += (i == 0 ? "" : "/") + parts[i];
  const FileDescriptor parent(open_beneath(folder.empty() ? "." : folder));
  struct stat info;
  if (parent.get() < 0 || ::fstat(parent.get(), &info) != 0 || !S_ISDIR(info.st_mode)) {
    return Error{errc::not_found, "there is no folder '" + shown_name(folder) + "' for " + quoted + "; list_directory shows what there is"};
  }
  std::size_t n_all = 0;
  std::vector<std::string> names;
  if (const auto entries = entries_of(parent.get(), 1000, n_all)) {
    for (const FolderEntry& entry : *entries) names.push_back(shown_name(entry.name));
  }
  const std::vector<std::string> near = near_names(last, names, 3);
  return Error{errc::not_found,
               "there is no " + quoted +
                   (near.empty() ? "; list_directory shows what there is"
                                 : "; did you mean " + listed(near) + (folder.empty() ? "?" : " in '" + shown_name(folder) + "'?"))};
}

Result<RootFolder::Opened> RootFolder::open_path(std::string_view path) const {
  Result<std::string> below = relative(path);
  if (!below) return below.error();
  Opened opened;
  opened.path = std::move(*below);
  opened.fd = FileDescriptor(open_beneath(opened.path));
  if (opened.fd.get() < 0) return open_error(opened.path, errno);
  if (::fstat(opened.fd.get(), &opened.info) != 0) return open_error(opened.path, errno);
  return opened;
}

Result<std::vector<FolderEntry>> entries_of(int folder, std::size_t max, std::size_t& n_all) {
  // A separate descriptor: closedir closes it, and its reading position is not shared.
  FileDescriptor own(::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  DIR* opened = own.get() < 0 ? nullptr : ::fdopendir(own.get());
  if (opened == nullptr) return Error{errc::io, std::string("the folder cannot be listed: ") + std::strerror(errno)};
  own.release();
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(opened, ::closedir);
  std::vector<std::string> names;
  n_all = 0;
  while (const dirent* entry = ::readdir(dir.get())) {
    const std::string_view name(entry->d_name);
    if (name == "." || name == "..") continue;
    if (++n_all <= kMaxEntries) names.emplace_back(name);
  }
  std::sort(names.begin(), names.end());
  if (names.size() > max) names.resize(max);
  std::vector<FolderEntry> entries;
  for (std::string& name : names) {
    struct stat info;
    if (::fstatat(folder, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) continue;  // removed meanwhile
    FolderEntry entry{std::move(name)};
    if (S_ISDIR(info.st_mode)) entry.kind = FolderEntry::Kind::folder;
    if (S_ISLNK(info.st_mode)) entry.kind = FolderEntry::Kind::link;
    if (S_ISREG(info.st_mode)) {
      entry.kind = FolderEntry::Kind::file;
      entry.size = static_cast<std::uint64_t>(info.st_size);
    }
    entries.push_back(std::move(entry));
  }
  return entries;
}

std::string shown_name(std::string_view name) {
  std::string out(name.substr(0, 300));
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
  }
  return out;
}

}  // namespace baton::tools
