// The limits of one client, and that other clients are served meanwhile.
#include <latch>
#include <semaphore>

#include "server_fixture.h"

namespace baton::agent::server {
namespace {

// Blocks the threads that process requests.
class Holding final : public api::MessageHandler {
 public:
  Holding(std::counting_semaphore<>& begun, std::latch& go) : begun_(begun), go_(go) {}
  void on_message(const std::string&) override {
    begun_.release();
    go_.wait();
  }

 private:
  std::counting_semaphore<>& begun_;
  std::latch& go_;
};

class BusyServerTest : public ServerTest {
 protected:
  static constexpr int kThreads = 4;

  ~BusyServerTest() override {
    release();
    server_.reset();
  }
  void occupy(ServerLimits limits = {}) {
    ServerConfig config;
    config.limits = limits;
    start_with(config, [this](std::weak_ptr<api::MessageSink>, const api::Post&) { return std::make_shared<Holding>(begun_, go_); });
    for (int i = 0; i < kThreads; ++i) {
      sockets_.push_back(websocket());
      sockets_.back().send({{"type", "hold"}});
      begun_.acquire();
    }
  }
  void release() {
    if (!std::exchange(released_, true)) go_.count_down();
  }

  std::counting_semaphore<> begun_{0};
  std::latch go_{1};
  bool released_ = false;
  std::deque<Socket> sockets_;
};

TEST_F(BusyServerTest, what_an_operator_asks_is_answered_while_every_thread_is_busy) {
  occupy();
  for (const char* path : {"/healthz", "/readyz", "/metrics", "/", "/console/console.js", "/openapi.json"})
    EXPECT_EQ(ask(http::verb::get, path).status, 200) << path;
}

TEST_F(BusyServerTest, more_than_the_queue_takes_is_refused_with_a_hint) {
  ServerLimits limits;
  limits.queue = 2;
  occupy(limits);
  std::vector<tcp::socket> waiting;
  for (int i = 0; i < 2; ++i) waiting.push_back(send("POST /v1/responses", Json{{"input", "hello"}}.dump()));
  ASSERT_TRUE(metric("baton_queue_length 2"));
  Answer refused = post({{"input", "hello"}});
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.headers["Retry-After"], "1");
  release();
  for (tcp::socket& socket : waiting) EXPECT_EQ(answer_on(socket).status, 200);
}

TEST_F(BusyServerTest, what_waits_for_a_client_that_has_gone_is_not_begun) {
  occupy();
  for (int i = 0; i < 10; ++i) send("POST /v1/responses", Json{{"input", "hello"}, {"background", true}}.dump()).close();
  ASSERT_TRUE(metric("baton_clients_left_total 10"));
  release();
  ASSERT_TRUE(metric("baton_queue_length 0"));
  EXPECT_EQ(post({{"input", "hello"}}).status, 200);
  EXPECT_TRUE(metric("baton_runs_total{status=\"completed\"} 1")) << ask(http::verb::get, "/metrics").body;
}

TEST_F(BusyServerTest, a_shutdown_does_not_begin_what_waits) {
  occupy();
  tcp::socket socket = send("POST /v1/responses", Json{{"input", "hello"}}.dump());
  ASSERT_TRUE(metric("baton_queue_length 1"));
  std::thread stopping([&] { server_->stop(std::chrono::milliseconds(0)); });
  EXPECT_TRUE(closed(socket));
  release();
  stopping.join();
  const HubStats stats = hub_.stats();
  EXPECT_EQ(stats.active, 0);
  EXPECT_TRUE(stats.finished.empty());
}

TEST_F(ServerTest, connections_without_a_header_make_way_for_those_that_come) {
  ServerLimits limits;
  limits.connections = 10;
  limits.waiting_connections = 100;
  start(limits);
  std::vector<tcp::socket> silent;
  for (int i = 0; i < 10; ++i) silent.push_back(connect());
  for (int i = 0; i < 5; ++i) EXPECT_EQ(ask(http::verb::get, "/healthz").status, 200) << "another client on the same machine";
  EXPECT_TRUE(closed(silent[0])) << "the oldest first";
}

TEST_F(ServerTest, an_address_has_a_number_of_connections_without_a_header) {
  ServerLimits limits;
  limits.waiting_connections = 3;
  start(limits);
  std::vector<tcp::socket> silent;
  for (int i = 0; i < 5; ++i) silent.push_back(connect());
  EXPECT_TRUE(closed(silent[0]));
  EXPECT_TRUE(closed(silent[1]));
  asio::write(silent[4], asio::buffer("GET /healthz HTTP/1.1\r\nHost: " + host() + "\r\n\r\n"));
  EXPECT_EQ(answer_on(silent[4]).status, 200);
}

TEST_F(ServerTest, connections_between_two_requests_make_way_too) {
  ServerLimits limits;
  limits.connections = 5;
  start(limits);
  std::vector<tcp::socket> idle;
  for (int i = 0; i < 5; ++i) {
    idle.push_back(send("GET /healthz"));
    EXPECT_EQ(answer_on(idle.back()).status, 200);
  }
  EXPECT_EQ(ask(http::verb::get, "/healthz").status, 200);
  EXPECT_TRUE(closed(idle[0]));
}

TEST_F(ServerTest, connections_that_send_no_more_of_a_body_make_way_too) {
  ServerLimits limits;
  limits.connections = 5;
  start(limits);
  std::vector<tcp::socket> slow;
  for (int i = 0; i < 5; ++i) {
    slow.push_back(connect());
    asio::write(slow.back(),
                asio::buffer("POST /v1/responses HTTP/1.1\r\nHost: " + host() + "\r\nExpect: 100-continue\r\nContent-Length: 100\r\n\r\n"));
    std::string interim;
    asio::read_until(slow.back(), asio::dynamic_buffer(interim), "\r\n\r\n");
  }
  EXPECT_EQ(ask(http::verb::get, "/healthz").status, 200);
  EXPECT_TRUE(closed(slow[0]));
}

TEST_F(ServerTest, a_header_that_does_not_come_is_waited_for_briefly) {
  ServerLimits limits;
  limits.header_time = std::chrono::milliseconds(50);
  start(limits);
  tcp::socket silent = connect(), half = connect();
  asio::write(half, asio::buffer(std::string("GET /healthz HTTP/1.1\r\nHos")));
  EXPECT_TRUE(closed(silent));
  EXPECT_TRUE(closed(half));
}

TEST_F(ServerTest, a_client_has_a_number_of_streams) {
  ServerLimits limits;
  limits.client_streams = 2;
  start(limits);
  Socket one = websocket();
  {
    Socket two = websocket();
    Answer refused = post({{"input", "hello"}, {"stream", true}});
    EXPECT_EQ(refused.status, 429);
    EXPECT_EQ(refused.json["error"]["code"], "too_many_streams");
    EXPECT_EQ(refused.headers["Retry-After"], "1");
    EXPECT_THROW(websocket(), boost::system::system_error);
    EXPECT_EQ(post({{"input", "hello"}}).status, 200) << "not a stream";
  }
  EXPECT_TRUE(metric("baton_streams 1"));
  EXPECT_EQ(post({{"input", "hello"}, {"stream", true}}).status, 200);
  EXPECT_TRUE(metric("baton_runs_total{status=\"completed\"} 2")) << "what was refused was not begun";
}

TEST_F(ServerTest, a_client_has_a_number_of_requests) {
  ServerLimits limits;
  limits.client_requests = 1;
  start(limits);
  tcp::socket waiting = send("POST /v1/responses", Json{{"input", "wait"}}.dump());
  ASSERT_TRUE(active(1));
  const Answer refused = post({{"input", "hello"}});
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.json["error"]["code"], "too_many_requests");
  EXPECT_EQ(ask(http::verb::get, "/readyz").status, 200) << "it counts for no client";
  waiting.close();
  ASSERT_TRUE(metric("baton_clients_left_total 1"));
  EXPECT_EQ(post({{"input", "hello"}}).status, 200);
}

// A server with a token, which takes one request of a client at a time.
class TokenTest : public ServerTest {
 protected:
  static constexpr const char* kToken = "0123456789abcdef";
  const std::string right_ = std::string("Authorization: Bearer ") + kToken + "\r\n";
  void start_for_one_request() {
    ServerConfig config;
    config.token = kToken;
    config.limits.client_requests = 1;
    start_with(config);
  }
};

TEST_F(TokenTest, clients_with_a_token_are_counted_by_it) {
  start_for_one_request();
  const tcp::socket waiting = send("POST /v1/responses", Json{{"input", "wait"}}.dump(), right_);
  ASSERT_TRUE(active(1));
  EXPECT_EQ(ask(http::verb::post, "/v1/responses", {{"input", "x"}}, {{"Authorization", std::string("Bearer ") + kToken}}).status, 429);
  EXPECT_EQ(ask(http::verb::get, "/healthz").status, 200);
}

// All clients with the token have the same one.
TEST_F(TokenTest, clients_with_one_token_are_counted_at_each_address) {
  start_for_one_request();
  const tcp::socket waiting = send("POST /v1/responses", Json{{"input", "wait"}}.dump(), right_);
  ASSERT_TRUE(active(1));
  tcp::socket elsewhere(io_);
  elsewhere.open(tcp::v4());
  elsewhere.bind({asio::ip::make_address("127.0.0.2"), 0});
  elsewhere.connect({asio::ip::make_address("127.0.0.1"), server_->port()});
  const std::string body = R"({"input": "hello"})";
  asio::write(elsewhere, asio::buffer("POST /v1/responses HTTP/1.1\r\nHost: " + host() + "\r\n" + right_ +
                                      "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body));
  EXPECT_EQ(answer_on(elsewhere).status, 200);
}

// Connections that have sent their headers and no bodies lose a place, not the one connection that is about to send its header.
TEST_F(ServerTest, of_connections_that_wait_the_largest_crowd_makes_way) {
  ServerLimits limits;
  limits.connections = 4;
  start(limits);
  std::vector<tcp::socket> without_body;
  const std::string head = "POST /v1/responses HTTP/1.1\r\nHost: " + host() + "\r\nContent-Length: 20\r\nExpect: 100-continue\r\n\r\n";
  for (int i = 0; i < 3; ++i) {
    without_body.push_back(connect());
    asio::write(without_body.back(), asio::buffer(head));
    std::string interim;
    asio::read_until(without_body.back(), asio::dynamic_buffer(interim), "\r\n\r\n");
  }
  tcp::socket fresh = connect();
  asio::write(fresh, asio::buffer(std::string("GET /healthz HTTP/1.1\r\n")));
  EXPECT_EQ(ask(http::verb::get, "/healthz").status, 200) << "a place was made";
  asio::write(fresh, asio::buffer("Host: " + host() + "\r\n\r\n"));
  const Answer answer = answer_on(fresh);
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_TRUE(closed(without_body[0]));
}

TEST_F(ServerTest, long_bodies_share_a_number_of_bytes) {
  ServerLimits limits;
  limits.bodies_bytes = 250'000;
  start(limits);
  const std::string body = Json{{"input", std::string(150'000, 'x')}}.dump();
  const std::string head = "POST /v1/responses HTTP/1.1\r\nHost: " + host() + "\r\nContent-Length: " + std::to_string(body.size()) +
                           "\r\nExpect: 100-continue\r\n\r\n";
  tcp::socket slow = connect();
  asio::write(slow, asio::buffer(head));
  std::string interim;
  asio::read_until(slow, asio::dynamic_buffer(interim), "\r\n\r\n");
  tcp::socket other = connect();
  asio::write(other, asio::buffer(head));
  EXPECT_EQ(answer_on(other).status, 503);
  EXPECT_EQ(post({{"input", "hello"}}).status, 200) << "a short one";
  asio::write(slow, asio::buffer(body));
  EXPECT_EQ(answer_on(slow).status, 200);
  EXPECT_EQ(post({{"input", std::string(150'000, 'x')}}).status, 200) << "there is room again";
}

// ---- limits of one request

Json list_of(std::size_t n, const Json& entry) { return Json(Json::array_t(n, entry)); }

TEST_F(ServerTest, references_are_summed_before_they_are_copied) {
  const Json large = {{"role", "user"}, {"content", std::string(1 << 20, 'x')}};
  const Answer conversation = ask(http::verb::post, "/v1/conversations", {{"items", Json::array({large})}});
  const std::string items = "/v1/conversations/" + conversation.json["id"].get<std::string>() + "/items";
  const Json reference = {{"type", "item_reference"}, {"id", ask(http::verb::get, items).json["data"][0]["id"]}};

  const Answer refused = post({{"input", list_of(5000, reference)}});
  EXPECT_EQ(refused.status, 400);
  EXPECT_EQ(refused.json["error"]["code"], "input_too_large") << refused.body;
  EXPECT_EQ(refused.json["error"]["param"], "input");
  EXPECT_THAT(refused.body, HasSubstr("more than 8388608"));
  EXPECT_EQ(ask(http::verb::post, items, {{"items", list_of(20, reference)}}).json["error"]["code"], "input_too_large");

  // The request's own items count as well.
  Json within = list_of(3, reference);
  within.push_back({{"role", "user"}, {"content", "and?"}});
  EXPECT_EQ(post({{"input", within}, {"truncation", "auto"}}).status, 200);
  within.push_back({{"role", "user"}, {"content", std::string(6 << 20, 'y')}});
  EXPECT_EQ(post({{"input", within}}).json["error"]["code"], "input_too_large");
}

TEST_F(ServerTest, a_text_that_cannot_fit_is_refused_before_it_is_stored) {
  const std::string text(300 << 10, 'x');
  const Json large = {{"role", "user"}, {"content", text}};
  for (const bool stream : {false, true}) {
    const Answer refused = post({{"input", Json::array({large, {{"role", "user"}, {"content", "hi"}}})}, {"stream", stream}});
    EXPECT_EQ(refused.status, 400);
    EXPECT_EQ(refused.json["error"]["code"], "context_length_exceeded") << refused.body.substr(0, 300);
    EXPECT_THAT(refused.body,
                HasSubstr("maximum context length is 4096 tokens. However, a text of 307200 bytes has more than 4096 tokens"));
  }
  const Answer chat = ask(http::verb::post, "/v1/chat/completions", {{"messages", Json::array({large})}});
  EXPECT_EQ(chat.json["error"]["param"], "messages");
  EXPECT_TRUE(journal_->conversations(10).value().empty());
}

TEST_F(ServerTest, a_conversation_takes_so_many_bytes_and_no_more) {
  const Json made = ask(http::verb::post, "/v1/conversations", Json::object()).json["id"];
  const std::string items = "/v1/conversations/" + made.get<std::string>() + "/items";
  const Json large = {{"items", Json::array({{{"role", "user"}, {"content", std::string(7 << 20, 'x')}}})}};
  for (int i = 0; i < 4; ++i) ASSERT_EQ(ask(http::verb::post, items, large).status, 200) << i;
  const Answer refused = ask(http::verb::post, items, large);
  EXPECT_EQ(refused.status, 400);
  EXPECT_EQ(refused.json["error"]["code"], "conversation_too_large") << refused.body;
  EXPECT_THAT(refused.body, HasSubstr(std::to_string(memory::kMaxThreadBytes)));
  EXPECT_EQ(post({{"input", "still here"}, {"conversation", made}}).status, 200);

  // A conversation that an older Baton allowed to grow.
  for (const char* id : {"item_a", "item_b"}) {
    memory::Item item;
    item.id = id;
    item.conversation_id = made;
    item.content = {{"type", "message"}, {"role", "user"}, {"content", std::string(8 << 20, 'y')}};
    ASSERT_TRUE(journal_->commit_and_wait(memory::Batch().add(std::move(item)), memory::Durability::power));
  }
  EXPECT_EQ(post({{"input", "and now"}, {"conversation", made}}).json["error"]["code"], "conversation_too_large");
}

}  // namespace
}  // namespace baton::agent::server
