#pragma once
// The seam to time: runs read the clock here and nowhere else.
#include <chrono>
#include <cstdint>

namespace baton::agent {

class Clock {
 public:
  virtual ~Clock() = default;
  virtual std::int64_t now_ms() const {  // since 1970, UTC
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  }
  // Never runs backwards and never jumps: what budgets and deadlines are counted in.
  virtual std::int64_t steady_ms() const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
  }
};

}  // namespace baton::agent
