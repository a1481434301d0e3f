// Requests about a model that is really loaded: a parrot, without sockets.
#include <baton/agent/api/api.h>
#include <gtest/gtest.h>

#include <future>

#include "parrot_generator.h"

namespace baton::agent::api {
namespace {

class ModelApiTest : public testing::Test {
 protected:
  ~ModelApiTest() override { unload(); }
  void unload() {
    if (hub_) hub_->shutdown(std::chrono::milliseconds(0));
    api_.reset();
    hub_.reset();
    agent_.reset();
    generator_.reset();
  }
  void load(test::ParrotAnswer answer, const std::string& chat_template = test::kPlainTemplate) {
    unload();
    test::ParrotOptions options{.chat_template = chat_template};
    options.last_token = false;
    parrot_ = std::make_unique<test::Parrot>(std::vector<test::ParrotAnswer>{std::move(answer)}, std::move(options));
    generator_ = test::generator_of(*parrot_, 512);
    agent_ = std::make_unique<Agent>(*generator_, tools_, *journal_, clock_);
    hub_ = std::make_unique<RunHub>(*agent_, *journal_);
    api_ = std::make_unique<Api>(*hub_, *agent_, *journal_, ApiOptions{});
  }
  Json ask(const std::string& method, const std::string& path, const Json& body = Json()) {
    HttpCall call;
    call.method = method;
    call.path = path;
    if (!body.is_null()) call.body = body.dump();
    const auto answered = std::make_shared<std::promise<HttpReply>>();
    api_->handle(call, [answered](HttpReply reply) { answered->set_value(std::move(reply)); });
    return Json::parse(answered->get_future().get().body, nullptr, false);
  }
  Json post(const std::string& path, const Json& body) { return ask("POST", path, body); }

  std::unique_ptr<test::Parrot> parrot_;
  std::unique_ptr<EmbeddedGenerator> generator_;
  tools::ToolSet tools_;
  std::unique_ptr<memory::Journal> journal_ = memory::Journal::open(":memory:").value();
  JournalClock clock_{*journal_};
  std::unique_ptr<Agent> agent_;
  std::unique_ptr<RunHub> hub_;
  std::unique_ptr<Api> api_;
};

TEST_F(ModelApiTest, a_model_that_is_loaded_says_its_figures) {
  load({});
  const Json model = ask("GET", "/v1/models")["data"][0];
  EXPECT_EQ(model["id"], "parrot");
  EXPECT_EQ(model["max_model_len"], 512);
  EXPECT_EQ(model["context_length"], 512);
  EXPECT_EQ(model["meta"], generator_->facts()->figures());
  EXPECT_EQ(model["meta"]["n_ctx_train"], 4096);
  EXPECT_EQ(ask("GET", "/v1/models/parrot")["meta"], model["meta"]);
}

TEST_F(ModelApiTest, thinking_is_switched_off_where_the_template_can) {
  const Json asked = {{"input", "Hello"}}, without = {{"input", "Hello"}, {"reasoning", {{"effort", "none"}}}};
  load({});
  const int n = post("/v1/responses/input_tokens", asked)["input_tokens"];
  const Json switched = post("/v1/responses/input_tokens", without);
  EXPECT_EQ(switched["input_tokens"], n + static_cast<int>(std::string("Do not think.\n").size())) << switched;
  EXPECT_FALSE(switched.contains("baton.ignored"));

  std::string simple = test::kPlainTemplate;
  const std::size_t line = simple.find("{%- if enable_thinking");
  simple.erase(line, simple.find("{%- if add_generation") - line);
  load({}, simple);
  const Json ignored = post("/v1/responses/input_tokens", without);
  EXPECT_EQ(ignored["input_tokens"], n) << ignored;
  EXPECT_EQ(ignored["baton.ignored"], Json({"reasoning.effort"}));
}

TEST_F(ModelApiTest, a_completion_is_the_text_that_the_model_wrote) {
  const std::string rest = " 4.\n```json\n{\"name\": \"f\", \"arguments\": {}}\n```\n";
  load(test::ParrotAnswer{{"<think>", 3}} + test::in_pieces("2 + 2", 2) + test::ParrotAnswer{{"</think>", 3}} + test::in_pieces(rest, 4));
  const Json completion = post("/v1/completions", {{"prompt", "What is 2 + 2?"}, {"seed", -7}});
  EXPECT_EQ(completion["choices"][0]["text"], "<think>2 + 2</think>" + rest) << completion;
  EXPECT_EQ(completion["choices"][0]["finish_reason"], "stop");
  EXPECT_EQ(completion["baton.seed"], (std::int64_t{1} << 53) - 7);
}

}  // namespace
}  // namespace baton::agent::api
