#pragma once
// A file that is being downloaded: written front to back under NAME.gguf.part, hashed as it grows, renamed when it is complete.
#include <baton/agent/error.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

namespace baton::agent {

// Holds a lock on the part file from open() to destruction, so that one process at a time works on it. One thread.
class PartFile {
 public:
  // Opens or creates `target`.part and waits for its lock; `waiting` is called once if another process holds it. Null if the target exists
  // (another process has finished it meanwhile). Hashes the existing part.
  static Result<std::unique_ptr<PartFile>> open(const std::filesystem::path& target, const std::stop_token& stop,
                                                const std::function<void()>& waiting);
  ~PartFile();
  PartFile(const PartFile&) = delete;
  PartFile& operator=(const PartFile&) = delete;

  std::uint64_t size() const { return size_; }
  Result<void> append(std::string_view bytes);  // errc::no_space if the disk is full; the bytes that fitted are not counted in size()
  Result<void> truncate(std::uint64_t size);    // to a shorter length; hashes again
  std::string sha256() const;                   // of all bytes so far, as hex
  Result<std::filesystem::path> finish();       // syncs and renames to the target
  void remove();                                // deletes the part

  const std::filesystem::path& path() const { return part_; }

 private:
  struct Hash;
  PartFile(std::filesystem::path target, int fd);
  Result<void> hash_existing(const std::stop_token& stop);

  std::filesystem::path target_, part_;
  int fd_;
  std::uint64_t size_ = 0;
  std::unique_ptr<Hash> hash_;
};

}  // namespace baton::agent
