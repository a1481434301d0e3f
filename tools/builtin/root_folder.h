#pragma once
// A folder that paths cannot leave: neither by "..", nor by an absolute path, nor by a symbolic link, not even one that is created during
// the look-up. Internal to the folder.
#include <baton/tools/error.h>
#include <baton/tools/file_descriptor.h>
#include <sys/stat.h>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace baton::tools {

// Thread-safe. Keeps the folder open, so it remains the same folder when it is renamed.
class RootFolder {
 public:
  static Result<RootFolder> open(const std::filesystem::path& path);

  struct Opened {
    FileDescriptor fd;
    struct stat info;
    std::string path;  // below the root, "." for the root itself
  };

  // Opens a file or folder for reading. `path` is relative to the root; "", "." and "/" are the root, and an absolute path below the root
  // is accepted. Symbolic links are followed if they stay below the root. Devices, pipes and sockets are opened without waiting, so that
  // the caller can see their kind in `info`. Errors are sentences for a model: not_found with near names of the same folder,
  // invalid_argument for a path that leads outside, io.
  Result<Opened> open_path(std::string_view path) const;

  // Behaves as without openat2 (Linux < 5.6, or a sandbox that refuses it): no ".." and no symbolic links at all.
  void without_openat2() { use_openat2_ = false; }

 private:
  RootFolder(FileDescriptor fd, std::filesystem::path path) : fd_(std::move(fd)), path_(std::move(path)) {}

  Result<std::string> relative(std::string_view path) const;
  int open_beneath(const std::string& path) const;  // a descriptor, or -1 and errno
  int walk_beneath(const std::string& path) const;  // the same without openat2
  Error open_error(const std::string& path, int number) const;

  FileDescriptor fd_;
  std::filesystem::path path_;  // canonical, to recognise absolute paths below it
  bool use_openat2_ = true;
};

struct FolderEntry {
  std::string name;
  enum class Kind { folder, file, link, other } kind = Kind::other;
  std::uint64_t size = 0;  // size of a file
};

// The entries of an open folder, without "." and "..", sorted by name: at most `max` of them; `n_all` receives their full number.
Result<std::vector<FolderEntry>> entries_of(int folder, std::size_t max, std::size_t& n_all);

// A name in displayable form: line breaks and other control characters, which a name may contain, become '?'.
std::string shown_name(std::string_view name);

}  // namespace baton::tools
