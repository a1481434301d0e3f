#include "owners.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <random>
#include <thread>

#include <baton/memory/sqlite/statement.h>

namespace baton::memory {
namespace {

bool lock_byte(int descriptor, std::int64_t byte, short type) {
  struct flock range = {};
  range.l_type = type;
  range.l_whence = SEEK_SET;
  range.l_start = byte;
  range.l_len = 1;
  return fcntl(descriptor, F_OFD_SETLK, &range) == 0;
}

}  // namespace

Result<std::unique_ptr<Owners>> Owners::open(const std::filesystem::path& journal) {
  const std::string file = journal.string() + "-owners";
  const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0) {
    const int reason = errno;
    const errc code = reason == EROFS || reason == EACCES || reason == EPERM ? errc::read_only : reason == ENOSPC ? errc::full : errc::io;
    const char* advice = code == errc::read_only ? "; make the journal's folder writable, or name another file"
                         : code == errc::full    ? "; free some space and try again"
                                                 : "; check that its folder exists";
    Error error = journal_error(code, journal, "cannot write next to it: " + file + ": " + std::strerror(reason) + advice);
    error.without_path = std::string("journal: cannot write next to it: ") + std::strerror(reason) + advice;
    return error;
  }
  std::random_device random;
  for (int attempt = 0; attempt < 8; ++attempt) {
    const std::int64_t number = 1 + static_cast<std::int64_t>((std::uint64_t{random()} << 32 | random()) >> 2);  // 1 .. 2^62
    if (lock_byte(descriptor, number, F_WRLCK)) return std::unique_ptr<Owners>(new Owners(descriptor, number));
  }
  const int reason = errno;
  ::close(descriptor);
  return journal_error(
      errc::io, journal,
      std::string("cannot lock its -owners: ") + std::strerror(reason) + "; the journal must be on a file system with locks");
}

Owners::~Owners() { ::close(descriptor_); }

bool Owners::alive(std::int64_t owner) const {
  if (owner == self_) return true;
  struct flock range = {};
  range.l_type = F_WRLCK;
  range.l_whence = SEEK_SET;
  range.l_start = owner;
  range.l_len = 1;
  return fcntl(descriptor_, F_OFD_GETLK, &range) != 0 || range.l_type != F_UNLCK;  // in doubt, alive: its runs are left
}

bool Owners::lock_opening(std::chrono::milliseconds patience) {
  const auto end = std::chrono::steady_clock::now() + patience;
  while (!lock_byte(descriptor_, 0, F_WRLCK)) {
    if (std::chrono::steady_clock::now() >= end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

void Owners::unlock_opening() { lock_byte(descriptor_, 0, F_UNLCK); }

}  // namespace baton::memory
