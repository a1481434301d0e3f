#include "http_session.h"

#include <baton/agent/api/cors.h>
#include <baton/tools/text.h>

#include <boost/url.hpp>

#include <cstring>

#include "content_encoding.h"

namespace baton::agent::server {
namespace {

constexpr std::size_t kReadAhead = 16 * 1024;  // bytes of further requests; beyond it the client waits with its own buffers full

// Base URLs are written with and without a slash at their end, and are joined with paths that begin with one.
std::string plain_path(std::string_view path) {
  std::string plain;
  for (const char c : path) {
    if (c != '/' || !plain.ends_with('/')) plain += c;
  }
  if (plain.size() > 1 && plain.ends_with('/')) plain.pop_back();
  return plain;
}

// Returns false if the target is not in origin form, or its path contains a NUL.
bool read_target(beast::string_view target, HttpCall& call) {
  const auto parsed = boost::urls::parse_origin_form(boost::urls::string_view(target.data(), target.size()));
  if (!parsed) return false;
  call.path = plain_path(parsed->path());
  for (const auto& parameter : parsed->params()) call.query[parameter.key] = parameter.value;
  return call.path.find('\0') == std::string::npos;
}

// Whether the answer may be a stream of events: a possible stream is counted before it is begun.
bool may_stream(const HttpCall& call) {
  constexpr std::string_view kStream = "\"stream\"";
  return call.query.contains("stream") || is_encoded(call) ||
         ::memmem(call.body.data(), call.body.size(), kStream.data(), kStream.size()) != nullptr;
}

Refusal kind_of(const ApiError& error) {
  return error.status == 401 ? Refusal::token : error.code == "origin_not_allowed" ? Refusal::origin : Refusal::host;
}

ApiError saturated(const std::string& what) { return {503, "server_error", "saturated", what + "; try again in a moment", ""}; }

}  // namespace

HttpSession::HttpSession(std::shared_ptr<Shared> shared, Connection stream, std::string address)
    : shared_(std::move(shared)), stream_(std::move(stream)), address_(std::move(address)), deadline_(shared_->io), comment_(shared_->io) {}

void HttpSession::begin() {
  stand_in(&shared_->fresh);
  wait_at_most(limits().header_time);
  stream_.handshake([self = shared_from_this()](error_code failed) {
    if (failed) return self->end();
    self->read_header();
  });
}

void HttpSession::leave() {
  last_ = true;
  if (phase_ == Phase::header) end();
}

// ---- time and place

void HttpSession::wait_at_most(std::chrono::milliseconds time) {
  deadline_.expires_after(time);
  deadline_.async_wait([weak = weak_from_this()](error_code cancelled) {
    const auto self = weak.lock();
    // The handler of a deadline that has just been extended may be on its way already.
    if (!cancelled && self && self->deadline_.expiry() <= std::chrono::steady_clock::now()) self->end();
  });
}

void HttpSession::stand_in(Doorway* doorway) {
  if (doorway_) doorway_->leave(address_, ticket_);
  doorway_ = doorway;
  if (doorway_) ticket_ = doorway_->enter(address_, this);
}

// ---- reading

void HttpSession::read_more() {
  if (input_ == Input::reading) return;
  input_ = Input::reading;
  stream_.async_read_some(buffer_.prepare(phase_ == Phase::body ? 65536 : 4096),
                          [self = shared_from_this()](error_code failed, std::size_t n) { self->on_read(failed, n); });
}

void HttpSession::on_read(error_code failed, std::size_t n) {
  input_ = failed ? Input::closed : Input::idle;
  buffer_.commit(n);
  if (phase_ == Phase::header || phase_ == Phase::body) return failed ? on_end_of_input(failed) : parse();
  if (phase_ == Phase::answering) return failed ? on_peer_closed(failed) : watch();
  if (phase_ == Phase::draining) return drain(failed, n);
}

void HttpSession::read_header() {
  if (phase_ == Phase::ended) return;
  if (last_ || (input_ == Input::closed && buffer_.size() == 0)) return shut_down();
  phase_ = Phase::header;
  parser_.emplace();
  parser_->header_limit(static_cast<std::uint32_t>(limits().header_bytes));
  parser_->body_limit(limits().body_bytes);
  if (doorway_ != &shared_->fresh) {
    stand_in(&shared_->idle);
    wait_at_most(limits().keep_alive);
  }
  parse();
}

void HttpSession::parse() {
  const bool first_bytes = phase_ == Phase::header && buffer_.size() > 0 && !parser_->got_some();
  if (first_bytes && doorway_ == &shared_->idle) wait_at_most(limits().header_time);
  error_code failed;
  while (true) {
    if (phase_ == Phase::header && parser_->is_header_done()) return on_header();
    if (phase_ == Phase::body && parser_->is_done()) return on_body();
    if (failed == http::error::need_more || buffer_.size() == 0) return input_ == Input::closed ? on_end_of_input({}) : read_more();
    parser_->eager(phase_ == Phase::body);
    buffer_.consume(parser_->put(buffer_.data(), failed));
    if (failed && failed != http::error::need_more) return on_bad_request(failed);
  }
}

void HttpSession::on_end_of_input(error_code failed) {
  if ((failed && failed != asio::error::eof) || !parser_->got_some()) return end();
  error_code wrong;
  parser_->put_eof(wrong);
  if (wrong) return on_bad_request(wrong);
  end();
}

void HttpSession::on_header() {
  stand_in(nullptr);
  begin_line();
  const auto& request = parser_->get();
  call_ = {};
  line_.method = call_.method = std::string(request.method_string());
  head_ = {request.version(), request.method() == http::verb::head, request.keep_alive()};
  const std::string_view target(request.target().data(), request.target().size());
  if (!read_target(request.target(), call_))
    return refuse(Refusal::request, ApiError::invalid("", "the request's target is not a path: " + api::visible(target, 100)));
  line_.path = call_.path;
  if (!admitted()) return;
  if (websocket::is_upgrade(request)) return upgrade();
  if (beast::iequals(request[http::field::upgrade], "websocket"))
    return refuse(Refusal::request, ApiError::invalid("",
                                                      "incomplete WebSocket upgrade: it needs Connection, Upgrade, "
                                                      "Sec-WebSocket-Key and Sec-WebSocket-Version: 13"));
  const std::size_t length = parser_->content_length() ? *parser_->content_length() : parser_->chunked() ? limits().body_bytes : 0;
  if (length > limits().body_bytes) return too_large();
  if (length > kLargeBody && !(body_bytes_ = shared_->bodies.take(length)))
    return refuse(Refusal::saturated, saturated("the daemon is receiving the maximum of long requests"));
  phase_ = Phase::body;
  if (!parser_->is_done()) stand_in(&shared_->idle);
  wait_at_most(limits().request_time);
  if (beast::iequals(request[http::field::expect], "100-continue")) return send_interim([this] { parse(); });
  parse();
}

// Whether the gate admits the request; otherwise it is answered.
bool HttpSession::admitted() {
  api::GateRequest at_the_gate{call_.method, call_.path, {}, {}, {}, {}};
  for (const auto& header : parser_->get()) {
    call_.headers[tools::ascii_lower(std::string_view(header.name_string().data(), header.name_string().size()))] =
        std::string(header.value());
    if (header.name() == http::field::host) at_the_gate.host.emplace_back(header.value());
    if (header.name() == http::field::origin) at_the_gate.origin.emplace_back(header.value());
  }
  at_the_gate.authorization = std::string(parser_->get()[http::field::authorization]);
  at_the_gate.protocols = call_.header("sec-websocket-protocol");
  if (const std::string own = call_.header("x-client-request-id"); own.size() <= 128 && api::is_token(own)) client_request_id_ = own;
  cors_origin_ = shared_->gate->cors_origin(at_the_gate);
  const protocol::Parsed<api::Admission> admission = shared_->gate->admit(at_the_gate);
  if (!admission) {
    refuse(kind_of(admission.error()), admission.error());
    return false;
  }
  if (!admission->client.empty()) line_.client = admission->client;
  call_.client = line_.client;
  // Programs with one token at one address are distinguished only by their connections.
  call_.share = place_key() + "/" + connection_;
  return true;
}

// Limits of a client count by its token and its address: all programs with the same token share it.
std::string HttpSession::place_key() const {
  const std::string address = "address:" + address_;
  return line_.client == address ? address : line_.client + " " + address;
}

void HttpSession::upgrade() {
  if (call_.path != "/v1/responses") return refuse(Refusal::request, ApiError::not_found("WebSockets are at /v1/responses"));
  if (input_ == Input::reading)
    return refuse(Refusal::request, ApiError::invalid("", "an upgrade must not be sent before the previous request is answered"));
  Admitted admitted{line_.client, line_.id, place_key(), shared_->streams.enter(place_key(), limits().client_streams)};
  if (!admitted.place) return refuse(Refusal::client, too_many_streams());
  wait_no_longer();
  phase_ = Phase::ended;
  begin_socket(shared_, std::move(stream_), parser_->release(), std::move(admitted));
  shared_->remove(shared_from_this());  // not before the socket is there: Server::stop() waits while there is a session
}

void HttpSession::on_bad_request(error_code failed) {
  if (phase_ == Phase::header) begin_line();
  if (failed == http::error::header_limit)
    return refuse(Refusal::too_large, {431, "invalid_request_error", "headers_too_large",
                                       "the headers have more than " + std::to_string(limits().header_bytes) + " bytes", ""});
  if (failed == http::error::body_limit) return too_large();
  refuse(Refusal::request, ApiError::invalid("", "not an HTTP request: " + failed.message(), "bad_request"));
}

void HttpSession::too_large() {
  refuse(Refusal::too_large,
         {413, "invalid_request_error", "body_too_large", "the body has more than " + std::to_string(limits().body_bytes) + " bytes", ""});
}

ApiError HttpSession::too_many_streams() const {
  return {429, "rate_limit_error", "too_many_streams",
          "this client has " + std::to_string(limits().client_streams) + " event streams and WebSockets open, which is the maximum", ""};
}

// Anything after it is not read: its beginning is unknown, or too long.
void HttpSession::refuse(Refusal why, const ApiError& error) {
  last_ = true;
  turn_away(why, error);
}

// Not served, but the connection stays.
void HttpSession::turn_away(Refusal why, const ApiError& error) {
  shared_->metrics.count(why);
  shared_->refusals.refused(why, line_.client, line_.id, error.message);
  refused_ = true;
  wait_no_longer();
  stand_in(nullptr);
  phase_ = Phase::answering;
  write(HttpReply::of(error));
}

// ---- a whole request

void HttpSession::on_body() {
  wait_no_longer();
  stand_in(nullptr);
  phase_ = Phase::answering;
  if (call_.method == "OPTIONS" && !cors_origin_.empty()) return preflight();
  call_.body = std::move(parser_->get().body());
  const Api::About about = shared_->api.about(call_);
  class_ = about.what;
  left_ = std::stop_source();
  call_.left = left_.get_token();
  if (about.where == Api::Where::io) return shared_->api.handle(call_, [this](HttpReply reply) { write(std::move(reply)); });
  if (about.where == Api::Where::work) {
    if (const auto refused = refused_encoding(call_)) return turn_away(Refusal::request, *refused);
    place_ = shared_->requests.enter(place_key(), limits().client_requests);
    if (!place_)
      return turn_away(Refusal::client, {429, "rate_limit_error", "too_many_requests",
                                         "this client has " + std::to_string(limits().client_requests) +
                                             " requests waiting or being answered, which is the maximum",
                                         ""});
    if (may_stream(call_) && !(stream_place_ = shared_->streams.enter(place_key(), limits().client_streams)))
      return turn_away(Refusal::client, too_many_streams());
  }
  dispatch(about.where);
}

void HttpSession::dispatch(Api::Where where) {
  const bool quick = where == Api::Where::quick;
  // The size of a compressed body's content is not known yet.
  const Work::Size size = !quick && (call_.body.size() > kLargeBody || is_encoded(call_)) ? Work::Size::large : Work::Size::small;
  waiting_ = std::make_shared<Waiting>(std::move(call_), std::move(body_bytes_));
  Work& work = quick ? shared_->quick : shared_->work;
  if (!work.add(place_key(), size, [self = shared_from_this(), waiting = waiting_] { self->serve(*waiting); })) {
    waiting_.reset();
    return turn_away(Refusal::saturated, saturated("the maximum of requests is waiting"));
  }
  watch();
}

// The answer comes at any later time; by then the client may have left, and the session may be gone.
void HttpSession::serve(Waiting& waiting) {
  if (waiting.taken.exchange(true)) return;
  const Api::Done done = [weak = weak_from_this()](HttpReply reply) {
    const auto self = weak.lock();
    if (!self) return;
    asio::post(self->shared_->io, [self, reply = std::move(reply)]() mutable { self->write(std::move(reply)); });
  };
  if (const auto refused = decode_body(waiting.call, limits().body_bytes)) {
    done(HttpReply::of(*refused));
  } else {
    shared_->api.handle(waiting.call, done);
  }
  waiting.clear();
}

// ---- the client, while it waits

void HttpSession::watch() {
  if (buffer_.size() < kReadAhead && input_ != Input::closed) read_more();
}

// The client has closed its half of the connection. It may have gone, or wait for the answer; TCP shows no difference until something is
// sent: a client that has gone answers with a reset.
void HttpSession::on_peer_closed(error_code failed) {
  if (failed != asio::error::eof || head_.version < 11) return end();
  stream_.wait_for_reset([weak = weak_from_this()](error_code cancelled) {
    const auto self = weak.lock();
    if (!cancelled && self) self->end();
  });
  if (output_ == Output::streaming) {
    out(pieces_, std::make_shared<const std::string>(":\n\n"), false);  // a comment
  } else if (output_ == Output::idle) {
    output_ = Output::probing;
    send_interim([this] {
      output_ = Output::idle;
      if (reply_) write(std::move(*std::exchange(reply_, std::nullopt)));
    });
  }
}

// ---- the end

// Tells the client that nothing follows, and reads for a moment the bytes that it may still be sending: closing at once would reset the
// connection, and the client would not see the answer.
void HttpSession::shut_down() {
  if (phase_ == Phase::ended) return;
  phase_ = Phase::draining;
  stream_.shutdown_send();
  if (input_ == Input::closed) return end();
  stand_in(&shared_->idle);
  wait_at_most(std::chrono::seconds(2));
  read_more();
}

void HttpSession::drain(error_code failed, std::size_t n) {
  n_drained_ += n;
  buffer_.clear();
  if (failed || n_drained_ > (64u << 20)) return end();
  read_more();
}

// Work for the client is told that it has left, on a thread that may wait.
void HttpSession::stop_work() {
  shared_->work.post([left = left_]() mutable { left.request_stop(); });
}

void HttpSession::end() {
  const Phase was = std::exchange(phase_, Phase::ended);
  if (was == Phase::ended) return;
  const auto self = shared_from_this();  // the server drops it below
  if (was == Phase::answering) {
    end_line(true);
    stop_work();
  }
  if (const auto waiting = std::exchange(waiting_, nullptr); waiting && !waiting->taken.exchange(true)) waiting->clear();
  if (pieces_) pieces_->close();
  output_ = Output::idle;
  comment_.cancel();
  held_.reset();
  body_bytes_.reset();
  wait_no_longer();
  stand_in(nullptr);
  stream_.close();
  shared_->remove(self);
}

void begin_session(std::shared_ptr<Shared> shared, tcp::socket socket, std::string address, asio::ssl::context* tls) {
  error_code ignored;
  socket.set_option(tcp::no_delay(true), ignored);
  // Bytes for a slow reader must wait where they are counted, not in the kernel, which would take megabytes a connection.
  socket.set_option(asio::socket_base::send_buffer_size(256 * 1024), ignored);
  auto session = std::make_shared<HttpSession>(shared, Connection(std::move(socket), tls), std::move(address));
  shared->add(session);
  session->begin();
}

}  // namespace baton::agent::server
