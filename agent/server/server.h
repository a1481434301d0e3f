#pragma once
// One port for HTTP and WebSocket clients: TLS if a certificate is given, one gate for all, one I/O thread; routes run on a small pool.
#include <baton/agent/api/api.h>
#include <baton/agent/api/config.h>
#include <baton/agent/api/message_handler.h>
#include <baton/agent/error.h>

#include <chrono>
#include <memory>
#include <string>

namespace baton::agent::server {

class Server {
 public:
  // Listens and answers from now on. Errors: io (the port is in use, the address is not this machine's, a certificate that cannot be read),
  // invalid_argument (a configuration that must not listen: refused_configuration()). `api` outlives the server. `message_handler`: of each
  // WebSocket; none: StreamMultiplexer.
  static Result<std::unique_ptr<Server>> start(api::ServerConfig config, api::Api& api, api::MessageHandlerFactory message_handler = {});
  ~Server();  // stop() without patience

  unsigned short port() const;
  std::string url() const;  // http://127.0.0.1:8377

  // Accepts no new connections; WebSockets are closed with 1012 (service restart), current answers have until then to end. Any thread,
  // once.
  void stop(std::chrono::milliseconds patience);

 private:
  class Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace baton::agent::server
