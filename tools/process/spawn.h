#pragma once
// Starts a program with pipes. Internal to the folder.
#include <sys/types.h>
#include <unistd.h>

#include <utility>

#include "process.h"

namespace baton::tools {

class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int fd) : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    if (this != &other) {
      reset();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  ~FileDescriptor() { reset(); }

  int get() const { return fd_; }
  void reset() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

 private:
  int fd_ = -1;
};

struct SpawnedProcess {
  pid_t pid = -1;           // leader of its own group; to be reaped by the caller
  FileDescriptor pidfd;     // readable when it has ended; -1 where the kernel has none (before Linux 5.3)
  FileDescriptor out, err;  // our ends, non-blocking
};

Result<SpawnedProcess> spawn(const ProcessCommand& command);

}  // namespace baton::tools
