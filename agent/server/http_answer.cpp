// The output of an HTTP connection: answers in one piece, and streams.
#include <baton/agent/api/cors.h>

#include <array>
#include <charconv>

#include "http_session.h"

namespace baton::agent::server {
namespace {

std::string hex(std::size_t n) {
  std::array<char, 16> digits{};
  return {digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), n, 16).ptr};
}

}  // namespace

// ---- answers

// 100 Continue: a client that asks first waits for it, and every other client ignores it.
void HttpSession::send_interim(std::function<void()> then) {
  stream_.expires_after(limits().write_time);
  send(std::make_shared<Response>(http::status::continue_, head_.version), false,
       [self = shared_from_this(), then = std::move(then)](error_code failed, std::size_t) {
         if (failed) return self->end();
         self->stream_.expires_never();
         if (self->phase_ != Phase::ended) then();
       });
}

void HttpSession::set_headers(Response& response, const HttpReply& reply) {
  response.set(http::field::server, "baton");
  if (!reply.content_type.empty()) response.set(http::field::content_type, reply.content_type);
  response.set("X-Content-Type-Options", "nosniff");
  response.set("Referrer-Policy", "no-referrer");
  response.set("X-Request-Id", line_.id);
  if (!client_request_id_.empty()) response.set("X-Client-Request-Id", client_request_id_);
  response.set(http::field::vary, "Origin");
  if (!cors_origin_.empty()) {
    for (const auto& [name, value] : api::cors_headers(cors_origin_)) response.set(name, value);
  }
  for (const auto& [name, value] : reply.headers) response.set(name, value);
  response.keep_alive(head_.keep_alive && !last_);
}

// Sends the response, or its header alone.
void HttpSession::send(std::shared_ptr<Response> response, bool header_only, Connection::Done done) {
  auto serializer = std::make_shared<http::response_serializer<http::string_body>>(*response);
  Connection::Done sent = [response, serializer, done = std::move(done)](error_code failed, std::size_t n) { done(failed, n); };
  if (header_only) {
    http::async_write_header(stream_, *serializer, std::move(sent));
  } else {
    http::async_write(stream_, *serializer, std::move(sent));
  }
}

void HttpSession::preflight() {
  HttpReply reply;
  reply.status = 204;
  reply.content_type.clear();
  reply.headers = api::preflight_headers(call_.header("access-control-request-headers"), shared_->api.methods(call_.path));
  write(std::move(reply));
}

void HttpSession::write(HttpReply reply) {
  if (phase_ == Phase::ended) return;
  if (output_ == Output::probing) {
    reply_ = std::move(reply);
    return;
  }
  if (reply.stream && !head_.is_head) {
    if (!stream_place_) stream_place_ = shared_->streams.enter(place_key(), limits().client_streams);
    if (stream_place_) return write_stream(std::move(reply));
    stop_work();
    return turn_away(Refusal::client, too_many_streams());
  }
  stream_place_.reset();
  auto response = std::make_shared<Response>(static_cast<http::status>(reply.status), head_.version);
  set_headers(*response, reply);
  line_.status = reply.status;
  line_.failure = std::move(reply.log);
  if (reply.status != 204) response->content_length(reply.body.size());
  if (!head_.is_head) {
    line_.bytes = static_cast<std::int64_t>(reply.body.size());
    response->body() = std::move(reply.body);
  }
  output_ = Output::writing;
  stream_.expires_after(limits().write_time);
  send(response, head_.is_head, [self = shared_from_this(), response](error_code failed, std::size_t) {
    if (failed) return self->end();
    self->on_answered(response->keep_alive());
  });
}

void HttpSession::on_answered(bool again) {
  if (phase_ == Phase::ended) return;
  stream_.expires_never();
  output_ = Output::idle;
  end_line(false);
  if (!again) return shut_down();
  read_header();
}

// ---- streams

void HttpSession::write_stream(HttpReply reply) {
  auto response = std::make_shared<Response>(static_cast<http::status>(reply.status), head_.version);
  set_headers(*response, reply);
  form_.chunked = head_.version >= 11;
  response->chunked(form_.chunked);
  if (!form_.chunked) response->keep_alive(false);
  form_.followed = response->keep_alive();
  form_.events = reply.content_type.starts_with("text/event-stream");
  line_.status = reply.status;
  output_ = Output::writing;
  stream_.expires_after(limits().write_time);
  send(response, true, [self = shared_from_this(), stream = std::move(reply.stream)](error_code failed, std::size_t) {
    if (failed) return self->end();
    self->stream_.expires_never();
    if (self->phase_ != Phase::ended) self->begin_stream(stream);
  });
}

void HttpSession::begin_stream(const HttpReply::Stream& stream) {
  output_ = Output::streaming;
  pieces_ = std::make_shared<Pieces>();
  // Events of the journal are told on a thread that may wait for it.
  const bool queued =
      shared_->work.add(place_key(), Work::Size::small, [weak = weak_from_this(), pieces = pieces_, io = &shared_->io, stream] {
        if (weak.expired()) return;
        auto held = stream([weak, pieces](std::shared_ptr<const std::string> piece, bool last) {
          const auto alive = weak.lock();
          return alive && alive->out(pieces, std::move(piece), last);
        });
        if (const auto self = weak.lock()) {
          asio::post(*io, [self, held = std::move(held)]() mutable {
            if (self->output_ == Output::streaming) self->held_ = std::move(held);
          });
        }
      });
  if (!queued) return end();
  comment_later();
  if (input_ == Input::closed) out(pieces_, std::make_shared<const std::string>(":\n\n"), false);
}

bool HttpSession::out(const std::shared_ptr<Pieces>& pieces, std::shared_ptr<const std::string> piece, bool last) {
  const Pieces::Put put = pieces->put({std::move(piece), last}, limits().output_queue_bytes);
  if (put == Pieces::Put::closed) return false;
  if (put == Pieces::Put::too_much) {
    shared_->metrics.n_too_slow++;
    asio::post(shared_->io, [self = shared_from_this()] { self->end(); });
    return false;
  }
  asio::post(shared_->io, [self = shared_from_this()] { self->write_piece(); });
  return true;
}

// Sends a comment after a silence: a proxy would think that the connection is dead, and a client that has gone is noticed.
void HttpSession::comment_later() {
  if (!form_.events) return;
  comment_.expires_after(limits().event_pause);
  comment_.async_wait([weak = weak_from_this(), pieces = pieces_](error_code cancelled) {
    const auto self = weak.lock();
    if (cancelled || !self || self->output_ != Output::streaming || self->pieces_ != pieces) return;
    self->out(pieces, std::make_shared<const std::string>(": still here\n\n"), false);
  });
}

void HttpSession::write_piece() {
  if (output_ != Output::streaming) return;
  const std::optional<Piece> piece = pieces_->next();
  if (!piece) return;
  stream_.expires_after(limits().write_time);
  Connection::Done done = [self = shared_from_this(), piece = *piece](error_code failed, std::size_t) { self->on_piece(failed, piece); };
  if (piece->text->empty()) {
    asio::post(shared_->io, [done = std::move(done)] { done({}, 0); });
  } else {
    send_chunk(*piece->text, std::move(done));
  }
}

// Bytes of a body without a known length, which have to live until `done`; in chunked coding, an empty one is the last.
void HttpSession::send_chunk(std::string_view bytes, Connection::Done done) {
  chunk_head_ = form_.chunked ? hex(bytes.size()) + "\r\n" : "";
  const std::array<asio::const_buffer, 3> whole = {asio::buffer(chunk_head_), asio::buffer(bytes),
                                                   asio::buffer(form_.chunked ? "\r\n" : "", form_.chunked ? 2 : 0)};
  asio::async_write(stream_, whole, std::move(done));
}

void HttpSession::on_piece(error_code failed, const Piece& piece) {
  if (failed || output_ != Output::streaming) return end();
  stream_.expires_never();
  pieces_->written();
  line_.bytes += static_cast<std::int64_t>(piece.text->size());
  if (!piece.last) {
    comment_later();
    return write_piece();
  }
  output_ = Output::writing;  // of the last chunk
  comment_.cancel();
  pieces_->close();
  held_.reset();
  if (!form_.chunked) return on_answered(false);
  stream_.expires_after(limits().write_time);
  send_chunk("", [self = shared_from_this()](error_code broken, std::size_t) {
    if (broken) return self->end();
    self->on_answered(self->form_.followed);
  });
}

// ---- the log's line of a request

void HttpSession::begin_line() {
  shared_->metrics.n_requests++;
  wait_no_longer();
  started_ = std::chrono::steady_clock::now();
  line_ = {};
  line_.client = "address:" + address_;
  line_.id = memory::new_id("req_");
  line_.status = 499;  // unless it is answered
  client_request_id_.clear();
  cors_origin_.clear();
  class_ = api::RouteClass::other;
  head_.is_head = refused_ = false;
}

void HttpSession::end_line(bool left) {
  line_.time = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - started_);
  line_.left = left;
  shared_->metrics.count(class_, line_.status, line_.time);
  if (left) shared_->metrics.n_left++;
  if (!refused_) api::log_answered(line_);
  place_.reset();
  stream_place_.reset();
  body_bytes_.reset();
}

}  // namespace baton::agent::server
