#pragma once
// The part of /metrics about the server. Counters are written by any thread; the series are the same whatever was requested.
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>

namespace baton::agent::api {

// The kind of a request's route.
enum class RouteClass { responses, chat, conversations, other };

// The reasons for a refusal.
enum class Refusal { host, origin, token, request, too_large, connections, client, saturated };

struct ServerMetrics {
  std::atomic<std::int64_t> n_requests = 0, n_messages_in = 0, n_messages_out = 0, n_too_slow = 0, n_sockets = 0, n_left = 0;

  void count(RouteClass what, int status, std::chrono::microseconds time);
  void count(Refusal why) { refused_[static_cast<std::size_t>(why)]++; }
  std::int64_t refused(Refusal why) const { return refused_[static_cast<std::size_t>(why)]; }

  // Lines of Prometheus text. The gauges: their current values.
  struct Gauges {
    std::int64_t connections = 0, streams = 0, waiting = 0;
  };
  std::string text(const Gauges& gauges) const;

 private:
  static constexpr std::size_t kClasses = 4, kRefusals = 8;
  static constexpr std::array<double, 13> kSeconds = {0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 30, 60};
  struct Latency {
    std::array<std::atomic<std::int64_t>, kSeconds.size() + 1> within{};  // not cumulative; the last is beyond all bounds
    std::atomic<std::int64_t> microseconds = 0;
  };
  std::array<Latency, kClasses> latency_;
  std::array<std::array<std::atomic<std::int64_t>, 5>, kClasses> answered_{};  // 1xx to 5xx
  std::array<std::atomic<std::int64_t>, kRefusals> refused_{};
};

const char* name_of(RouteClass what);
const char* name_of(Refusal why);

}  // namespace baton::agent::api
