#pragma once
// Counts of a hub since it began.
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

namespace baton::agent {

// The number of durations up to each bound; the last count is of those that were longer than all bounds.
struct DurationHistogram {
  static constexpr std::array<std::int64_t, 12> kBoundsMs = {50, 100, 250, 500, 1000, 2500, 5000, 10'000, 30'000, 60'000, 300'000, 600'000};
  std::array<std::int64_t, kBoundsMs.size() + 1> counts{};  // each of its own bucket, without those below
  std::int64_t sum_ms = 0;

  void add(std::int64_t ms) {
    std::size_t bucket = 0;
    while (bucket < kBoundsMs.size() && ms > kBoundsMs[bucket]) ++bucket;
    ++counts[bucket];
    sum_ms += ms;
  }
};

struct HubStats {
  int active = 0;
  int unstored = 0;          // responses that are over and not stored, and that their clients can still continue
  std::int64_t adopted = 0;  // runs of earlier processes that were continued
  // Of the runs that have ended:
  std::map<std::string, std::int64_t> finished;  // by status
  std::map<std::string, std::int64_t> failed;    // by the protocol's error code
  DurationHistogram run_ms;                      // from the start in this process to the terminal event
  DurationHistogram first_token_ms;              // to the first event that contains output of the model
  std::int64_t input_tokens = 0, cached_tokens = 0, output_tokens = 0;
  std::int64_t tools_completed = 0, tools_failed = 0;  // calls of the daemon's tools
};

}  // namespace baton::agent
