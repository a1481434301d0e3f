#pragma once
// Shared by the files with sockets. Internal to the folder, because Asio and Beast are.
#include <baton/agent/api/api.h>
#include <baton/agent/api/config.h>
#include <baton/agent/api/gate.h>
#include <baton/agent/api/message_handler.h>
#include <baton/agent/api/request_log.h>
#include <baton/agent/api/server_metrics.h>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket.hpp>

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <set>

#include "clients.h"
#include "connection.h"
#include "doorway.h"
#include "work.h"

namespace baton::agent::server {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;
using api::Api;
using api::HttpCall;
using api::HttpReply;
using api::Refusal;
using asio::ip::tcp;
using boost::system::error_code;
using protocol::ApiError;

// A connection of the server. On the I/O thread.
class Session {
 public:
  virtual ~Session() = default;
  virtual void leave() = 0;  // shutdown: WebSockets close with 1012, idle connections at once, others after their answer
  virtual void drop() = 0;   // at once: the server does not hold it any more when this returns
};

// State that all connections share.
struct Shared {
  Shared(api::ServerConfig c, Api& a, api::MessageHandlerFactory t) : config(std::move(c)), api(a), message_handler(std::move(t)) {}

  const api::ServerConfig config;
  Api& api;
  const api::MessageHandlerFactory message_handler;
  std::unique_ptr<api::Gate> gate;  // set when the port is known
  asio::io_context io{1};
  Work quick{1, 0, 4096};                // requests of an operator; bodies of requests are never handled there
  Work work{4, 2, config.limits.queue};  // routes, which may wait for the disk
  std::atomic<bool> leaving = false;

  api::ServerMetrics metrics;
  api::RefusalLog refusals;
  Clients requests, streams;
  ByteBudget bodies{config.limits.bodies_bytes};
  Doorway fresh, idle;  // connections that have sent no header yet, and others that wait for their client

  void add(const std::shared_ptr<Session>& session) {
    const std::scoped_lock lock(mutex);
    sessions.insert(session);
  }
  void remove(const std::shared_ptr<Session>& session) {
    const std::scoped_lock lock(mutex);
    sessions.erase(session);
    if (sessions.empty()) emptied.notify_all();
  }
  // Not on the I/O thread. Returns when no session is left, or at the deadline.
  void wait_until_empty(std::chrono::steady_clock::time_point deadline) {
    std::unique_lock lock(mutex);
    emptied.wait_until(lock, deadline, [this] { return sessions.empty(); });
  }
  std::vector<std::shared_ptr<Session>> all() {
    const std::scoped_lock lock(mutex);
    return {sessions.begin(), sessions.end()};
  }
  std::size_t n_sessions() {
    const std::scoped_lock lock(mutex);
    return sessions.size();
  }

 private:
  std::mutex mutex;
  std::condition_variable emptied;
  std::set<std::shared_ptr<Session>> sessions;
};

// Takes a new connection; TLS if a context is given. `address`: the peer's (peer_name).
void begin_session(std::shared_ptr<Shared> shared, tcp::socket socket, std::string address, asio::ssl::context* tls);

// The client that has requested a WebSocket, and its place among the client's streams.
struct Admitted {
  std::string client, request_id;
  std::string place_key;  // HttpSession::place_key
  std::shared_ptr<void> place;
};
// Continues a connection whose upgrade request has passed the gate.
void begin_socket(std::shared_ptr<Shared> shared, Connection stream, http::request<http::string_body> upgrade, Admitted admitted);

}  // namespace baton::agent::server
