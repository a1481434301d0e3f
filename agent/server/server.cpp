#include "server.h"

#include <baton/agent/api/stream_multiplexer.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <future>
#include <thread>

#include "net.h"

namespace baton::agent::server {
namespace {

Result<std::unique_ptr<asio::ssl::context>> tls_context(const api::ServerConfig& config) {
  if (config.tls_certificate.empty()) return std::unique_ptr<asio::ssl::context>();
  auto context = std::make_unique<asio::ssl::context>(asio::ssl::context::tls_server);
  error_code failed;
  context->set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_tlsv1 | asio::ssl::context::no_tlsv1_1, failed);
  context->use_certificate_chain_file(config.tls_certificate, failed);
  if (failed)
    return Error{errc::io,
                 "the certificate " + config.tls_certificate + " cannot be read: " + failed.message() + "; it must be a PEM file"};
  context->use_private_key_file(config.tls_key, asio::ssl::context::pem, failed);
  if (failed)
    return Error{errc::io, "the key " + config.tls_key + " cannot be read, or belongs to another certificate: " + failed.message()};
  return context;
}

// The owner of a connection, as far as it is known: one machine has many addresses of version 6, all of one network.
std::string peer_name(const asio::ip::address& address) {
  if (address.is_v4()) return address.to_string();
  const asio::ip::address_v6 six = address.to_v6();
  if (six.is_v4_mapped()) return asio::ip::make_address_v4(asio::ip::v4_mapped, six).to_string();
  if (six.is_loopback()) return six.to_string();
  asio::ip::address_v6::bytes_type bytes = six.to_bytes();
  std::fill(bytes.begin() + 8, bytes.end(), static_cast<unsigned char>(0));
  return asio::ip::address_v6(bytes).to_string() + "/64";
}

}  // namespace

class Server::Impl {
 public:
  Impl(api::ServerConfig config, Api& api, api::MessageHandlerFactory message_handler)
      : shared_(std::make_shared<Shared>(std::move(config), api, std::move(message_handler))) {}

  Result<void> start() {
    const api::ServerConfig& config = shared_->config;
    if (const auto why = api::refused_configuration(config)) return Error{errc::invalid_argument, *why};
    auto tls = tls_context(config);
    if (!tls) return tls.error();
    tls_ = std::move(*tls);
    error_code failed;
    const auto address = asio::ip::make_address(config.address == "localhost" ? "127.0.0.1" : config.address, failed);
    if (failed) return Error{errc::invalid_argument, "'" + config.address + "' is not an IP address to listen on"};
    const tcp::endpoint endpoint(address, config.port);
    const std::string where = config.address + " port " + std::to_string(config.port);
    acceptor_.open(endpoint.protocol(), failed);
    if (!failed) acceptor_.set_option(asio::socket_base::reuse_address(true), failed);
    if (!failed) acceptor_.bind(endpoint, failed);
    if (!failed) acceptor_.listen(asio::socket_base::max_listen_connections, failed);
    if (failed == asio::error::address_in_use)
      return Error{errc::io, where + " is in use by another process; stop it, or choose another port (--port)"};
    if (failed) return Error{errc::io, "cannot listen on " + where + ": " + failed.message()};
    port_ = acceptor_.local_endpoint().port();
    shared_->gate = std::make_unique<api::Gate>(config, port_);
    shared_->api.set_more_metrics([shared = std::weak_ptr(shared_)] { return metrics(shared); });
    accept();
    thread_ = std::thread([this] { run(); });
    return {};
  }

  void stop(std::chrono::milliseconds patience) {
    if (!thread_.joinable()) return;
    shared_->leaving = true;
    asio::post(shared_->io, [this] {
      error_code ignored;
      acceptor_.close(ignored);
      for (const auto& session : shared_->all()) session->leave();
    });
    shared_->wait_until_empty(std::chrono::steady_clock::now() + patience);
    asio::post(shared_->io, [this] {
      for (const auto& session : shared_->all()) session->drop();
    });
    // Waiting jobs are dropped. Running jobs are waited for: they use objects that are destroyed with this one.
    shared_->work.stop();
    shared_->quick.stop();
    shared_->work.join();
    shared_->quick.join();
    // Cancelled operations run their handlers, which release the sessions; then run() returns by itself.
    asio::post(shared_->io, [this] {
      for (const auto& session : shared_->all()) session->drop();
      pause_.cancel();
      work_.reset();
    });
    ran_out_.get_future().wait_for(std::chrono::seconds(3));
    shared_->io.stop();  // a handler that never comes must not delay the end
    thread_.join();
    shared_->api.set_more_metrics({});
    for (const auto& session : shared_->all()) shared_->remove(session);
  }

  unsigned short port() const { return port_; }
  std::string url() const {
    const bool six = shared_->config.address.find(':') != std::string::npos;
    return (tls_ ? "https://" : "http://") + (six ? "[" + shared_->config.address + "]" : shared_->config.address) + ":" +
           std::to_string(port_);
  }

 private:
  static std::string metrics(const std::weak_ptr<Shared>& weak) {
    const auto shared = weak.lock();
    if (!shared) return "";
    return shared->metrics.text({.connections = static_cast<std::int64_t>(shared->n_sessions()),
                                 .streams = shared->streams.all(),
                                 .waiting = static_cast<std::int64_t>(shared->work.waiting() + shared->quick.waiting())});
  }

  void accept() {
    acceptor_.async_accept([this](error_code failed, tcp::socket socket) {
      if (failed == asio::error::operation_aborted || shared_->leaving) return;
      if (failed) {  // no more descriptors, most likely: a pause instead of a busy loop
        std::int64_t left_out = 0;
        if (warnings_.allow(std::chrono::steady_clock::now(), left_out)) spdlog::warn("cannot accept a connection: {}", failed.message());
        if (failed == asio::error::no_descriptors) make_room("");
        pause_.expires_after(std::chrono::milliseconds(100));
        return pause_.async_wait([this](error_code cancelled) {
          if (!cancelled) accept();
        });
      }
      let_in(std::move(socket));
      accept();
    });
  }

  void let_in(tcp::socket socket) {
    error_code failed;
    const tcp::endpoint peer = socket.remote_endpoint(failed);
    if (failed) return;  // the client has gone
    const std::string address = peer_name(peer.address());
    const api::ServerLimits& limits = shared_->config.limits;
    if (shared_->fresh.count(address) >= static_cast<std::size_t>(limits.waiting_connections)) make_room(address);
    if (shared_->n_sessions() >= static_cast<std::size_t>(limits.connections)) make_room("");
    if (shared_->n_sessions() < static_cast<std::size_t>(limits.connections))
      return begin_session(shared_, std::move(socket), address, tls_.get());
    shared_->metrics.count(Refusal::connections);
    shared_->refusals.refused(Refusal::connections, "address:" + address, "", "all connections are in use by requests in progress");
  }

  // Closes an idle connection to make room: of the address, the oldest that has not sent a header. Without an address, it is the oldest of
  // the address with most idle connections: they have sent no header, or wait for their client otherwise (for a body, or between two
  // requests). A client that holds many places without using them loses them, not the new client.
  void make_room(const std::string& address) {
    Session* oldest = shared_->fresh.oldest(address);
    if (address.empty()) {
      const Doorway::Crowd fresh = shared_->fresh.largest(), idle = shared_->idle.largest();
      oldest = idle.count > fresh.count ? idle.oldest : fresh.oldest;
    }
    if (!oldest) return;
    shared_->metrics.count(Refusal::connections);
    shared_->refusals.refused(Refusal::connections, address.empty() ? "-" : "address:" + address, "",
                              "an idle connection was closed to make room for a new one");
    oldest->drop();
  }

  void run() {
    while (true) {
      try {
        shared_->io.run();
        ran_out_.set_value();
        return;
      } catch (const std::exception& e) {
        spdlog::error("a connection failed: {}", e.what());
      }
    }
  }

  std::shared_ptr<Shared> shared_;
  std::unique_ptr<asio::ssl::context> tls_;
  tcp::acceptor acceptor_{shared_->io};
  asio::steady_timer pause_{shared_->io};
  api::RefusalLog warnings_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_{shared_->io.get_executor()};
  unsigned short port_ = 0;
  std::promise<void> ran_out_;  // run() has nothing left to do
  std::thread thread_;
};

Result<std::unique_ptr<Server>> Server::start(api::ServerConfig config, Api& api, api::MessageHandlerFactory message_handler) {
  if (!message_handler) {
    message_handler = [&api, limits = api::StreamLimits{config.limits.lanes, config.limits.lane_queue}](
                          std::weak_ptr<api::MessageSink> peer, api::Post post) {
      return std::make_shared<api::StreamMultiplexer>(api, limits, std::move(peer), std::move(post));
    };
  }
  auto impl = std::make_unique<Impl>(std::move(config), api, std::move(message_handler));
  if (const Result<void> started = impl->start(); !started) return started.error();
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() { impl_->stop(std::chrono::milliseconds(0)); }
unsigned short Server::port() const { return impl_->port(); }
std::string Server::url() const { return impl_->url(); }
void Server::stop(std::chrono::milliseconds patience) { impl_->stop(patience); }

}  // namespace baton::agent::server
