#pragma once
// An HTTP connection: one request after the other, until one of them becomes a WebSocket. While a request is answered, reading continues,
// so that a client that leaves is noticed; requests that it has already sent wait for their turn. On the I/O thread, except where marked.
// Internal to the folder.
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "net.h"
#include "pieces.h"

namespace baton::agent::server {

class HttpSession final : public Session, public std::enable_shared_from_this<HttpSession> {
 public:
  // `address`: the peer's, which identifies the client.
  HttpSession(std::shared_ptr<Shared> shared, Connection stream, std::string address);
  void begin();

  void leave() override;
  void drop() override { end(); }

 private:
  using Response = http::response<http::string_body>;
  enum class Phase { header, body, answering, draining, ended };
  enum class Input { idle, reading, closed };               // closed: by the client; nothing more will be read
  enum class Output { idle, probing, writing, streaming };  // probing: whether a client that closed its half is still there

  struct RequestHead {
    unsigned version = 11;
    bool is_head = false;  // HEAD: the answer has no body
    bool keep_alive = true;
  };
  struct StreamForm {
    bool events = false;   // server-sent events
    bool chunked = true;   // otherwise the end of the connection ends it
    bool followed = true;  // another request may follow
  };

  // A request that waits for a thread, which takes it, or for its client to leave, which removes it.
  struct Waiting {
    HttpCall call;
    std::shared_ptr<void> body_bytes;
    std::atomic<bool> taken = false;

    Waiting(HttpCall c, std::shared_ptr<void> bytes) : call(std::move(c)), body_bytes(std::move(bytes)) {}
    void clear() {
      call = {};
      body_bytes.reset();
    }
  };

  const api::ServerLimits& limits() const { return shared_->config.limits; }
  void wait_at_most(std::chrono::milliseconds time);
  void wait_no_longer() { deadline_.expires_at(std::chrono::steady_clock::time_point::max()); }
  void stand_in(Doorway* doorway);  // where one more connection may replace this one; null: nowhere

  // http_session.cpp: reading, one operation at a time, which may be under way from one phase to the next
  void read_more();
  void on_read(error_code failed, std::size_t n);
  void read_header();
  void parse();
  void on_end_of_input(error_code failed);
  void on_header();
  bool admitted();
  std::string place_key() const;
  void upgrade();
  void on_body();
  void on_bad_request(error_code failed);
  void too_large();
  void refuse(Refusal why, const ApiError& error);
  void turn_away(Refusal why, const ApiError& error);
  ApiError too_many_streams() const;
  void dispatch(Api::Where where);
  void serve(Waiting& waiting);  // on a thread of the work pool
  void watch();
  void on_peer_closed(error_code failed);

  // http_answer.cpp: writing
  void send_interim(std::function<void()> then);
  void preflight();
  void write(HttpReply reply);
  void write_stream(HttpReply reply);
  void begin_stream(const HttpReply::Stream& stream);
  void set_headers(Response& response, const HttpReply& reply);
  void send(std::shared_ptr<Response> response, bool header_only, Connection::Done done);
  void send_chunk(std::string_view bytes, Connection::Done done);
  bool out(const std::shared_ptr<Pieces>& pieces, std::shared_ptr<const std::string> piece, bool last);  // any thread
  void write_piece();
  void on_piece(error_code failed, const Piece& piece);
  void comment_later();
  void on_answered(bool again);

  void begin_line();
  void end_line(bool left);
  void stop_work();
  void shut_down();
  void drain(error_code failed, std::size_t n);
  void end();

  const std::shared_ptr<Shared> shared_;
  Connection stream_;
  const std::string address_;
  const std::string connection_ = memory::new_id("tcp_");
  asio::steady_timer deadline_;
  Phase phase_ = Phase::header;
  Doorway* doorway_ = nullptr;
  std::uint64_t ticket_ = 0;  // of the doorway

  beast::flat_buffer buffer_;
  Input input_ = Input::idle;
  std::size_t n_drained_ = 0;
  bool last_ = false;  // nothing is read after this request

  // The request
  std::optional<http::request_parser<http::string_body>> parser_;
  HttpCall call_;
  std::string cors_origin_, client_request_id_;
  RequestHead head_;
  api::AnsweredRequest line_;
  std::chrono::steady_clock::time_point started_;
  api::RouteClass class_ = api::RouteClass::other;
  bool refused_ = false;  // the log has its refusal instead of a line
  std::shared_ptr<void> place_, stream_place_, body_bytes_;
  std::shared_ptr<Waiting> waiting_;
  std::stop_source left_;

  // Its answer
  Output output_ = Output::idle;
  StreamForm form_;
  asio::steady_timer comment_;      // says that a stream of events is alive
  std::optional<HttpReply> reply_;  // came while the client was probed
  std::string chunk_head_;
  std::shared_ptr<void> held_;
  std::shared_ptr<Pieces> pieces_;
};

}  // namespace baton::agent::server
