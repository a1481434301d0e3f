#pragma once
// Limits how many requests start in a second and a minute.
#include <baton/tools/tool.h>

#include <deque>
#include <mutex>
#include <optional>

#include "api_spec.h"

namespace baton::tools {

// Thread-safe. Requests get their turn in the order of their calls.
class RateLimit {
 public:
  explicit RateLimit(ApiLimit limit) : limit_(limit) {}

  // The time at which a request that asks at `now` may start; the turn is reserved for it. Null: not before `deadline`, and no turn is
  // reserved.
  std::optional<Clock::time_point> turn(Clock::time_point now, Clock::time_point deadline);

 private:
  const ApiLimit limit_;
  std::mutex mutex_;
  std::deque<Clock::time_point> turns_;  // the latest turns, as many as the larger figure
};

}  // namespace baton::tools
