#pragma once
// One moment on two clocks.
#include <cstdint>

namespace baton::agent {

struct Moment {
  std::int64_t wall_ms = 0;    // since 1970, UTC: what is shown. Whoever sets the machine's clock moves it
  std::int64_t steady_ms = 0;  // from an arbitrary beginning; never jumps: what budgets and deadlines are counted in
};

}  // namespace baton::agent
