#pragma once
// The seam to time: runs read the clock here and nowhere else.
#include <baton/agent/core/moment.h>
#include <baton/memory/journal.h>

#include <chrono>
#include <cstdint>

namespace baton::agent {

class Clock {
 public:
  virtual ~Clock() = default;
  virtual std::int64_t now_ms() const {  // since 1970, UTC
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  }
  // Never runs backwards and does not follow the wall clock. Deadlines in the journal use it, so it continues after a restart.
  virtual std::int64_t steady_ms() const = 0;

  Moment now() const { return {now_ms(), steady_ms()}; }
};

// The system's time of day, and the journal's own clock. The journal outlives it.
class JournalClock final : public Clock {
 public:
  explicit JournalClock(const memory::Journal& journal) : journal_(journal) {}
  std::int64_t steady_ms() const override { return journal_.clock_ms(); }

 private:
  const memory::Journal& journal_;
};

}  // namespace baton::agent
