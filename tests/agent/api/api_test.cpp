// The routes without sockets, with a scripted model.
#include <baton/agent/api/api.h>
#include <baton/agent/generator/scripted_generator.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

namespace baton::agent::api {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Pair;

class ApiTest : public testing::Test {
 protected:
  ~ApiTest() override { hub_.shutdown(std::chrono::milliseconds(0)); }

  HttpReply ask(const std::string& method, const std::string& path, const std::string& body = "") {
    HttpCall call;
    call.method = method;
    call.path = path;
    call.body = body;
    const auto answered = std::make_shared<std::promise<HttpReply>>();
    api_.handle(call, [answered](HttpReply reply) { answered->set_value(std::move(reply)); });
    return answered->get_future().get();
  }

  ScriptedGenerator generator_{ScriptedGenerator::Rule(
      [](const llm::ChatRequest& request) { return ScriptedAnswer{.text = "you said: " + request.messages.back().content}; })};
  tools::ToolSet tools_;
  std::unique_ptr<memory::Journal> journal_ = memory::Journal::open(":memory:").value();
  JournalClock clock_{*journal_};
  Agent agent_{generator_, tools_, *journal_, clock_};
  RunHub hub_{agent_, *journal_};
  Api api_{hub_, agent_, *journal_, ApiOptions{}};
};

TEST_F(ApiTest, a_request_is_answered_when_its_run_has_ended) {
  const HttpReply reply = ask("POST", "/v1/responses", R"({"input": "hello"})");
  EXPECT_EQ(reply.status, 200);
  const Json response = Json::parse(reply.body);
  EXPECT_EQ(response["output"][0]["content"][0]["text"], "you said: hello");
  EXPECT_EQ(Json::parse(ask("GET", "/v1/responses/" + response["id"].get<std::string>()).body)["id"], response["id"]);
}

TEST_F(ApiTest, every_wrong_request_gets_an_error_in_the_form_of_the_protocol) {
  for (const auto& [method, path, body, status] :
       {std::tuple("GET", "/nowhere", "", 404), std::tuple("PUT", "/v1/responses", "{}", 405),
        std::tuple("POST", "/v1/responses", "{", 400), std::tuple("POST", "/v1/responses", "[]", 400),
        std::tuple("GET", "/v1/responses/resp_no", "", 404), std::tuple("DELETE", "/v1/conversations/conv_no", "", 404),
        std::tuple("GET", "/v1/models/unknown", "", 404)}) {
    const HttpReply reply = ask(method, path, body);
    EXPECT_EQ(reply.status, status) << method << " " << path;
    EXPECT_TRUE(Json::parse(reply.body)["error"]["message"].is_string()) << reply.body;
  }
}

TEST_F(ApiTest, a_path_says_which_methods_it_takes) {
  EXPECT_THAT(ask("PUT", "/v1/responses").headers, Contains(Pair("Allow", "POST")));
  EXPECT_EQ(api_.methods("/v1/responses/resp_1"), "GET, HEAD, DELETE");
  EXPECT_EQ(api_.methods("/nowhere"), "");
}

TEST_F(ApiTest, what_an_operator_asks_waits_for_no_request) {
  const auto where = [&](const std::string& method, const std::string& path) {
    HttpCall call;
    call.method = method;
    call.path = path;
    return api_.about(call).where;
  };
  EXPECT_EQ(where("GET", "/healthz"), Api::Where::io);
  EXPECT_EQ(where("GET", "/metrics"), Api::Where::quick);
  EXPECT_EQ(where("HEAD", "/readyz"), Api::Where::quick);
  EXPECT_EQ(where("POST", "/v1/responses"), Api::Where::work);
  EXPECT_EQ(where("GET", "/nowhere"), Api::Where::io);
}

TEST_F(ApiTest, is_ready_when_it_was_told_so) {
  EXPECT_EQ(ask("GET", "/healthz").status, 200);
  EXPECT_EQ(ask("GET", "/readyz").status, 503);
  api_.set_ready(true);
  EXPECT_EQ(ask("GET", "/readyz").status, 200);
}

}  // namespace
}  // namespace baton::agent::api
