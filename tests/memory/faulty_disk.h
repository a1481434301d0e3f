#pragma once
// SQLite's writing functions, replaced by one that fails on demand (sqlite3_vfs::xSetSystemCall).
#include <fcntl.h>

#include <algorithm>
#include <atomic>
#include <cerrno>

#include "journal_fixture.h"

namespace baton::memory {

inline std::atomic<int> failing_errno{0};
inline std::atomic<int> torn_bytes{0};  // this many bytes of the first failing write are still written
inline ssize_t faulty_pwrite(int descriptor, const void* data, size_t size, off_t offset) {
  if (failing_errno != 0) {
    if (const int part = torn_bytes.exchange(0); part > 0) (void)!pwrite(descriptor, data, std::min<size_t>(part, size), offset);
    errno = failing_errno;
    return -1;
  }
  return pwrite(descriptor, data, size, offset);
}

class FaultyDisk : public testing::Test {
 protected:
  void SetUp() override {
    sqlite3_initialize();
    for (const char* call : {"pwrite", "pwrite64"})
      sqlite3_vfs_find(nullptr)->xSetSystemCall(sqlite3_vfs_find(nullptr), call, reinterpret_cast<sqlite3_syscall_ptr>(faulty_pwrite));
  }
  void TearDown() override {
    failing_errno = 0;
    for (const char* call : {"pwrite", "pwrite64"}) sqlite3_vfs_find(nullptr)->xSetSystemCall(sqlite3_vfs_find(nullptr), call, nullptr);
  }
  TempFolder folder_;
};

}  // namespace baton::memory
