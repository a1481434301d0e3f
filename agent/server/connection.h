#pragma once
// A client's connection, plain or TLS, as one type. Internal to the folder.
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/beast/core/role.hpp>
#include <boost/beast/core/tcp_stream.hpp>

#include <array>
#include <chrono>
#include <functional>
#include <memory>

namespace baton::agent::server {

// An Asio AsyncStream over a socket. Beast's operations are templates of the stream and of the completion handler: with separate types for
// both kinds of stream and for every handler, the two files of sessions took a tenth of the whole build. Here both are erased: reads and
// writes are one virtual call, with a std::function as handler, which costs one allocation beside a system call.
//
// On the I/O thread; handlers are called there, too, but not from within the function that began the operation.
class Connection {
 public:
  using executor_type = boost::asio::any_io_executor;
  using error_code = boost::system::error_code;
  using Done = std::function<void(error_code, std::size_t)>;

  // TLS if a context is given, which has to outlive it.
  Connection(boost::asio::ip::tcp::socket socket, boost::asio::ssl::context* tls);
  Connection(Connection&&) noexcept;
  Connection& operator=(Connection&&) noexcept;
  ~Connection();

  executor_type get_executor() const;

  // The server's side of the TLS handshake; a plain connection needs none.
  void handshake(std::function<void(error_code)> done);

  // The deadline of the operations that begin from now on: after it they fail with beast::error::timeout, and the connection is closed.
  void expires_after(std::chrono::nanoseconds time);
  void expires_never();

  // Called when the peer has reset the connection, or with an error when this is closed.
  void wait_for_reset(std::function<void(error_code)> done);

  void shutdown_send();  // tells the peer that nothing follows
  void close();          // at once; also ends running operations

  template <class MutableBuffers, class Token>
  auto async_read_some(const MutableBuffers& buffers, Token&& token) ->
      typename boost::asio::async_result<std::decay_t<Token>, void(error_code, std::size_t)>::return_type {
    return boost::asio::async_initiate<Token, void(error_code, std::size_t)>(
        [link = link_.get()](auto handler, const Some<boost::asio::mutable_buffer>& some) {
          link->read_some(some, erased(std::move(handler)));
        },
        token, Some<boost::asio::mutable_buffer>(buffers));
  }

  template <class ConstBuffers, class Token>
  auto async_write_some(const ConstBuffers& buffers, Token&& token) ->
      typename boost::asio::async_result<std::decay_t<Token>, void(error_code, std::size_t)>::return_type {
    return boost::asio::async_initiate<Token, void(error_code, std::size_t)>(
        [link = link_.get()](auto handler, const Some<boost::asio::const_buffer>& some) {
          link->write_some(some, erased(std::move(handler)));
        },
        token, Some<boost::asio::const_buffer>(buffers));
  }

 private:
  // The first buffers of a sequence: an operation for some bytes need not take all.
  template <class Buffer>
  class Some {
   public:
    using value_type = Buffer;
    using const_iterator = const Buffer*;

    template <class Buffers>
    explicit Some(const Buffers& buffers) {
      const auto end = boost::asio::buffer_sequence_end(buffers);
      for (auto it = boost::asio::buffer_sequence_begin(buffers); it != end && n_ < first_.size(); ++it) {
        if (const Buffer buffer(*it); buffer.size() > 0) first_[n_++] = buffer;
      }
    }
    const Buffer* begin() const { return first_.data(); }
    const Buffer* end() const { return first_.data() + n_; }

   private:
    std::array<Buffer, 16> first_;
    std::size_t n_ = 0;
  };

  struct Link {
    virtual ~Link() = default;
    virtual boost::beast::tcp_stream& bottom() = 0;
    virtual void handshake(std::function<void(error_code)> done) = 0;
    virtual void read_some(const Some<boost::asio::mutable_buffer>& buffers, Done done) = 0;
    virtual void write_some(const Some<boost::asio::const_buffer>& buffers, Done done) = 0;
    virtual void teardown(boost::beast::role_type role, std::function<void(error_code)> done) = 0;
  };
  template <class Stream>
  struct LinkOf;

  // Beast's handlers can only be moved; a std::function copies its target.
  template <class Handler>
  static auto erased(Handler handler) {
    return [handler = std::make_shared<Handler>(std::move(handler))](auto... results) { std::move (*handler)(results...); };
  }

  // The hooks that websocket::stream requires of the stream below it.
  friend void beast_close_socket(Connection& connection) { connection.close(); }
  template <class Handler>
  friend void async_teardown(boost::beast::role_type role, Connection& connection, Handler&& handler) {
    connection.link_->teardown(role, erased<std::decay_t<Handler>>(std::forward<Handler>(handler)));
  }

  std::unique_ptr<Link> link_;
};

}  // namespace baton::agent::server
