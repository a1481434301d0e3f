// Connections to the server: HTTP, WebSockets, TLS, and how they end.
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "server_fixture.h"
#include "test_certificate.h"

namespace baton::agent::server {
namespace {

TEST_F(ServerTest, head_has_the_headers_without_the_body) {
  tcp::socket socket = connect();
  asio::write(socket, asio::buffer("HEAD /healthz HTTP/1.1\r\nHost: " + host() + "\r\nConnection: close\r\n\r\n"));
  std::string all;
  boost::system::error_code end;
  asio::read(socket, asio::dynamic_buffer(all), end);
  EXPECT_THAT(all, HasSubstr("200 OK"));
  EXPECT_THAT(all, HasSubstr("Content-Length: "));
  EXPECT_EQ(all.find("\r\n\r\n") + 4, all.size());
}

TEST_F(ServerTest, a_client_that_asks_first_is_told_to_continue) {
  tcp::socket socket = connect();
  const std::string body = R"({"input": "hello"})";
  asio::write(socket, asio::buffer("POST /v1/responses HTTP/1.1\r\nHost: " + host() + "\r\nExpect: 100-continue\r\nConnection: close\r\n" +
                                   "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n"));
  std::string head;
  asio::read_until(socket, asio::dynamic_buffer(head), "\r\n\r\n");
  EXPECT_THAT(head, HasSubstr("100 Continue"));
  asio::write(socket, asio::buffer(body));
  beast::flat_buffer buffer;
  http::response<http::string_body> response;
  http::read(socket, buffer, response);
  EXPECT_THAT(response.body(), HasSubstr("you said: hello"));
}

TEST_F(ServerTest, what_is_too_long_is_refused_with_its_own_status) {
  ServerLimits limits;
  limits.header_bytes = 2048;
  limits.body_bytes = 1000;
  limits.message_bytes = 1000;
  start(limits);
  const Answer body = post({{"input", std::string(2000, 'x')}});
  EXPECT_EQ(body.status, 413);
  EXPECT_EQ(body.json["error"]["code"], "body_too_large");
  EXPECT_EQ(ask(http::verb::get, "/healthz", nullptr, std::string(4000, 'k')).status, 431);
  Socket socket = websocket();
  socket.send({{"type", "response.create"}, {"input", std::string(2000, 'x')}});
  EXPECT_EQ(socket.close_code(), beast::websocket::close_code::too_big);
}

TEST_F(ServerTest, speaks_tls_with_a_given_certificate_sockets_included) {
  const tests::TestCertificate certificate;
  server_.reset();
  ServerConfig config;
  config.port = 0;
  config.tls_certificate = certificate.certificate_file();
  config.tls_key = certificate.key_file();
  server_ = Server::start(config, api_).value();
  EXPECT_THAT(server_->url(), HasSubstr("https://"));
  asio::ssl::context context(asio::ssl::context::tls_client);
  context.load_verify_file(certificate.certificate_file());
  context.set_verify_mode(asio::ssl::verify_peer);
  beast::websocket::stream<beast::ssl_stream<tcp::socket>> socket(connect(), context);
  socket.next_layer().handshake(asio::ssl::stream_base::client);
  socket.handshake(host(), "/v1/responses");
  socket.write(asio::buffer(Json{{"type", "response.create"}, {"input", "hello"}}.dump()));
  Json event = Json::object();
  while (event.value("type", "") != "response.completed") {
    beast::flat_buffer buffer;
    socket.read(buffer);
    event = Json::parse(beast::buffers_to_string(buffer.data()));
  }
  EXPECT_EQ(event["response"]["output"][0]["content"][0]["text"], "you said: hello");
}

TEST_F(ServerTest, keeps_a_connection_and_answers_pipelined_requests_in_their_order) {
  tcp::socket socket = connect();
  const std::string one = "GET /v1/models HTTP/1.1\r\nHost: " + host() + "\r\n\r\n",
                    two = "GET /healthz HTTP/1.1\r\nHost: " + host() + "\r\n\r\n";
  asio::write(socket, asio::buffer(one + two + one));
  beast::flat_buffer buffer;
  std::vector<std::string> bodies;
  for (int i = 0; i < 3; ++i) {
    http::response<http::string_body> response;
    http::read(socket, buffer, response);
    bodies.push_back(response.body());
  }
  EXPECT_EQ(bodies[0], bodies[2]);
  EXPECT_THAT(bodies[1], HasSubstr("ok"));
}

TEST_F(ServerTest, lanes_of_a_socket_run_side_by_side_and_one_lane_in_order) {
  Socket socket = websocket();
  socket.send({{"type", "response.create"}, {"input", "wait"}, {"stream_id", "slow"}});
  const std::string waiting = socket.until("response.created")["response"]["id"];
  socket.send({{"type", "response.create"}, {"input", "one"}, {"stream_id", "quick"}});
  socket.send({{"type", "response.create"}, {"input", "two"}, {"stream_id", "quick"}});
  EXPECT_EQ(socket.until("response.completed")["response"]["output"][0]["content"][0]["text"], "you said: one");
  const Json second = socket.until("response.completed");
  EXPECT_EQ(second["stream_id"], "quick");
  EXPECT_EQ(second["response"]["output"][0]["content"][0]["text"], "you said: two");
  socket.send({{"type", "baton.cancel"}, {"response_id", waiting}});
  EXPECT_EQ(socket.until("response.incomplete")["response"]["status"], "cancelled");
}

// An unstored response is removed right after its end: a request that waits for that end meets it at every point.
TEST_F(ServerTest, a_cancel_is_answered_whenever_the_response_ends) {
  Socket socket = websocket();
  for (int i = 0; i < 200; ++i) {
    socket.send({{"type", "response.create"}, {"input", "say a"}, {"store", false}});
    const std::string id = socket.until("response.created")["response"]["id"];
    std::this_thread::sleep_for(std::chrono::microseconds(20 * (i % 50)));
    const Answer answer = ask(http::verb::post, "/v1/responses/" + id + "/cancel", Json::object());
    EXPECT_THAT(answer.status, testing::AnyOf(200, 404));
  }
}

TEST_F(ServerTest, a_closed_socket_cancels_nothing_and_another_one_resumes) {
  std::string id;
  std::int64_t last = 0;
  {
    Socket socket = websocket();
    socket.send({{"type", "response.create"}, {"input", "long 300"}});
    id = socket.until("response.created")["response"]["id"];
    last = socket.until("response.output_text.delta")["sequence_number"];
  }
  Socket socket = websocket();
  socket.send({{"type", "baton.resume"}, {"response_id", id}, {"starting_after", last}});
  const Json next = socket.read();
  EXPECT_EQ(next["sequence_number"], last + 1);
  const Json end = socket.until("response.completed");
  EXPECT_EQ(end["response"]["output"][0]["content"][0]["text"].get<std::string>().size(), 300u);
}

TEST_F(ServerTest, a_reader_that_takes_nothing_is_dropped_and_the_others_are_not) {
  ServerLimits limits;
  limits.output_queue_bytes = 200'000;
  start(limits);
  tcp::socket narrow(io_, tcp::v4());
  narrow.set_option(asio::socket_base::receive_buffer_size(4096));
  // The loopback's own segments of 64 kB do not fit that window: each would wait for the sender's timer, and the close code with it.
  const int segment = 1024;
  ASSERT_EQ(::setsockopt(narrow.native_handle(), IPPROTO_TCP, TCP_MAXSEG, &segment, sizeof segment), 0);
  narrow.connect({asio::ip::make_address("127.0.0.1"), server_->port()});
  Socket lazy(std::move(narrow), host());
  for (int i = 0; i < 4; ++i)
    lazy.send({{"type", "response.create"}, {"input", "say " + std::string(40'000, 'y')}, {"stream_id", std::to_string(i)}});
  Socket other = websocket();
  for (int i = 0; i < 5; ++i) {
    other.send({{"type", "response.create"}, {"input", "hello"}});
    other.until("response.completed");
  }
  for (int i = 0; i < 8000 && ask(http::verb::get, "/metrics").body.find("baton_slow_readers_total 1") == std::string::npos; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_EQ(lazy.close_code(), beast::websocket::close_code::try_again_later);
}

TEST_F(ServerTest, a_shutdown_says_come_back) {
  Socket socket = websocket();
  std::thread reader([&] { EXPECT_EQ(socket.close_code(), beast::websocket::close_code::service_restart); });
  server_->stop(std::chrono::milliseconds(2000));
  reader.join();
}

TEST_F(ServerTest, a_completion_that_a_shutdown_cuts_off_is_an_error_and_no_answer) {
  const auto waiting = [] { return Json{{"messages", Json::array({{{"role", "user"}, {"content", "wait"}}})}}; };
  Answer answer, streamed;
  std::thread client([&] { answer = ask(http::verb::post, "/v1/chat/completions", waiting()); });
  std::thread other([&] {
    Json body = waiting();
    body["stream"] = true;
    streamed = ask(http::verb::post, "/v1/chat/completions", body);
  });
  for (int i = 0; i < 2000 && hub_.stats().active < 2; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  hub_.shutdown(std::chrono::milliseconds(0));
  client.join();
  other.join();
  EXPECT_EQ(answer.status, 503) << answer.body;
  EXPECT_EQ(answer.json["error"]["code"], "server_shutting_down");
  EXPECT_THAT(streamed.body, HasSubstr("server_shutting_down"));
  EXPECT_THAT(streamed.body, testing::Not(HasSubstr("\"stop\"")));
}

TEST_F(ServerTest, clients_that_come_and_go_at_random_leave_nothing_behind) {
  std::vector<std::thread> clients;
  for (int c = 0; c < 6; ++c) {
    clients.emplace_back([this, c] {
      asio::io_context io;
      for (int i = 0; i < 15; ++i) {
        tcp::socket socket(io);
        socket.connect({asio::ip::make_address("127.0.0.1"), server_->port()});
        const std::string body = Json{{"input", "long 40"}, {"stream", true}}.dump();
        asio::write(socket, asio::buffer("POST /v1/responses HTTP/1.1\r\nHost: " + host() +
                                         "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body));
        std::array<char, 512> some{};
        boost::system::error_code failed;
        if ((i + c) % 3 > 0) socket.read_some(asio::buffer(some), failed);
      }
    });
  }
  for (std::thread& client : clients) client.join();
  for (int i = 0; i < 2000 && hub_.stats().active > 0; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_EQ(hub_.stats().active, 0);
  EXPECT_EQ(ask(http::verb::get, "/healthz").status, 200);
}

TEST(ServerStart, says_what_is_in_the_way) {
  ScriptedGenerator generator{ScriptedGenerator::Rule(rule)};
  tools::ToolSet tools;
  const auto journal = memory::Journal::open(":memory:").value();
  const JournalClock clock(*journal);
  Agent agent(generator, tools, *journal, clock);
  RunHub hub(agent, *journal, {});
  api::Api api(hub, agent, *journal, {});
  ServerConfig config;
  config.port = 0;
  const auto first = Server::start(config, api).value();
  config.port = first->port();
  EXPECT_THAT(Server::start(config, api).error().message, HasSubstr("in use"));
  config.port = 0;
  config.address = "0.0.0.0";
  EXPECT_THAT(Server::start(config, api).error().message, HasSubstr("token"));
  config.address = "somewhere";
  config.token = "0123456789abcdef";
  EXPECT_THAT(Server::start(config, api).error().message, HasSubstr("somewhere"));
  config.address = "127.0.0.1";
  config.tls_certificate = config.tls_key = "/nowhere.pem";
  EXPECT_THAT(Server::start(config, api).error().message, HasSubstr("/nowhere.pem"));
}

}  // namespace
}  // namespace baton::agent::server
