#include "journal_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "statement.h"

namespace baton::memory {

Result<void> make_folder_of(const std::filesystem::path& file) {
  std::error_code failed;
  if (std::filesystem::is_directory(file, failed)) return journal_error(errc::io, file, "this is a folder; name a file in it");
  const std::filesystem::path folder = std::filesystem::absolute(file, failed).parent_path();
  if (std::filesystem::is_directory(folder, failed)) return {};
  if (!std::filesystem::create_directories(folder, failed) && failed) {
    const bool denied = failed == std::errc::permission_denied || failed == std::errc::read_only_file_system;
    const std::string advice = " cannot be created: " + failed.message() + "; make it, or name another file";
    Error error = journal_error(denied ? errc::read_only : errc::io, file, "its folder " + folder.string() + advice);
    error.without_path = "journal: its folder" + advice;
    return error;
  }
  // Conversations are private.
  std::filesystem::permissions(folder, std::filesystem::perms::owner_all, failed);
  return {};
}

// Only for a new file: closing a descriptor of a file that SQLite has open in this process would drop SQLite's locks (fcntl(2)).
void make_private_file(const std::filesystem::path& file) {
  const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (descriptor >= 0) ::close(descriptor);
}

Result<void> keep_private(const std::filesystem::path& journal, const std::filesystem::path& file) {
  struct stat found = {};
  if (::stat(file.c_str(), &found) != 0 || (found.st_mode & (S_IRWXG | S_IRWXO)) == 0) return {};
  if (::chmod(file.c_str(), found.st_mode & S_IRWXU) == 0) return {};
  const std::string advice = std::string(" is open to other users and its mode cannot be changed: ") + std::strerror(errno) +
                             "; let its owner make it private (chmod 600), or name another file";
  Error error = journal_error(errc::read_only, journal, file.string() + advice);
  error.without_path = "journal: its file" + advice;
  return error;
}

FileIdentity::FileIdentity(const std::filesystem::path& file) : file_(file) {
  struct stat found = {};
  if (::stat(file_.c_str(), &found) != 0) return;
  device_ = found.st_dev;
  inode_ = found.st_ino;
}

Result<void> FileIdentity::check() const {
  struct stat found = {};
  const bool there = ::stat(file_.c_str(), &found) == 0;
  if (there ? found.st_dev == device_ && found.st_ino == inode_ : errno != ENOENT && errno != ENOTDIR) return {};
  return journal_error(errc::io, file_, "the file was deleted or replaced; restart Baton");
}

}  // namespace baton::memory
