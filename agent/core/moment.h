#pragma once
// One moment on two clocks.
#include <cstdint>

namespace baton::agent {

struct Moment {
  std::int64_t wall_ms = 0;    // since 1970, UTC, for display. It jumps when the machine's clock is set
  std::int64_t steady_ms = 0;  // from an arbitrary beginning; never jumps: the unit of budgets and deadlines
};

}  // namespace baton::agent
