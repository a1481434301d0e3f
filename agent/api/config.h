#pragma once
// The server's address, its admitted clients, and its limits. docs/operating.md lists the defaults.
#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

namespace baton::agent::api {

struct ServerLimits {
  int connections = 2048;                          // open at a time; one more replaces an idle one
  int waiting_connections = 256;                   // of one address, without a complete header: one more replaces the oldest
  int client_requests = 512;                       // of one client, waiting or being answered: 429
  int client_streams = 256;                        // of one client, event streams and WebSockets: 429
  std::size_t queue = 1024;                        // requests that wait for a thread: 503
  std::size_t bodies_bytes = 256 << 20;            // of long bodies that are being received or read, in all: 503
  std::size_t header_bytes = 16 * 1024;            // of a request: 431
  std::size_t body_bytes = 8 << 20;                // 413
  std::size_t message_bytes = 8 << 20;             // of a WebSocket message: close 1009
  int lanes = 32;                                  // of a socket
  int lane_queue = 8;                              // responses that wait on one lane
  std::size_t output_queue_bytes = 4 << 20;        // that may wait for a slow reader: close 1013
  std::chrono::milliseconds request_time{20'000};  // of a request's body; then the connection is closed
  std::chrono::milliseconds header_time{10'000};   // from the connection, or the first byte of a further request, to the header's end
  std::chrono::milliseconds keep_alive{60'000};    // to the first byte of the next request
  std::chrono::milliseconds event_pause{15'000};   // of a silent event stream, until the server sends a comment for proxies
  std::chrono::milliseconds write_time{60'000};    // in which the reader takes no byte
  std::chrono::milliseconds socket_idle{300'000};  // a WebSocket that answers no ping
};

struct ServerConfig {
  std::string address = "127.0.0.1";
  unsigned short port = 8377;                // 0: any; Server::port() returns it
  std::string token;                         // bearer token; empty: none, for loopback addresses only
  std::vector<std::string> allowed_hosts;    // Host names beside localhost and the loopback addresses: "baton.lan", "baton.lan:443"
  std::vector<std::string> allowed_origins;  // of browsers' pages beside Baton's own: "https://app.example.com"
  std::string tls_certificate, tls_key;      // PEM files; both or none
  ServerLimits limits;
};

}  // namespace baton::agent::api
