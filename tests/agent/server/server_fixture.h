#pragma once
// The whole server over real sockets, with a scripted model: shared by its tests.
#include <baton/agent/generator/scripted_generator.h>
#include <baton/agent/server/server.h>
#include <baton/memory/response_end.h>
#include <baton/tools/text.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

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

#include "bytes_facts.h"

namespace baton::agent::server {

// Before any thread starts: spdlog makes its logger at the first use, in a library whose locks ThreadSanitizer does not see.
inline const bool kLogIsMade = spdlog::default_logger_raw() != nullptr;
namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using api::ServerConfig;
using api::ServerLimits;
using asio::ip::tcp;
using testing::HasSubstr;

inline ScriptedAnswer rule(const llm::ChatRequest& request) {
  if (!request.prompt.empty()) return {.text = " continued after " + std::to_string(request.prompt.size())};
  if (request.messages.empty()) return {.text = "nothing was asked"};
  const llm::Message& last = request.messages.back();
  if (last.role == llm::Role::tool) return {.text = "got: " + last.content};
  if (last.content == "wait") return {.text = "waiting", .until_cancelled = true};
  if (last.content == "fail") return {.calls = {{"", "add", Json{{"a", -1}, {"b", 1}}}}};
  if (last.content.rfind("call ", 0) == 0) return {.calls = {{"", last.content.substr(5), Json{{"a", 1}, {"b", 2}}}}};
  if (last.content.rfind("long ", 0) == 0)
    return {.text = std::string(static_cast<std::size_t>(std::atoi(last.content.c_str() + 5)), 'x'), .delay = std::chrono::milliseconds(1)};
  if (last.content.rfind("think ", 0) == 0) return {.text = "done", .reasoning = last.content.substr(6)};
  if (last.content == "too long")
    return {.error = llm::Error{llm::errc::context_overflow,
                                "This model's maximum context length is 8 tokens. However, the prompt has 9 tokens"}};
  if (last.content.rfind("Summarise ", 0) == 0)
    return {.text = "a summary of " + std::to_string(request.messages.size() - 1) + " messages"};
  if (last.content.rfind("say ", 0) == 0) return {.text = last.content.substr(4)};
  return {.text = "you said: " + last.content};
}

// The script; and if the last message is "cut", a call that is cut off by the length of its answer.
class TestGenerator final : public Generator {
 public:
  std::unique_ptr<Generation> start(llm::ChatRequest request, Sink sink) override {
    if (request.messages.empty() || request.messages.back().content != "cut") return scripted_.start(std::move(request), std::move(sink));
    class Cut final : public Generation {
     public:
      explicit Cut(Sink sink) {
        thread_ = std::thread([sink = std::move(sink)] {
          sink(llm::CallStarted{.index = 0, .id = "call_cut", .name = "add", .fits = true});
          sink(llm::CallArguments{0, "{\"a\": 1"});
          llm::Finished end;
          end.reason = llm::FinishReason::length;
          sink(std::move(end));
        });
      }
      ~Cut() override { thread_.join(); }
      void cancel() override {}

     private:
      std::thread thread_;
    };
    return std::make_unique<Cut>(std::move(sink));
  }
  std::string model_name() const override { return scripted_.model_name(); }
  const ModelFacts* facts() const override { return &facts_; }

 private:
  ScriptedGenerator scripted_{ScriptedGenerator::Rule(rule)};
  tests::BytesFacts facts_;
};

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
    start(ServerLimits{});
  }
  ~ServerTest() override {
    hub_.shutdown(std::chrono::milliseconds(0));
    server_.reset();
  }
  void start(ServerLimits limits) {
    ServerConfig config;
    config.limits = limits;
    start_with(config);
  }
  void start_with(ServerConfig config, api::MessageHandlerFactory talk = {}) {
    server_.reset();
    config.port = 0;
    server_ = Server::start(config, api_, std::move(talk)).value();
  }
  std::string host() const { return "127.0.0.1:" + std::to_string(server_->port()); }
  tcp::socket connect() {
    tcp::socket socket(io_);
    socket.connect({asio::ip::make_address("127.0.0.1"), server_->port()});
    return socket;
  }
  using Headers = std::vector<std::pair<std::string, std::string>>;
  Answer ask(http::verb method, const std::string& target, const Json& body = nullptr, const std::string& key = "") {
    return ask(method, target, body, key.empty() ? Headers{} : Headers{{"Idempotency-Key", key}});
  }
  Answer ask(http::verb method, const std::string& target, const Json& body, const Headers& headers) {
    tcp::socket socket = connect();
    http::request<http::string_body> request(method, target, 11);
    request.set(http::field::host, host());
    request.set(http::field::connection, "close");
    for (const auto& [name, value] : headers) request.set(name, value);
    if (!body.is_null()) request.body() = body.dump();
    request.prepare_payload();
    http::write(socket, request);
    return answer_on(socket);
  }
  // Writes a request and leaves the rest to the caller.
  tcp::socket send(const std::string& line, const std::string& body = "", const std::string& headers = "") {
    tcp::socket socket = connect();
    asio::write(socket, asio::buffer(line + " HTTP/1.1\r\nHost: " + host() + "\r\n" + headers +
                                     "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body));
    return socket;
  }
  static Answer answer_on(tcp::socket& socket) {
    beast::flat_buffer buffer;
    http::response<http::string_body> response;
    http::read(socket, buffer, response);
    Answer answer{static_cast<int>(response.result_int()), Json::parse(response.body(), nullptr, false), response.body(), {}};
    for (const auto& header : response) answer.headers[std::string(header.name_string())] = std::string(header.value());
    return answer;
  }
  // A line of /metrics, as soon as it appears.
  bool metric(const std::string& line) {
    for (int i = 0; i < 4000; ++i) {
      if (ask(http::verb::get, "/metrics").body.find("\n" + line + "\n") != std::string::npos) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return false;
  }
  // Whether the server closes the connection, with or without an answer before.
  static bool closed(tcp::socket& socket) {
    std::string said;
    boost::system::error_code failed;
    asio::read(socket, asio::dynamic_buffer(said), failed);
    return failed == asio::error::eof || failed == asio::error::connection_reset;
  }
  bool active(int n) {
    for (int i = 0; i < 4000 && hub_.stats().active != n; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    return hub_.stats().active == n;
  }
  Answer post(const Json& body, const std::string& key = "") { return ask(http::verb::post, "/v1/responses", body, key); }

  class Socket {
   public:
    // `protocols`: for the token, as browsers send it.
    Socket(tcp::socket socket, const std::string& host, const std::string& protocols = "") : socket_(std::move(socket)) {
      socket_.set_option(beast::websocket::stream_base::decorator([protocols](beast::websocket::request_type& request) {
        if (!protocols.empty()) request.set(http::field::sec_websocket_protocol, protocols);
      }));
      socket_.handshake(host, "/v1/responses");
    }
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
    // The end of a response, or an error.
    Json read_end() {
      while (true) {
        Json event = read();
        if (event["type"] == "error" || memory::is_terminal_event(event["type"].get<std::string>())) return event;
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
  TestGenerator generator_;
  std::atomic<int> n_failed_ = 0;
  tools::ToolSet tools_;
  std::unique_ptr<memory::Journal> journal_ = memory::Journal::open(":memory:").value();
  JournalClock clock_{*journal_};
  Agent agent_{generator_, tools_, *journal_, clock_};
  RunHub hub_{agent_, *journal_, {}};
  api::Api api_{hub_, agent_, *journal_, {}};
  std::unique_ptr<Server> server_;
};

inline const Json kDaemonTools = Json::array({{{"type", "mcp"}, {"server_label", "baton"}}});

}  // namespace baton::agent::server
