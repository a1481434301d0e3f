#include "server_metrics.h"

#include <algorithm>
#include <sstream>

namespace baton::agent::api {

const char* name_of(RouteClass what) {
  constexpr const char* kNames[] = {"responses", "chat", "conversations", "other"};
  return kNames[static_cast<std::size_t>(what)];
}

const char* name_of(Refusal why) {
  constexpr const char* kNames[] = {"host", "origin", "token", "request", "too_large", "connections", "client", "saturated"};
  return kNames[static_cast<std::size_t>(why)];
}

void ServerMetrics::count(RouteClass what, int status, std::chrono::microseconds time) {
  const auto index = static_cast<std::size_t>(what);
  answered_[index][static_cast<std::size_t>(std::clamp(status / 100, 1, 5) - 1)]++;
  const double seconds = std::chrono::duration<double>(time).count();
  const auto bucket = std::find_if(kSeconds.begin(), kSeconds.end(), [&](double bound) { return seconds <= bound; });
  latency_[index].within[static_cast<std::size_t>(bucket - kSeconds.begin())]++;
  latency_[index].microseconds += time.count();
}

std::string ServerMetrics::text(const Gauges& gauges) const {
  std::ostringstream out;
  const auto head = [&](const char* name, const char* type, const char* help) {
    out << "# HELP " << name << " " << help << "\n# TYPE " << name << " " << type << "\n";
  };
  const auto line = [&](const char* name, const char* type, const char* help, std::int64_t value) {
    head(name, type, help);
    out << name << " " << value << "\n";
  };
  head("baton_build_info", "gauge", "The daemon's version.");
  out << "baton_build_info{version=\"" BATON_VERSION "\"} 1\n";
  line("baton_connections", "gauge", "Open connections.", gauges.connections);
  line("baton_websockets", "gauge", "Of these, WebSockets.", n_sockets);
  line("baton_streams", "gauge", "Event streams and WebSockets open now, and requests that asked for a stream.", gauges.streams);
  line("baton_queue_length", "gauge", "Requests and messages that wait for a thread.", gauges.waiting);
  line("baton_http_requests_total", "counter", "Requests, upgrades included.", n_requests);
  head("baton_http_responses_total", "counter", "Requests answered, by route and by class of status.");
  for (std::size_t c = 0; c < kClasses; ++c) {
    for (std::size_t s = 1; s < 5; ++s)
      out << "baton_http_responses_total{route=\"" << name_of(static_cast<RouteClass>(c)) << "\",status=\"" << s + 1 << "xx\"} "
          << answered_[c][s] << "\n";
  }
  const char* latency = "baton_http_request_seconds";
  head(latency, "histogram", "From a request's header to the end of its answer.");
  for (std::size_t c = 0; c < kClasses; ++c) {
    const std::string route = std::string("route=\"") + name_of(static_cast<RouteClass>(c)) + "\"";
    std::int64_t n = 0;
    for (std::size_t b = 0; b < kSeconds.size(); ++b) {
      n += latency_[c].within[b];
      out << latency << "_bucket{" << route << ",le=\"" << kSeconds[b] << "\"} " << n << "\n";
    }
    n += latency_[c].within.back();
    out << latency << "_bucket{" << route << ",le=\"+Inf\"} " << n << "\n";
    out << latency << "_sum{" << route << "} " << static_cast<double>(latency_[c].microseconds) / 1e6 << "\n";
    out << latency << "_count{" << route << "} " << n << "\n";
  }
  head("baton_refused_total", "counter", "Connections, requests and messages that were not served, by reason.");
  for (std::size_t r = 0; r < kRefusals; ++r)
    out << "baton_refused_total{kind=\"" << name_of(static_cast<Refusal>(r)) << "\"} " << refused_[r] << "\n";
  line("baton_clients_left_total", "counter", "Requests whose client left before the end of the answer.", n_left);
  line("baton_messages_received_total", "counter", "WebSocket messages of clients.", n_messages_in);
  line("baton_messages_sent_total", "counter", "WebSocket messages to clients.", n_messages_out);
  line("baton_slow_readers_total", "counter", "Connections closed because their reader was too slow.", n_too_slow);
  return out.str();
}

}  // namespace baton::agent::api
