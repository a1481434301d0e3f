// An HTTP connection: one request after the other, until one of them becomes a WebSocket.
#include <baton/tools/text.h>

#include <boost/url.hpp>

#include <array>
#include <charconv>
#include <deque>
#include <optional>

#include "net.h"

namespace baton::agent::server {
namespace {

// False: not a target of ours.
bool read_target(beast::string_view target, HttpCall& call) {
  const auto parsed = boost::urls::parse_origin_form(boost::urls::string_view(target.data(), target.size()));
  if (!parsed) return false;
  call.path = parsed->path();
  for (const auto& parameter : parsed->params()) call.query[parameter.key] = parameter.value;
  return call.path.find('\0') == std::string::npos;
}

using Response = http::response<http::string_body>;

std::string hex(std::size_t n) {
  std::array<char, 16> digits{};
  return {digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), n, 16).ptr};
}

class HttpSession final : public Session, public std::enable_shared_from_this<HttpSession> {
 public:
  HttpSession(std::shared_ptr<Shared> shared, Connection stream) : shared_(std::move(shared)), stream_(std::move(stream)) {}

  void begin() {
    stream_.expires_after(limits().request_time);
    stream_.handshake([self = shared_from_this()](error_code failed) {
      if (failed) return self->end();
      self->read_header();
    });
  }

  // ---- Session
  void leave() override {
    last_ = true;
    if (idle_) drop();
  }
  void drop() override { stream_.close(); }
  void on_successor(const std::string&, const Result<RunHub::Started>&) override {}

 private:
  const ServerLimits& limits() const { return shared_->config.limits; }

  // ---- reading

  void read_header() {
    if (last_) return end();
    idle_ = true;
    parser_.emplace();
    parser_->header_limit(static_cast<std::uint32_t>(limits().header_bytes));
    parser_->body_limit(limits().body_bytes);
    stream_.expires_after(limits().keep_alive);
    http::async_read_header(stream_, buffer_, *parser_, beast::bind_front_handler(&HttpSession::on_header, shared_from_this()));
  }

  void on_header(error_code failed, std::size_t) {
    idle_ = false;
    if (failed) return on_bad_request(failed);
    shared_->n_requests++;
    const auto& request = parser_->get();
    call_ = {};
    call_.method = std::string(request.method_string());
    head_ = request.method() == http::verb::head;
    version_ = request.version();
    keep_alive_ = request.keep_alive();
    cors_origin_.clear();
    if (!read_target(request.target(), call_))
      return refuse(ApiError::invalid("", "the request's target is no path: " + std::string(request.target()).substr(0, 100)));
    GateRequest at_the_gate{call_.method, call_.path, {}, {}, std::string(request[http::field::authorization]), {}};
    for (const auto& header : request) {
      call_.headers[tools::ascii_lower(std::string_view(header.name_string().data(), header.name_string().size()))] =
          std::string(header.value());
      if (header.name() == http::field::host) at_the_gate.host.emplace_back(header.value());
      if (header.name() == http::field::origin) at_the_gate.origin.emplace_back(header.value());
    }
    at_the_gate.protocols = call_.header("sec-websocket-protocol");
    const Parsed<Admission> admission = shared_->gate->admit(at_the_gate);
    if (!admission) {
      shared_->n_refused++;
      return refuse(admission.error());
    }
    cors_origin_ = admission->cors_origin;
    if (websocket::is_upgrade(request)) return upgrade();
    if (beast::iequals(request[http::field::upgrade], "websocket"))
      return refuse(ApiError::invalid(
          "", "this is no complete WebSocket upgrade: it needs Connection, Upgrade, Sec-WebSocket-Key and Sec-WebSocket-Version: 13"));
    if (parser_->content_length() && *parser_->content_length() > limits().body_bytes) return too_large();
    stream_.expires_after(limits().request_time);
    if (beast::iequals(request[http::field::expect], "100-continue")) return send_continue();
    read_body();
  }

  void upgrade() {
    if (call_.path != "/v1/responses") return refuse(ApiError::not_found("WebSockets are at /v1/responses"));
    shared_->remove(shared_from_this());
    begin_socket(shared_, std::move(stream_), parser_->release());
    moved_ = true;
  }

  void send_continue() {
    send(std::make_shared<Response>(http::status::continue_, version_), false, [self = shared_from_this()](error_code failed, std::size_t) {
      if (failed) return self->end();
      self->read_body();
    });
  }

  void read_body() { http::async_read(stream_, buffer_, *parser_, beast::bind_front_handler(&HttpSession::on_body, shared_from_this())); }

  void on_body(error_code failed, std::size_t) {
    if (failed) return on_bad_request(failed);
    stream_.expires_never();
    if (call_.method == "OPTIONS" && !cors_origin_.empty()) return preflight();
    call_.body = std::move(parser_->get().body());
    asio::post(shared_->pool, [self = shared_from_this()] {
      self->shared_->api.handle(self->call_, [self](HttpReply reply) {
        asio::post(self->shared_->io, [self, reply = std::move(reply)]() mutable { self->write(std::move(reply)); });
      });
    });
  }

  void on_bad_request(error_code failed) {
    if (failed == http::error::end_of_stream || failed == asio::error::eof || failed == asio::error::operation_aborted) return end();
    if (failed == http::error::header_limit)
      return refuse({431, "invalid_request_error", "headers_too_large",
                     "the headers have more than " + std::to_string(limits().header_bytes) + " bytes", ""});
    if (failed == http::error::body_limit) return too_large();
    if (failed == beast::error::timeout) return end();
    if (failed.category() == http::make_error_code(http::error::bad_method).category())
      return refuse(ApiError::invalid("", "this is no HTTP request: " + failed.message(), "bad_request"));
    end();
  }
  void too_large() {
    refuse(
        {413, "invalid_request_error", "body_too_large", "the body has more than " + std::to_string(limits().body_bytes) + " bytes", ""});
  }
  // What comes after is not read: its beginning is unknown, or too long.
  void refuse(const ApiError& error) {
    last_ = true;
    write(HttpReply::of(error));
  }

  // ---- writing

  void set_headers(Response& response, const HttpReply& reply) {
    response.set(http::field::server, "baton");
    response.set(http::field::content_type, reply.content_type);
    response.set("X-Content-Type-Options", "nosniff");
    response.set("Referrer-Policy", "no-referrer");
    if (!cors_origin_.empty()) {
      response.set(http::field::access_control_allow_origin, cors_origin_);
      response.set(http::field::vary, "Origin");
    }
    for (const auto& [name, value] : reply.headers) response.set(name, value);
    response.keep_alive(keep_alive_ && !last_);
  }

  // The response, or its header alone.
  void send(std::shared_ptr<Response> response, bool header_only, Connection::Done done) {
    auto serializer = std::make_shared<http::response_serializer<http::string_body>>(*response);
    Connection::Done sent = [response, serializer, done = std::move(done)](error_code failed, std::size_t n) { done(failed, n); };
    if (header_only) {
      http::async_write_header(stream_, *serializer, std::move(sent));
    } else {
      http::async_write(stream_, *serializer, std::move(sent));
    }
  }

  // Bytes of a body without a known length, which have to live until `done`; in chunks, an empty one is the last.
  void send_chunk(std::string_view bytes, Connection::Done done) {
    chunk_head_ = chunked_ ? hex(bytes.size()) + "\r\n" : "";
    const std::array<asio::const_buffer, 3> whole = {asio::buffer(chunk_head_), asio::buffer(bytes),
                                                     asio::buffer(chunked_ ? "\r\n" : "", chunked_ ? 2 : 0)};
    asio::async_write(stream_, whole, std::move(done));
  }

  void preflight() {
    HttpReply reply;
    reply.status = 204;
    reply.headers = {{"Access-Control-Allow-Methods", "GET, POST, DELETE"},
                     {"Access-Control-Allow-Headers", "authorization, content-type, idempotency-key"},
                     {"Access-Control-Max-Age", "600"}};
    write(std::move(reply));
  }

  void write(HttpReply reply) {
    if (reply.stream && !head_) return write_stream(std::move(reply));
    auto response = std::make_shared<Response>(static_cast<http::status>(reply.status), version_);
    set_headers(*response, reply);
    if (reply.status != 204) response->content_length(reply.body.size());
    if (!head_) response->body() = std::move(reply.body);
    stream_.expires_after(limits().write_time);
    send(response, head_, [self = shared_from_this(), response](error_code failed, std::size_t) {
      if (failed || !response->keep_alive()) return self->shut_down();
      self->read_header();
    });
  }

  void write_stream(HttpReply reply) {
    auto response = std::make_shared<Response>(static_cast<http::status>(reply.status), version_);
    set_headers(*response, reply);
    chunked_ = version_ >= 11;
    response->chunked(chunked_);
    if (!chunked_) response->keep_alive(false);
    again_ = response->keep_alive();
    stream_.expires_after(limits().write_time);
    send(response, true, [self = shared_from_this(), stream = std::move(reply.stream)](error_code failed, std::size_t) {
      if (failed) return self->end();
      self->stream_.expires_never();
      asio::post(self->shared_->pool, [self, stream] {
        auto held = stream([weak = self->weak_from_this()](std::shared_ptr<const std::string> piece, bool last) {
          const auto alive = weak.lock();
          return alive && alive->out(std::move(piece), last);
        });
        asio::post(self->shared_->io, [self, held = std::move(held)]() mutable { self->hold(std::move(held)); });
      });
    });
  }

  void hold(std::shared_ptr<void> held) {
    if (!ended_ && !stream_done_) held_ = std::move(held);
  }

  // Any thread.
  bool out(std::shared_ptr<const std::string> piece, bool last) {
    {
      const std::scoped_lock lock(mutex_);
      if (gone_) return false;
      queued_bytes_ += piece->size();
      pieces_.emplace_back(std::move(piece), last);
      if (queued_bytes_ > limits().output_queue_bytes) {
        gone_ = true;
        shared_->n_too_slow++;
        asio::post(shared_->io, [self = shared_from_this()] { self->drop(); });
        return false;
      }
    }
    asio::post(shared_->io, [self = shared_from_this()] { self->write_piece(); });
    return true;
  }

  void write_piece() {
    std::pair<std::shared_ptr<const std::string>, bool> piece;
    {
      const std::scoped_lock lock(mutex_);
      if (writing_ || pieces_.empty() || ended_) return;
      writing_ = true;
      piece = pieces_.front();
    }
    stream_.expires_after(limits().write_time);
    Connection::Done done = [self = shared_from_this(), piece](error_code failed, std::size_t) { self->on_piece(failed, piece.second); };
    if (piece.first->empty()) {
      asio::post(shared_->io, [done = std::move(done)] { done({}, 0); });
    } else {
      send_chunk(*piece.first, std::move(done));
    }
  }

  void on_piece(error_code failed, bool last) {
    if (failed) return end();
    stream_.expires_never();
    {
      const std::scoped_lock lock(mutex_);
      writing_ = false;
      queued_bytes_ -= pieces_.front().first->size();
      pieces_.pop_front();
    }
    if (!last) return write_piece();
    stream_done_ = true;
    held_.reset();
    if (!chunked_) return shut_down();
    send_chunk("", [self = shared_from_this()](error_code broken, std::size_t) {
      if (broken || !self->again_ || self->last_) return self->shut_down();
      self->stream_done_ = false;
      self->read_header();
    });
  }

  // ---- the end

  // Says that nothing follows, and reads what the client may still be sending for a moment: closing at once would reset the connection, and
  // the client would not see the answer.
  void shut_down() {
    if (ended_) return;
    stream_.shutdown_send();
    stream_.expires_after(std::chrono::seconds(2));
    drain();
  }
  void drain() {
    stream_.async_read_some(asio::buffer(drained_), [self = shared_from_this()](error_code failed, std::size_t n) {
      self->n_drained_ += n;
      if (failed || self->n_drained_ > (64u << 20)) return self->end();
      self->drain();
    });
  }
  void end() {
    if (std::exchange(ended_, true) || moved_) return;
    {
      const std::scoped_lock lock(mutex_);
      gone_ = true;
    }
    held_.reset();
    drop();
    shared_->remove(shared_from_this());
  }

  const std::shared_ptr<Shared> shared_;
  Connection stream_;
  beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::string_body>> parser_;
  HttpCall call_;
  std::string cors_origin_;
  unsigned version_ = 11;
  bool head_ = false, keep_alive_ = true, idle_ = true, last_ = false, ended_ = false, moved_ = false;
  std::string chunk_head_;
  bool chunked_ = true, again_ = true, stream_done_ = false;
  std::shared_ptr<void> held_;
  std::array<char, 4096> drained_{};
  std::size_t n_drained_ = 0;

  std::mutex mutex_;  // guards all below
  std::deque<std::pair<std::shared_ptr<const std::string>, bool>> pieces_;
  std::size_t queued_bytes_ = 0;
  bool writing_ = false, gone_ = false;
};

}  // namespace

void begin_session(std::shared_ptr<Shared> shared, tcp::socket socket, asio::ssl::context* tls) {
  error_code ignored;
  socket.set_option(tcp::no_delay(true), ignored);
  // What waits for a slow reader shall wait where it is counted, not in the kernel, which would take megabytes a connection.
  socket.set_option(asio::socket_base::send_buffer_size(256 * 1024), ignored);
  auto session = std::make_shared<HttpSession>(shared, Connection(std::move(socket), tls));
  shared->add(session);
  session->begin();
}

}  // namespace baton::agent::server
