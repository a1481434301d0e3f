// The server's answers to requests.
#include "server_fixture.h"

namespace baton::agent::server {
namespace {

TEST_F(ServerTest, answers_a_post_when_the_run_has_ended) {
  const Answer answer = post({{"input", "call add"}, {"tools", kDaemonTools}});
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.json["status"], "completed");
  EXPECT_EQ(answer.json["output"][0]["output"], "3");
  EXPECT_EQ(answer.json["output"][1]["content"][0]["text"], "got: 3");
  const Answer again = ask(http::verb::get, "/v1/responses/" + answer.json["id"].get<std::string>());
  EXPECT_EQ(again.json["output"], answer.json["output"]);
}

// Whichever generator wrote the answer: a keyword that no mask can enforce is checked when the answer is complete.
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

TEST_F(ServerTest, a_chat_completion_tells_its_seed) {
  const auto seed_of = [&](const Json& more) {
    Json body = {{"model", "baton"}, {"messages", {{{"role", "user"}, {"content", "hi"}}}}};
    body.update(more);
    return ask(http::verb::post, "/v1/chat/completions", body).json["baton.seed"];
  };
  EXPECT_EQ(seed_of({{"seed", 7}}), 7);
  EXPECT_EQ(seed_of({{"seed", 7}, {"n", 2}}), 7);
  EXPECT_TRUE(seed_of(Json::object()).is_number_unsigned());
  EXPECT_NE(seed_of(Json::object()), seed_of(Json::object()));
  EXPECT_NE(seed_of({{"seed", -1}}), seed_of({{"seed", -1}}));
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
  EXPECT_EQ(post({{"input", "x"}, {"mirostat", 2}}).json["error"]["param"], "mirostat");
  EXPECT_EQ(post({{"input", "x"}, {"colour", "red"}}).json["baton.ignored"], Json({"colour"}));
  EXPECT_EQ(ask(http::verb::get, "/healthz").json["status"], "ok");
  EXPECT_THAT(ask(http::verb::get, "/metrics").body, HasSubstr("baton_http_requests_total"));
  EXPECT_THAT(ask(http::verb::get, "/").headers["Content-Security-Policy"], HasSubstr("default-src 'none'"));
}

TEST_F(ServerTest, what_a_client_sends_back_must_have_the_type_that_we_gave_it) {
  for (const Json& item :
       {Json{{"type", "mcp_approval_response"}, {"approval_request_id", "x"}, {"approve", true}, {"baton.remember", "yes"}},
        Json{{"type", "mcp_approval_request"}, {"id", "x"}, {"name", "add"}, {"arguments", "{}"}, {"baton.expires_at", "x"}},
        Json{{"role", "user"}, {"content", "x"}, {"baton.turn", "one"}},
        Json{{"role", "assistant"}, {"content", Json::array({{{"type", "refusal"}, {"refusal", 3}}})}}}) {
    const Answer answer = post({{"input", Json::array({item, {{"role", "user"}, {"content", "x"}}})}});
    EXPECT_EQ(answer.status, 400) << item;
  }
  // Replayed and answered in one request: it has no time.
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

TEST_F(ServerTest, an_approval_is_used_once_over_all_references_to_it) {
  Json tools = kDaemonTools;
  tools[0]["require_approval"] = "always";
  const Answer asked = post({{"input", "call add"}, {"tools", tools}});
  ASSERT_EQ(asked.json["output"][0]["type"], "mcp_approval_request") << asked.body;
  const Json id = asked.json["output"][0]["id"];
  const Json copies = {{"items", Json::array({{{"type", "item_reference"}, {"id", id}}})}};
  const Answer made = ask(http::verb::post, "/v1/conversations", copies),
               filled = ask(http::verb::post, "/v1/conversations", Json::object());
  ASSERT_EQ(made.status, 200) << made.body;
  const auto items_of = [](const Answer& conversation) {
    return "/v1/conversations/" + conversation.json["id"].get<std::string>() + "/items";
  };
  ASSERT_EQ(ask(http::verb::post, items_of(filled), copies).status, 200);

  const auto approved = [](const Json& approval) {
    return Json::array({{{"type", "mcp_approval_response"}, {"approval_request_id", approval}, {"approve", true}},
                        {{"role", "user"}, {"content", "and?"}}});
  };
  const Answer first = post({{"input", approved(id)}, {"tools", tools}, {"previous_response_id", asked.json["id"]}});
  EXPECT_EQ(first.json["output"][0]["output"], "3") << first.body;
  for (const Answer* conversation : {&made, &filled}) {
    const Json name = conversation->json["id"];
    const Answer again = post({{"input", approved(id)}, {"tools", tools}, {"conversation", name}});
    EXPECT_EQ(again.status, 409) << again.body;
    EXPECT_EQ(again.json["error"]["code"], "already_done");
    const Json copy = ask(http::verb::get, items_of(*conversation)).json["data"][0]["id"];
    EXPECT_NE(copy, id);
    EXPECT_EQ(post({{"input", approved(copy)}, {"tools", tools}, {"conversation", name}}).status, 400);
  }
}

TEST_F(ServerTest, nothing_of_a_response_that_is_not_stored_is_shown_after_its_end) {
  const std::string id = post({{"input", "hello"}, {"store", false}}).json["id"];
  const std::string conversation = journal_->response(id).value().conversation_id;
  const std::string item = journal_->items(conversation).value().front().id;
  EXPECT_EQ(ask(http::verb::get, "/v1/responses/" + id).status, 404);
  EXPECT_EQ(ask(http::verb::get, "/v1/responses/" + id + "/input_items").status, 404);
  EXPECT_EQ(ask(http::verb::post, "/v1/baton/responses/" + id + "/rating", {{"rating", "good"}}).status, 404);
  EXPECT_EQ(ask(http::verb::get, "/v1/conversations/" + conversation + "/items/" + item).status, 404);
  const std::string stored = journal_->items_of_response(post({{"input", "hi"}}).json["id"]).value().front().id;
  const Json references = {{{"type", "item_reference"}, {"id", stored}}, {{"type", "item_reference"}, {"id", item}}};
  const Answer referring = post({{"input", references}});
  EXPECT_EQ(referring.json["error"]["code"], "item_not_found") << referring.body;
  EXPECT_EQ(referring.json["error"]["param"], "input[1].id");
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
  for (const char* series : {"baton_run_seconds_count 2\n", "baton_first_token_seconds_count 2\n", "baton_generations_waiting 0\n",
                             "baton_journal_writable 1\n", "baton_run_errors_total{code=\"server_error\"} 0\n"})
    EXPECT_THAT(text, HasSubstr(series));
}

// The client may be quicker than the steps after the end.
TEST_F(ServerTest, a_chain_that_is_not_stored_continues_on_its_socket_at_once) {
  Socket socket = websocket();
  std::string before;
  for (int turn = 0; turn < 20; ++turn) {
    Json create = {{"type", "response.create"}, {"input", "hello"}, {"store", false}};
    if (!before.empty()) create["previous_response_id"] = before;
    socket.send(create);
    const Json end = socket.read_end();
    ASSERT_EQ(end["type"], "response.completed") << turn << ": " << end;
    before = end["response"]["id"];
  }
  EXPECT_EQ(ask(http::verb::get, "/v1/responses/" + before).status, 404);
  const Answer elsewhere = post({{"input", "hello"}, {"previous_response_id", before}});
  EXPECT_EQ(elsewhere.status, 404);
  EXPECT_EQ(elsewhere.json["error"]["code"], "previous_response_not_found");
  EXPECT_EQ(elsewhere.json["error"]["param"], "previous_response_id");
}

}  // namespace
}  // namespace baton::agent::server
