// A WebSocket connection.
#include <spdlog/spdlog.h>

#include <optional>
#include <utility>

#include "net.h"

namespace baton::agent::server {
namespace {

constexpr std::size_t kMaxQueued = 4096;  // messages; their bytes are bounded too

class SocketSession final : public Session, public api::MessageSink, public std::enable_shared_from_this<SocketSession> {
 public:
  SocketSession(std::shared_ptr<Shared> shared, Connection stream, Admitted admitted)
      : shared_(std::move(shared)), socket_(std::move(stream)), admitted_(std::move(admitted)) {}

  void begin(http::request<http::string_body> upgrade) {
    shared_->metrics.n_sockets++;
    const api::ServerLimits& limits = shared_->config.limits;
    handler_ =
        shared_->message_handler(weak_from_this(), [shared = shared_](std::function<void()> job) { shared->work.post(std::move(job)); });
    websocket::stream_base::timeout timeout{};
    timeout.handshake_timeout = limits.request_time;
    timeout.idle_timeout = limits.socket_idle;
    timeout.keep_alive_pings = true;
    socket_.next_layer().expires_never();
    socket_.set_option(timeout);
    socket_.read_message_max(limits.message_bytes);
    socket_.auto_fragment(false);
    socket_.text(true);
    const bool with_protocol = upgrade.find(http::field::sec_websocket_protocol) != upgrade.end();
    socket_.set_option(websocket::stream_base::decorator([with_protocol, id = admitted_.request_id](websocket::response_type& response) {
      response.set(http::field::server, "baton");
      response.set("X-Request-Id", id);
      if (with_protocol) response.set(http::field::sec_websocket_protocol, "baton");
    }));
    upgrade_ = std::move(upgrade);
    socket_.async_accept(upgrade_, beast::bind_front_handler(&SocketSession::on_accept, shared_from_this()));
  }

  // ---- MessageSink: any thread
  bool send(OutgoingMessage message) override {
    {
      const std::scoped_lock lock(mutex_);
      if (closing_) return false;
      queue_.push(std::move(message));
      if (queue_.bytes() > shared_->config.limits.output_queue_bytes || queue_.size() > kMaxQueued) {
        closing_ = true;
        shared_->metrics.n_too_slow++;
        asio::post(shared_->io, [self = shared_from_this()] {
          self->close(websocket::close_code::try_again_later, "too slow: resume by sequence number");
        });
        return false;
      }
      if (writing_ || queue_.size() > 1) return true;
    }
    asio::post(shared_->io, [self = shared_from_this()] { self->write(); });
    return true;
  }

  const std::string& client() const override { return admitted_.client; }

  // ---- Session
  void leave() override { close(websocket::close_code::service_restart, "the daemon restarts: connect again"); }
  void drop() override {
    socket_.next_layer().close();
    end();
  }

 private:
  void on_accept(error_code failed) {
    if (failed || ended_) return end();
    accepted_ = true;
    spdlog::info("websocket opened client={} id={}", admitted_.client, admitted_.request_id);
    if (const auto wanted = std::exchange(close_when_accepted_, std::nullopt)) return close(wanted->first, wanted->second);
    read();
    write();
  }

  void read() { socket_.async_read(buffer_, beast::bind_front_handler(&SocketSession::on_read, shared_from_this())); }

  void on_read(error_code failed, std::size_t) {
    if (failed == websocket::error::closed && close_code_ == 0) close_code_ = socket_.reason().code;
    if (failed || ended_) return end();
    shared_->metrics.n_messages_in++;
    if (!socket_.got_text()) return close(websocket::close_code::unknown_data, "a message must be JSON text");
    auto text = std::make_shared<std::string>(beast::buffers_to_string(buffer_.data()));
    buffer_.consume(buffer_.size());
    // The next message is read after this one was handled: a client that sends too much waits with its own buffers full.
    const Work::Size size = text->size() > kLargeBody ? Work::Size::large : Work::Size::small;
    const bool queued = shared_->work.add(admitted_.place_key, size, [self = shared_from_this(), text] {
      if (self->ended_) return;
      self->handler_->on_message(*text);
      asio::post(self->shared_->io, [self] {
        if (!self->ended_) self->read();
      });
    });
    if (queued) return;
    shared_->metrics.count(Refusal::saturated);
    shared_->refusals.refused(Refusal::saturated, admitted_.client, admitted_.request_id,
                              "a WebSocket message was not served: the queue is full");
    close(websocket::close_code::try_again_later, "the daemon is overloaded: connect again later");
  }

  void write() {
    std::shared_ptr<const std::string> text;
    {
      const std::scoped_lock lock(mutex_);
      if (writing_ || queue_.empty() || !accepted_ || ended_) return;
      writing_ = true;
      text = queue_.begin_first();
    }
    socket_.async_write(asio::buffer(*text), [self = shared_from_this(), text](error_code failed, std::size_t) { self->on_write(failed); });
  }

  void on_write(error_code failed) {
    if (failed) return end();
    shared_->metrics.n_messages_out++;
    {
      const std::scoped_lock lock(mutex_);
      writing_ = false;
      queue_.pop();
    }
    write();
  }

  void close(websocket::close_code code, const char* reason) {
    {
      const std::scoped_lock lock(mutex_);
      closing_ = true;
    }
    if (ended_ || close_sent_) return;
    if (!accepted_) {  // the client may have its 101 already
      close_when_accepted_ = {code, reason};
      return;
    }
    close_sent_ = true;
    if (close_code_ == 0) close_code_ = code;
    // A reader that takes nothing would not take the close frame either.
    drop_later_.expires_after(std::chrono::seconds(5));
    drop_later_.async_wait([self = shared_from_this()](error_code cancelled) {
      if (!cancelled) self->drop();
    });
    socket_.async_close(websocket::close_reason(code, reason), [self = shared_from_this()](error_code) { self->end(); });
  }

  void end() {
    if (ended_.exchange(true)) return;
    const auto self = shared_from_this();  // the server drops it below
    drop_later_.cancel();
    {
      const std::scoped_lock lock(mutex_);
      closing_ = true;
    }
    shared_->metrics.n_sockets--;
    if (accepted_) {
      spdlog::info("websocket closed code={} client={} id={}", close_code_ == 0 ? 1006 : close_code_, admitted_.client,
                   admitted_.request_id);
    }
    admitted_.place.reset();
    handler_->close();
    shared_->remove(shared_from_this());
  }

  const std::shared_ptr<Shared> shared_;
  websocket::stream<Connection> socket_;
  asio::steady_timer drop_later_{shared_->io};
  http::request<http::string_body> upgrade_;
  beast::flat_buffer buffer_;
  std::shared_ptr<api::MessageHandler> handler_;
  Admitted admitted_;
  bool accepted_ = false, close_sent_ = false;  // the I/O thread's
  std::atomic<bool> ended_ = false;             // set by the I/O thread
  unsigned close_code_ = 0;                     // of the close that was first, theirs or ours
  std::optional<std::pair<websocket::close_code, const char*>> close_when_accepted_;

  std::mutex mutex_;  // guards all below
  MessageQueue queue_;
  bool writing_ = false;
  bool closing_ = false;
};

}  // namespace

void begin_socket(std::shared_ptr<Shared> shared, Connection stream, http::request<http::string_body> upgrade, Admitted admitted) {
  auto session = std::make_shared<SocketSession>(shared, std::move(stream), std::move(admitted));
  session->begin(std::move(upgrade));
  shared->add(session);  // from here on other threads call it
}

}  // namespace baton::agent::server
