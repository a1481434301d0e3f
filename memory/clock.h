#pragma once
// The clock of a journal (Journal::clock_ms): the system's time since its start, carried over restarts by a row of the file.
#include <baton/memory/sqlite/statement.h>
#include "journal.h"

#include <atomic>

namespace baton::memory {

class DurableClock {
 public:
  static constexpr std::int64_t kSaveEveryMs = 60'000;

  explicit DurableClock(ClockSource source);

  // Reads the row, or writes it if this is the first open() since the system started. Must be called before anything else.
  Result<void> start(Database& database);
  std::int64_t now_ms() const;  // any thread

  // The remaining functions may be called by one thread at a time.
  bool due() const;                       // the row is a minute old
  Result<void> save(Database& database);  // in a transaction of the caller's
  void saved();                           // after that transaction was committed

 private:
  ClockSource source_;
  std::string boot_id_;
  // Two readings taken at one moment. Within one start of the system, every process that has the file open computes the same line from
  // them.
  std::int64_t base_ms_ = 0, base_boot_ms_ = 0;
  std::int64_t saving_boot_ms_ = 0, saved_boot_ms_ = 0;
  mutable std::atomic<std::int64_t> last_ms_{0};
};

}  // namespace baton::memory
