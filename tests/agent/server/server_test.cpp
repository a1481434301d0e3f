// The whole server over real sockets, with a scripted model behind it.
#include <baton/agent/runtime/scripted_generator.h>
#include <baton/agent/server/server.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket.hpp>

#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/beast/ssl.hpp>
#include <thread>

#include "test_certificate.h"

namespace baton::agent::server {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;
using testing::HasSubstr;

ScriptedAnswer rule(const llm::ChatRequest& request) {
  const llm::Message& last = request.messages.back();
  if (last.role == llm::Role::tool) return {.text = "got: " + last.content};
  if (last.content == "wait") return {.text = "waiting", .until_cancelled = true};
  if (last.content == "fail") return {.calls = {{"", "add", Json{{"a", -1}, {"b", 1}}}}};
  if (last.content.rfind("call ", 0) == 0) return {.calls = {{"", last.content.substr(5), Json{{"a", 1}, {"b", 2}}}}};
  if (last.content.rfind("long ", 0) == 0)
    return {.text = std::string(static_cast<std::size_t>(std::atoi(last.content.c_str() + 5)), 'x'), .delay = std::chrono::milliseconds(1)};
  if (last.content.rfind("say ", 0) == 0) return {.text = last.content.substr(4)};
  return {.text = "you said: " + last.content};
}

struct Answer {
  int status = 0;
  Json json;
  std::string body;
  std::map<std::string, std::string> headers;
};

class ServerTest : public testing::Test {
 protected:
  ServerTest() {
    tools::ToolSpec spec{
        "add", "adds", {{"type", "object"}, {"properties", {{"a", {{"type", "integer"}}}, {"b", {{"type", "integer"}}}}}}, {}};
    tools_
        .add(spec,
             [this](const Json& a, tools::ToolContext&) {
               if (a["a"] == -1 && n_failed_++ == 0) return tools::ToolResult::error("not this time");
               return tools::ToolResult::text(std::to_string(a["a"].get<int>() + a["b"].get<int>()));
             })
        .value();
    api_.set_ready(true);
    start({});
  }
  ~ServerTest() override {
    hub_.shutdown(std::chrono::milliseconds(0));
    server_.reset();
  }
  void start(ServerLimits limits) {
    server_.reset();
    ServerConfig config;
    config.port = 0;
    config.limits = limits;
    server_ = Server::start(config, api_).value();
  }
  std::string host() const { return "127.0.0.1:" + std::to_string(server_->port()); }
  tcp::socket connect() {
    tcp::socket socket(io_);
    socket.connect({asio::ip::make_address("127.0.0.1"), server_->port()});
    return socket;
  }
  Answer ask(http::verb method, const std::string& target, const Json& body = nullptr, const std::string& key = "") {
    tcp::socket socket = connect();
    http::request<http::string_body> request(method, target, 11);
    request.set(http::field::host, host());
    request.set(http::field::connection, "close");
    if (!key.empty()) request.set("Idempotency-Key", key);
    if (!body.is_null()) request.body() = body.dump();
    request.prepare_payload();
    http::write(socket, request);
    beast::flat_buffer buffer;
    http::response<http::string_body> response;
    http::read(socket, buffer, response);
    Answer answer{static_cast<int>(response.result_int()), Json::parse(response.body(), nullptr, false), response.body(), {}};
    for (const auto& header : response) answer.headers[std::string(header.name_string())] = std::string(header.value());
    return answer;
  }
  Answer post(const Json& body, const std::string& key = "") { return ask(http::verb::post, "/v1/responses", body, key); }

  class Socket {
   public:
    Socket(tcp::socket socket, const std::string& host) : socket_(std::move(socket)) { socket_.handshake(host, "/v1/responses"); }
    void send(const Json& message) { socket_.write(asio::buffer(message.dump())); }
    Json read() {
      beast::flat_buffer buffer;
      socket_.read(buffer);
      return Json::parse(beast::buffers_to_string(buffer.data()));
    }
    Json until(const std::string& type) {
      while (true) {
        Json event = read();
        if (event["type"] == type) return event;
      }
    }
    beast::websocket::close_code close_code() {
      beast::flat_buffer buffer;
      boost::system::error_code failed;
      while (!failed) {
        buffer.clear();
        socket_.read(buffer, failed);
      }
      return static_cast<beast::websocket::close_code>(socket_.reason().code);
    }

   private:
    beast::websocket::stream<tcp::socket> socket_;
  };
  Socket websocket() { return Socket(connect(), host()); }

  asio::io_context io_;
  ScriptedGenerator generator_{ScriptedGenerator::Rule(rule)};
  std::atomic<int> n_failed_ = 0;
  tools::ToolSet tools_;
  std::unique_ptr<memory::Journal> journal_ = memory::Journal::open(":memory:").value();
  Clock clock_;
  Agent agent_{generator_, tools_, *journal_, clock_};
  RunHub hub_{agent_, *journal_, {}};
  Api api_{hub_, agent_, *journal_, {}};
  std::unique_ptr<Server> server_;
};

const Json kDaemonTools = Json::array({{{"type", "mcp"}, {"server_label", "baton"}}});

TEST_F(ServerTest, answers_a_post_when_the_run_has_ended) {
  const Answer answer = post({{"input", "call add"}, {"tools", kDaemonTools}});
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.json["status"], "completed");
  EXPECT_EQ(answer.json["output"][0]["output"], "3");
  EXPECT_EQ(answer.json["output"][1]["content"][0]["text"], "got: 3");
  const Answer again = ask(http::verb::get, "/v1/responses/" + answer.json["id"].get<std::string>());
  EXPECT_EQ(again.json["output"], answer.json["output"]);
}

// Whatever wrote the answer: a keyword that no mask can hold is looked at when it is whole.
TEST_F(ServerTest, an_answer_that_does_not_fit_its_format_is_a_failure_that_says_why) {
  const Json schema = {{"type", "array"}, {"uniqueItems", true}};
  const Json format = {{"type", "json_schema"}, {"name", "set"}, {"schema", schema}};
  const Answer fits = post({{"input", "say [1, 2]"}, {"text", {{"format", format}}}});
  EXPECT_EQ(fits.json["status"], "completed") << fits.body;
  EXPECT_EQ(fits.json["text"]["format"]["schema"], schema);
  const Answer twice = post({{"input", "say [1, 1]"}, {"text", {{"format", format}}}});
  EXPECT_EQ(twice.json["status"], "failed");
  EXPECT_EQ(twice.json["error"]["code"], "format_mismatch");
  EXPECT_THAT(twice.json["error"]["message"].get<std::string>(), HasSubstr("uniqueItems"));
  EXPECT_EQ(twice.json["output"][0]["content"][0]["text"], "[1, 1]") << "what was shown stays";
  const auto chat = [&](const char* text) {
    return ask(http::verb::post, "/v1/chat/completions",
               {{"messages", Json::array({{{"role", "user"}, {"content", text}}})},
                {"response_format", {{"type", "json_schema"}, {"json_schema", {{"name", "set"}, {"schema", schema}}}}}});
  };
  EXPECT_EQ(chat("say [1, 2]").json["choices"][0]["message"]["content"], "[1, 2]");
  EXPECT_EQ(chat("say [1, 1]").status, 422);
  EXPECT_EQ(chat("say [1, 1]").json["error"]["code"], "format_mismatch");
}

TEST_F(ServerTest, a_format_goes_with_tools_and_without) {
  const Json text = {{"format", {{"type", "baton.regex"}, {"pattern", "a+"}}}};
  for (const char* choice : {"auto", "none"}) {
    const Answer answer = post({{"input", "say aaa"}, {"text", text}, {"tools", kDaemonTools}, {"tool_choice", choice}});
    EXPECT_EQ(answer.json["status"], "completed") << answer.body;
  }
}

TEST_F(ServerTest, streams_events_that_the_journal_tells_again) {
  Answer stream = post({{"input", "long 100"}, {"stream", true}});
  EXPECT_EQ(stream.headers["Content-Type"], "text/event-stream; charset=utf-8");
  EXPECT_THAT(stream.body, HasSubstr("event: response.created\ndata: {"));
  EXPECT_THAT(stream.body, HasSubstr("event: response.completed\n"));
  const std::size_t at = stream.body.find("\"id\":\"resp_") + 6;
  const std::string id = stream.body.substr(at, stream.body.find('"', at) - at);
  EXPECT_EQ(ask(http::verb::get, "/v1/responses/" + id + "?stream=true").body, stream.body);
}

TEST_F(ServerTest, the_same_key_is_the_same_response) {
  const Answer first = post({{"input", "hello"}}, "k"), second = post({{"input", "hello"}}, "k"), other = post({{"input", "bye"}}, "k");
  EXPECT_EQ(first.json["id"], second.json["id"]);
  EXPECT_EQ(other.status, 409);
}

TEST_F(ServerTest, has_an_answer_for_every_wrong_turn) {
  EXPECT_EQ(ask(http::verb::get, "/nowhere").status, 404);
  Answer wrong_method = ask(http::verb::put, "/v1/responses", Json::object());
  EXPECT_EQ(wrong_method.status, 405);
  EXPECT_EQ(wrong_method.headers["Allow"], "POST");
  EXPECT_EQ(ask(http::verb::get, "/v1/responses/resp_no").status, 404);
  EXPECT_EQ(post({{"input", "x"}, {"colour", "red"}}).json["error"]["param"], "colour");
  EXPECT_EQ(ask(http::verb::get, "/healthz").json["status"], "ok");
  EXPECT_THAT(ask(http::verb::get, "/metrics").body, HasSubstr("baton_http_requests_total"));
  EXPECT_THAT(ask(http::verb::get, "/").headers["Content-Security-Policy"], HasSubstr("default-src 'none'"));
}

TEST_F(ServerTest, what_a_client_sends_back_must_have_the_type_that_we_gave_it) {
  for (const Json& item :
       {Json{{"type", "mcp_approval_response"}, {"approval_request_id", "x"}, {"approve", true}, {"baton.remember", "yes"}},
        Json{{"type", "mcp_approval_request"}, {"id", "x"}, {"name", "add"}, {"arguments", "{}"}, {"baton.expires_at", "x"}},
        Json{{"role", "user"}, {"content", "x"}, {"baton.turn", "one"}},
        Json{{"role", "assistant"}, {"content", Json::array({{{"type", "refusal"}}})}}}) {
    const Answer answer = post({{"input", Json::array({item, {{"role", "user"}, {"content", "x"}}})}});
    EXPECT_EQ(answer.status, 400) << item;
  }
  // Replayed and answered in one request: it has no time of its own.
  const Json asked = {{"type", "mcp_approval_request"}, {"id", "x"}, {"name", "add"}, {"arguments", R"({"a": 1, "b": 2})"}};
  const Json said = {{"type", "mcp_approval_response"}, {"approval_request_id", "x"}, {"approve", true}};
  const Answer answer = post({{"input", Json::array({asked, said})}, {"tools", kDaemonTools}});
  EXPECT_EQ(answer.json["output"][0]["output"], "3") << answer.body;
}

TEST_F(ServerTest, runs_a_failed_call_again_and_takes_references_to_items) {
  const Answer failed = post({{"input", "fail"}, {"tools", kDaemonTools}});
  ASSERT_EQ(failed.json["output"][0]["status"], "failed") << failed.body;
  const Json retry = Json::array({{{"type", "baton.retry_tool"}, {"item_id", failed.json["output"][0]["id"]}}});
  const Answer again = post({{"input", retry}, {"tools", kDaemonTools}, {"previous_response_id", failed.json["id"]}});
  EXPECT_EQ(again.json["output"][0]["output"], "0") << again.body;
  EXPECT_EQ(again.json["output"][1]["content"][0]["text"], "got: 0");
  EXPECT_EQ(post({{"input", retry}, {"tools", kDaemonTools}}).status, 400) << "another conversation";
  const Json twice = Json::array({{{"type", "baton.retry_tool"}, {"item_id", again.json["output"][0]["id"]}}});
  EXPECT_THAT(post({{"input", twice}, {"tools", kDaemonTools}, {"previous_response_id", again.json["id"]}}).body,
              HasSubstr("has a result"));

  const Json reference = {{"type", "item_reference"}, {"id", again.json["output"][1]["id"]}};
  const Answer referring = post({{"input", Json::array({reference, {{"role", "user"}, {"content", "and?"}}})}});
  EXPECT_EQ(referring.status, 200) << referring.body;
  const Answer items = ask(http::verb::get, "/v1/responses/" + referring.json["id"].get<std::string>() + "/input_items?order=asc");
  EXPECT_EQ(items.json["data"][0]["content"][0]["text"], "got: 0") << items.body;
  EXPECT_EQ(post({{"input", Json::array({{{"type", "item_reference"}, {"id", "item_no"}}})}}).json["error"]["param"], "input[0].id");
}

TEST_F(ServerTest, metrics_count_runs_tokens_and_calls) {
  post({{"input", "call add"}, {"tools", kDaemonTools}});
  post({{"input", "fail"}, {"tools", kDaemonTools}});
  std::string text;
  for (int i = 0; i < 1000 && text.find("baton_runs_total{status=\"completed\"} 2\n") == std::string::npos; ++i)
    text = ask(http::verb::get, "/metrics").body;
  EXPECT_THAT(text, HasSubstr("baton_runs_total{status=\"completed\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("baton_tool_calls_total{outcome=\"completed\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("baton_tool_calls_total{outcome=\"failed\"} 1\n"));
}

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

// One that is not stored is gone right behind its end: whoever waits for that end meets it at every point.
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
  Clock clock;
  Agent agent(generator, tools, *journal, clock);
  RunHub hub(agent, *journal, {});
  Api api(hub, agent, *journal, {});
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
