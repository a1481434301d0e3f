#include <boost/asio/post.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/ssl.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <boost/beast/websocket/teardown.hpp>

#include "connection.h"

namespace baton::agent::server {

namespace asio = boost::asio;
namespace beast = boost::beast;

template <class Stream>
struct Connection::LinkOf final : Link {
  template <class... Arguments>
  explicit LinkOf(Arguments&&... arguments) : stream(std::forward<Arguments>(arguments)...) {}

  beast::tcp_stream& bottom() override { return beast::get_lowest_layer(stream); }
  void handshake(std::function<void(error_code)> done) override {
    if constexpr (std::is_same_v<Stream, beast::tcp_stream>) {
      asio::post(stream.get_executor(), [done = std::move(done)] { done({}); });
    } else {
      stream.async_handshake(asio::ssl::stream_base::server, std::move(done));
    }
  }
  void read_some(const Some<asio::mutable_buffer>& buffers, Done done) override { stream.async_read_some(buffers, std::move(done)); }
  void write_some(const Some<asio::const_buffer>& buffers, Done done) override { stream.async_write_some(buffers, std::move(done)); }
  void teardown(beast::role_type role, std::function<void(error_code)> done) override {
    using beast::websocket::async_teardown;
    async_teardown(role, stream, std::move(done));
  }

  Stream stream;
};

Connection::Connection(asio::ip::tcp::socket socket, asio::ssl::context* tls) {
  if (tls) {
    link_ = std::make_unique<LinkOf<beast::ssl_stream<beast::tcp_stream>>>(beast::tcp_stream(std::move(socket)), *tls);
  } else {
    link_ = std::make_unique<LinkOf<beast::tcp_stream>>(std::move(socket));
  }
}
Connection::Connection(Connection&&) noexcept = default;
Connection& Connection::operator=(Connection&&) noexcept = default;
Connection::~Connection() = default;

Connection::executor_type Connection::get_executor() const { return link_->bottom().get_executor(); }
void Connection::handshake(std::function<void(error_code)> done) { link_->handshake(std::move(done)); }
void Connection::expires_after(std::chrono::nanoseconds time) { link_->bottom().expires_after(time); }
void Connection::expires_never() { link_->bottom().expires_never(); }
void Connection::wait_for_reset(std::function<void(error_code)> done) {
  link_->bottom().socket().async_wait(asio::ip::tcp::socket::wait_error, std::move(done));
}
void Connection::shutdown_send() {
  error_code ignored;
  link_->bottom().socket().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
}
void Connection::close() { link_->bottom().close(); }

}  // namespace baton::agent::server
