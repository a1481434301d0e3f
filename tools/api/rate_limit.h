#pragma once
// How many requests may start in a second and a minute.
#include <baton/tools/tool.h>

#include <deque>
#include <mutex>
#include <optional>

#include "api_spec.h"

namespace baton::tools {

// Thread-safe. Requests get their turn in the order in which they ask.
class RateLimit {
 public:
  explicit RateLimit(ApiLimit limit) : limit_(limit) {}

  // When a request that asks at `now` may start: a turn that is its own. Null: not before `deadline`, and no turn is taken.
  std::optional<Clock::time_point> turn(Clock::time_point now, Clock::time_point deadline);

 private:
  const ApiLimit limit_;
  std::mutex mutex_;
  std::deque<Clock::time_point> turns_;  // the latest, as many as the larger figure
};

}  // namespace baton::tools
