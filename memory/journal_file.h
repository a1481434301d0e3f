#pragma once
// The files of a journal on disk: made for their owner alone, and missed when they are gone.
#include <baton/memory/error.h>
#include <sys/types.h>

#include <filesystem>

namespace baton::memory {

Result<void> make_folder_of(const std::filesystem::path& file);
// Mode 0600. A file that is there is left alone.
void make_private_file(const std::filesystem::path& file);
// Takes `file` from its group and from others, where it is there; errc::read_only when that is not allowed. `journal`: what it belongs to.
Result<void> keep_private(const std::filesystem::path& journal, const std::filesystem::path& file);

// Which file a name stood for. SQLite goes on writing to a file that was deleted or replaced, and everything would be lost at its end.
class FileIdentity {
 public:
  explicit FileIdentity(const std::filesystem::path& file);
  Result<void> check() const;  // errc::io when the name stands for another file now, or for none

 private:
  std::filesystem::path file_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

}  // namespace baton::memory
