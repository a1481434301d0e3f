// The parts beside the answers: ids, headers for pages, errors without files, the log, metrics.
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include <csignal>
#include <sstream>

#include "server_fixture.h"
#include "temporary_folder.h"

namespace baton::agent::server {
namespace {

using testing::Not;

ServerConfig with_origin() {
  ServerConfig config;
  config.allowed_origins = {"https://app.example.com"};
  return config;
}

TEST_F(ServerTest, a_named_origin_may_send_the_headers_that_it_asks_for) {
  start_with(with_origin());
  Answer allowed = ask(http::verb::options, "/v1/responses", nullptr,
                       {{"Origin", "https://app.example.com"},
                        {"Access-Control-Request-Method", "POST"},
                        {"Access-Control-Request-Headers", "authorization,content-type,x-stainless-os, X-Stainless-Retry-Count"}});
  EXPECT_EQ(allowed.status, 204);
  EXPECT_EQ(allowed.headers["Access-Control-Allow-Headers"], "authorization, content-type, x-stainless-os, x-stainless-retry-count");
  EXPECT_THAT(allowed.headers["Access-Control-Allow-Methods"], HasSubstr("POST"));
  EXPECT_EQ(allowed.headers["Access-Control-Allow-Origin"], "https://app.example.com");
  Answer answer = ask(http::verb::get, "/healthz", nullptr, {{"Origin", "https://app.example.com"}});
  EXPECT_THAT(answer.headers["Access-Control-Expose-Headers"], HasSubstr("Retry-After"));
  EXPECT_THAT(answer.headers["Access-Control-Expose-Headers"], HasSubstr("X-Request-Id"));
  EXPECT_EQ(answer.headers["Vary"], "Origin");
  Answer other = ask(http::verb::get, "/healthz");
  EXPECT_EQ(other.headers["Vary"], "Origin");
  EXPECT_FALSE(other.headers.contains("Access-Control-Allow-Origin"));
}

TEST_F(ServerTest, a_named_origin_can_read_why_it_was_refused) {
  ServerConfig config = with_origin();
  config.token = "0123456789abcdef";
  start_with(config);
  Answer refused = ask(http::verb::get, "/v1/models", nullptr, {{"Origin", "https://app.example.com"}});
  EXPECT_EQ(refused.status, 401);
  EXPECT_EQ(refused.headers["Access-Control-Allow-Origin"], "https://app.example.com");
  Answer stranger = ask(http::verb::get, "/v1/models", nullptr, {{"Origin", "https://evil.example"}});
  EXPECT_FALSE(stranger.headers.contains("Access-Control-Allow-Origin"));
}

TEST_F(ServerTest, every_answer_has_an_id_and_the_clients_own) {
  std::set<std::string> ids;
  for (const char* path : {"/healthz", "/nowhere", "/v1/models", "/v1/responses/x"}) {
    Answer answer = ask(http::verb::get, path, nullptr, {{"X-Client-Request-Id", "mine-1"}});
    EXPECT_THAT(answer.headers["X-Request-Id"], testing::StartsWith("req_"));
    EXPECT_EQ(answer.headers["X-Client-Request-Id"], "mine-1");
    ids.insert(answer.headers["X-Request-Id"]);
  }
  EXPECT_EQ(ids.size(), 4u);
  for (const std::string& wrong : {std::string(129, 'x'), std::string("a b"), std::string("<x>")})
    EXPECT_FALSE(ask(http::verb::get, "/healthz", nullptr, {{"X-Client-Request-Id", wrong}}).headers.contains("X-Client-Request-Id"));
  EXPECT_FALSE(ask(http::verb::get, "/healthz").headers.contains("X-Client-Request-Id"));
}

TEST_F(ServerTest, no_answer_names_the_journal) {
  const Answer answers[] = {post({{"input", "x"}, {"previous_response_id", "resp_no"}}),
                            post({{"input", "x"}, {"conversation", "conv_no"}}),
                            ask(http::verb::get, "/v1/responses/resp_no"),
                            ask(http::verb::delete_, "/v1/responses/resp_no"),
                            ask(http::verb::post, "/v1/responses/resp_no/cancel", Json::object()),
                            ask(http::verb::get, "/v1/conversations/conv_no"),
                            ask(http::verb::get, "/v1/conversations/conv_no/items/item_no"),
                            ask(http::verb::delete_, "/v1/conversations/conv_no")};
  for (const Answer& answer : answers) {
    EXPECT_GE(answer.status, 400);
    EXPECT_THAT(answer.body, Not(HasSubstr("journal")));
    EXPECT_THAT(answer.body, Not(HasSubstr(":memory:")));
  }
}

TEST_F(ServerTest, a_rating_that_the_disk_does_not_take_is_no_missing_response) {
  signal(SIGXFSZ, SIG_IGN);
  const TemporaryFolder folder;
  const auto journal = memory::Journal::open(folder.path() / "journal.db").value();
  memory::Conversation conversation;
  conversation.id = "conv_a";
  memory::Response response;
  response.id = "resp_a";
  response.conversation_id = conversation.id;
  response.status = "completed";
  ASSERT_TRUE(journal->commit_and_wait(memory::Batch().put(conversation).put(response), memory::Durability::power));
  Agent agent(generator_, tools_, *journal, clock_);
  RunHub hub(agent, *journal);
  api::Api api(hub, agent, *journal, {});
  api::HttpCall call;
  call.method = "POST";
  call.path = "/v1/baton/responses/resp_a/rating";
  call.body = R"({"rating": "good"})";
  int status = 0;
  const auto rate = [&] { api.handle(call, [&](const api::HttpReply& reply) { status = reply.status; }); };
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit full{1, before.rlim_max};  // from now on no file can grow
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &full), 0);
  rate();
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_EQ(status, 507);
  rate();
  EXPECT_EQ(status, 200);
}

// Captures the log while it lives.
class Captured {
 public:
  Captured() : before_(spdlog::default_logger()) {
    auto sink = std::make_shared<spdlog::sinks::ostream_sink_mt>(text_);
    auto logger = std::make_shared<spdlog::logger>("test", std::move(sink));
    logger->set_pattern("%l %v");
    spdlog::set_default_logger(std::move(logger));
  }
  ~Captured() { spdlog::set_default_logger(before_); }
  std::string text() const { return text_.str(); }

 private:
  std::ostringstream text_;
  std::shared_ptr<spdlog::logger> before_;
};

TEST_F(ServerTest, the_log_has_a_line_for_each_request_and_no_secret) {
  server_.reset();
  const Captured log;
  ServerConfig config;
  config.token = "0123456789abcdef";
  start_with(config);
  const Headers right = {{"Authorization", "Bearer 0123456789abcdef"}};
  Answer answer = ask(http::verb::post, "/v1/responses", {{"input", "a secret thing"}}, right);
  ask(http::verb::get, "/v1/models?key=hidden", nullptr, right);
  ask(http::verb::get, "/v1/x%0a%1b%5b2Jy%20z", nullptr, right);
  ask(http::verb::get, "/v1/models", nullptr, {{"Authorization", "Bearer 0123456789abcdeX"}});
  {
    Socket socket = [&] {
      tcp::socket plain = connect();
      return Socket(std::move(plain), host(), "baton, bearer.0123456789abcdef");
    }();
    socket.send({{"type", "nonsense"}});
    socket.read();
  }
  server_.reset();  // its last line is written
  EXPECT_THAT(log.text(), HasSubstr("info request POST /v1/responses status=200 ms="));
  EXPECT_THAT(log.text(), HasSubstr("client=token:"));
  EXPECT_THAT(log.text(), HasSubstr("id=" + answer.headers["X-Request-Id"]));
  EXPECT_THAT(log.text(), HasSubstr("info request GET /v1/models status=200"));
  EXPECT_THAT(log.text(), HasSubstr("/v1/x\\x0a\\x1b[2Jy\\x20z status=404"));
  EXPECT_THAT(log.text(), HasSubstr("warning refused reason=token client=address:127.0.0.1"));
  EXPECT_THAT(log.text(), HasSubstr("info websocket opened client=token:"));
  EXPECT_THAT(log.text(), HasSubstr("info websocket closed code="));
  for (const char* secret : {"0123456789abcde", "secret thing", "hidden"}) EXPECT_THAT(log.text(), Not(HasSubstr(secret)));
}

TEST_F(ServerTest, metrics_tell_requests_by_what_they_were_for_and_how_they_ended) {
  post({{"input", "hello"}});
  post({{"nonsense", 1}});
  ask(http::verb::post, "/v1/chat/completions", Json::object());
  ask(http::verb::get, "/v1/conversations/conv_no");
  EXPECT_TRUE(metric("baton_http_responses_total{route=\"responses\",status=\"2xx\"} 1"));
  EXPECT_TRUE(metric("baton_http_responses_total{route=\"responses\",status=\"4xx\"} 1"));
  EXPECT_TRUE(metric("baton_http_responses_total{route=\"chat\",status=\"4xx\"} 1"));
  EXPECT_TRUE(metric("baton_http_responses_total{route=\"conversations\",status=\"4xx\"} 1"));
  EXPECT_TRUE(metric("baton_http_request_seconds_bucket{route=\"responses\",le=\"+Inf\"} 2"));
  EXPECT_TRUE(metric("baton_http_request_seconds_count{route=\"responses\"} 2"));
  ask(http::verb::get, "/healthz", nullptr, {{"Host", "evil.example"}});
  EXPECT_TRUE(metric("baton_refused_total{kind=\"host\"} 1"));
  EXPECT_THAT(ask(http::verb::get, "/metrics").body, HasSubstr("baton_build_info{version=\""));
}

TEST_F(ServerTest, whoever_waits_for_a_run_that_outlives_the_daemon_is_told_so) {
  tcp::socket waiting = send("POST /v1/responses", Json{{"input", "wait"}}.dump());
  ASSERT_TRUE(active(1));
  tcp::socket stream = send("POST /v1/responses", Json{{"input", "wait"}, {"stream", true}}.dump());
  ASSERT_TRUE(active(2));
  hub_.shutdown(std::chrono::milliseconds(0));
  const Answer told = answer_on(waiting);
  EXPECT_EQ(told.status, 503) << told.body;
  EXPECT_EQ(told.json["error"]["code"], "server_shutting_down");
  EXPECT_THAT(told.body, HasSubstr("ask for response resp_"));
  EXPECT_TRUE(told.headers.contains("Retry-After"));
  const Answer events = answer_on(stream);  // it ends by itself
  EXPECT_THAT(events.body, testing::AllOf(HasSubstr("event: response.created"), HasSubstr("event: baton.parked")));
}

TEST_F(ServerTest, a_daemon_that_is_not_ready_says_why) {
  EXPECT_EQ(ask(http::verb::get, "/readyz").status, 200);
  api_.set_ready(false);
  EXPECT_THAT(ask(http::verb::get, "/readyz").json["reason"], HasSubstr("starting"));
  api_.set_ready(true);
  hub_.shutdown(std::chrono::milliseconds(0));
  const Answer ending = ask(http::verb::get, "/readyz");
  EXPECT_EQ(ending.status, 503);
  EXPECT_THAT(ending.json["reason"], HasSubstr("shutting down"));
}

}  // namespace
}  // namespace baton::agent::server
