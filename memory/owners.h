#pragma once
// Which of several processes with the same journal runs a response. The file FILE-owners has no bytes; every open journal locks one byte
// offset in it, chosen at random (an open file description lock, fcntl(2)). The kernel releases the lock when the process ends, however it
// ends, so a number whose byte is free belongs to no living process. Byte 0 is locked while a journal is opened or closed.
#include <baton/memory/error.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>

namespace baton::memory {

class Owners {
 public:
  // Creates the file (mode 0600) if necessary and takes a number of our own.
  static Result<std::unique_ptr<Owners>> open(const std::filesystem::path& journal);
  ~Owners();
  Owners(const Owners&) = delete;
  Owners& operator=(const Owners&) = delete;

  std::int64_t self() const { return self_; }
  bool alive(std::int64_t owner) const;

  // Only one process may open at a time: opening switches to WAL, migrates and ends dead runs, and SQLite's own waiting does not cover all
  // of that.
  bool lock_opening(std::chrono::milliseconds patience);
  void unlock_opening();

 private:
  Owners(int descriptor, std::int64_t self) : descriptor_(descriptor), self_(self) {}
  int descriptor_;
  std::int64_t self_;
};

}  // namespace baton::memory
