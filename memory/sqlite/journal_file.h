#pragma once
// The files of a journal on disk: created for their owner alone, and checked for having been removed.
#include <baton/memory/error.h>
#include <sys/types.h>

#include <filesystem>

namespace baton::memory {

Result<void> make_folder_of(const std::filesystem::path& file);
// Creates the file with mode 0600. An existing file is left alone.
void make_private_file(const std::filesystem::path& file);
// Removes the permissions of group and others from `file`, if it exists; errc::read_only if that is not allowed. `journal`: the file that
// it belongs to.
Result<void> keep_private(const std::filesystem::path& journal, const std::filesystem::path& file);

// The file to which a name referred. SQLite continues to write to a file that was deleted or replaced, and everything would be lost when it
// is closed.
class FileIdentity {
 public:
  explicit FileIdentity(const std::filesystem::path& file);
  Result<void> check() const;  // errc::io if the name now refers to another file, or to none

 private:
  std::filesystem::path file_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

}  // namespace baton::memory
