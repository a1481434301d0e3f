#include "rate_limit.h"

#include <algorithm>

namespace baton::tools {

std::optional<Clock::time_point> RateLimit::turn(Clock::time_point now, Clock::time_point deadline) {
  const std::lock_guard lock(mutex_);
  Clock::time_point at = turns_.empty() ? now : std::max(now, turns_.back());
  const auto after = [&](int count, Clock::duration span) {
    const auto n = static_cast<std::size_t>(count);
    if (n > 0 && turns_.size() >= n) at = std::max(at, turns_[turns_.size() - n] + span);
  };
  after(limit_.per_second, std::chrono::seconds(1));
  after(limit_.per_minute, std::chrono::minutes(1));
  if (at > deadline) return std::nullopt;
  turns_.push_back(at);
  if (turns_.size() > static_cast<std::size_t>(std::max({limit_.per_second, limit_.per_minute, 1}))) turns_.pop_front();
  return at;
}

}  // namespace baton::tools
