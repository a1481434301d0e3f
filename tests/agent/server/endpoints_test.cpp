// Endpoints of other servers beside responses and chat completions, and the fields that clients look for in answers.
#include "server_fixture.h"

namespace baton::agent::server {
namespace {

using testing::Not;

Json chat_of(const std::string& text, bool stream = false) {
  return {{"messages", Json::array({{{"role", "user"}, {"content", text}}})}, {"stream", stream}};
}

// The JSON of each event of a stream.
std::vector<Json> events_of(const std::string& body) {
  std::vector<Json> events;
  for (std::size_t at = 0; (at = body.find("data: ", at)) != std::string::npos; ++at) {
    const Json event = Json::parse(body.substr(at + 6, body.find('\n', at) - at - 6), nullptr, false);
    if (!event.is_discarded()) events.push_back(event);
  }
  return events;
}

TEST_F(ServerTest, slashes_too_many_make_no_other_path) {
  for (const char* path : {"/v1/models/", "//v1//models", "/v1/models//", "/v1/%2Fmodels"})
    EXPECT_EQ(ask(http::verb::get, path).status, 200) << path;
  EXPECT_EQ(ask(http::verb::post, "/v1/chat/completions/", chat_of("hi")).status, 200);
  EXPECT_EQ(ask(http::verb::get, "//").status, 200) << "the console";
  EXPECT_EQ(ask(http::verb::get, "/v1/models/x/y").status, 404);
}

TEST_F(ServerTest, a_text_is_continued) {
  const Answer one = ask(http::verb::post, "/v1/completions", {{"prompt", "Once"}, {"max_tokens", 5}, {"echo", true}, {"colour", 1}});
  ASSERT_EQ(one.status, 200) << one.body;
  EXPECT_EQ(one.json["object"], "text_completion");
  EXPECT_EQ(one.json["choices"][0]["text"], "Once continued after 5");
  EXPECT_EQ(one.json["choices"][0]["finish_reason"], "stop");
  EXPECT_EQ(one.json["baton.ignored"], Json({"colour"}));
  EXPECT_TRUE(one.json["baton.seed"].is_number());

  const Answer several = ask(http::verb::post, "/v1/completions", {{"prompt", {"a", {65, 66}}}, {"n", 2}, {"seed", 7}});
  ASSERT_EQ(several.json["choices"].size(), 4u) << several.body;
  EXPECT_EQ(several.json["choices"][0]["text"], " continued after 2");
  EXPECT_EQ(several.json["choices"][2]["text"], " continued after 2");
  EXPECT_EQ(several.json["baton.seed"], 7);

  const Answer streamed = ask(http::verb::post, "/v1/completions", {{"prompt", "Once"}, {"stream", true}});
  std::string text;
  for (const Json& event : events_of(streamed.body)) {
    EXPECT_EQ(event["object"], "text_completion");
    text += event["choices"][0]["text"].get<std::string>();
  }
  EXPECT_EQ(text, " continued after 5");
  EXPECT_THAT(streamed.body, HasSubstr("[DONE]"));
}

TEST_F(ServerTest, a_text_that_cannot_be_continued_is_refused_by_name) {
  const std::pair<Json, const char*> cases[] = {
      {Json::object(), "prompt"},
      {{{"prompt", 3}}, "prompt"},
      {{{"prompt", Json::array()}}, "prompt"},
      {{{"prompt", {"a", 3}}}, "prompt[1]"},
      {{{"prompt", {65, 255}}}, "prompt[1]"},
      {{{"prompt", {65, -1}}}, "prompt[1]"},
      {{{"prompt", std::string(5000, 'x')}}, "prompt"},
      {{{"prompt", "a"}, {"suffix", "b"}}, "suffix"},
      {{{"prompt", "a"}, {"best_of", 3}}, "best_of"},
      {{{"prompt", "a"}, {"model", "other"}}, "model"},
      {{{"prompt", Json(Json::array_t(33, "a"))}, {"n", 2}}, "prompt"},
  };
  for (const auto& [body, param] : cases) {
    const Answer answer = ask(http::verb::post, "/v1/completions", body);
    EXPECT_GE(answer.status, 400);
    EXPECT_EQ(answer.json["error"]["param"], param) << answer.body;
  }
}

TEST_F(ServerTest, tokens_there_and_back) {
  const Answer there = ask(http::verb::post, "/tokenize", {{"content", "aä"}});
  EXPECT_EQ(there.json["tokens"], Json({97, 195, 164}));
  EXPECT_EQ(there.json["count"], 3);
  EXPECT_EQ(there.json["max_model_len"], 4096);
  EXPECT_EQ(ask(http::verb::post, "/detokenize", {{"tokens", there.json["tokens"]}}).json["content"], "aä");
  const Answer pieces = ask(http::verb::post, "/tokenize", {{"prompt", "aä"}, {"with_pieces", true}, {"add_special", true}});
  EXPECT_EQ(pieces.json["tokens"][1], Json({{"id", 97}, {"piece", "a"}}));
  EXPECT_EQ(pieces.json["tokens"][2], Json({{"id", 195}, {"piece", {195}}})) << "a part of a character";
  EXPECT_EQ(ask(http::verb::post, "/tokenize", Json::object()).json["error"]["param"], "content");
  EXPECT_EQ(ask(http::verb::post, "/tokenize", {{"content", std::string((1 << 20) + 1, 'x')}}).json["error"]["param"], "content");
  EXPECT_EQ(ask(http::verb::post, "/detokenize", {{"tokens", {65, 255}}}).json["error"]["param"], "tokens[1]");
  EXPECT_EQ(ask(http::verb::post, "/detokenize", {{"tokens", {1e30}}}).json["error"]["param"], "tokens[0]");
  EXPECT_EQ(ask(http::verb::post, "/detokenize", {{"tokens", std::vector<int>(4097, 65)}}).status, 400) << "more than a context holds";
}

TEST_F(ServerTest, a_model_says_how_much_it_holds) {
  const Json model = ask(http::verb::get, "/v1/models").json["data"][0];
  EXPECT_EQ(model["max_model_len"], 4096);
  EXPECT_EQ(model["meta"]["n_ctx"], 4096);
  EXPECT_EQ(ask(http::verb::get, "/v1/models/scripted").json["meta"]["n_vocab"], 255);
}

TEST_F(ServerTest, embeddings_are_answered_with_a_sentence) {
  const Answer answer = ask(http::verb::post, "/v1/embeddings", {{"input", "x"}, {"model", "m"}});
  EXPECT_EQ(answer.status, 400) << "clients try again what is a 500";
  EXPECT_THAT(answer.json["error"]["message"].get<std::string>(), HasSubstr("cannot make embeddings"));
}

TEST_F(ServerTest, the_tokens_of_a_request_are_counted_without_a_run) {
  const Answer counted =
      ask(http::verb::post, "/v1/responses/input_tokens", {{"input", "hello"}, {"instructions", "Be brief."}, {"colour", 1}});
  EXPECT_EQ(counted.json["input_tokens"], 14) << counted.body;
  EXPECT_EQ(counted.json["object"], "response.input_tokens");
  EXPECT_EQ(counted.json["baton.ignored"], Json({"colour"}));
  const Answer first = post({{"input", "hello"}});
  const Answer after = ask(http::verb::post, "/v1/responses/input_tokens", {{"input", "more"}, {"previous_response_id", first.json["id"]}});
  EXPECT_EQ(after.json["input_tokens"], 5 + 15 + 4) << "you said: hello";
  const Answer too_long = ask(http::verb::post, "/v1/responses/input_tokens", {{"input", std::string(5000, 'x')}});
  EXPECT_EQ(too_long.status, 400);
  EXPECT_EQ(too_long.json["error"]["code"], "context_length_exceeded");
  EXPECT_EQ(ask(http::verb::get, "/v1/baton/conversations").json["data"].size(), 1u) << "nothing is kept";
}

TEST_F(ServerTest, a_conversation_is_made_short_and_goes_on) {
  const Json input = {
      {{"role", "user"}, {"content", "one"}}, {{"role", "assistant"}, {"content", "two"}}, {{"role", "user"}, {"content", "three"}}};
  const Answer compacted = ask(http::verb::post, "/v1/responses/compact", {{"input", input}, {"model", "baton"}});
  ASSERT_EQ(compacted.status, 200) << compacted.body;
  EXPECT_EQ(compacted.json["object"], "response.compaction");
  const Json item = compacted.json["output"][0];
  EXPECT_EQ(item["type"], "compaction");
  EXPECT_EQ(compacted.json["usage"]["input_tokens"], 10);
  EXPECT_THAT(item["encrypted_content"].get<std::string>(), HasSubstr("a summary of 3 messages"));
  const Answer next = ask(http::verb::post, "/v1/responses/input_tokens", {{"input", {item}}});
  EXPECT_EQ(next.json["input_tokens"], item["encrypted_content"].get<std::string>().size() - std::string("baton.summary:").size());
  EXPECT_EQ(post({{"input", {item, {{"role", "user"}, {"content", "and now?"}}}}}).status, 200);
  EXPECT_EQ(ask(http::verb::post, "/v1/responses/compact", Json::object()).json["error"]["param"], "input");
}

TEST_F(ServerTest, a_conversation_is_counted_and_made_short_as_it_is) {
  const std::string conversation = ask(http::verb::post, "/v1/conversations", Json::object()).json["id"];
  const Answer first = post({{"input", "hello"}, {"conversation", conversation}});
  const std::vector<Json> bodies = {{{"previous_response_id", first.json["id"]}},
                                    {{"conversation", conversation}, {"input", Json::array()}}};
  for (const Json& body : bodies) {
    const Answer counted = ask(http::verb::post, "/v1/responses/input_tokens", body);
    EXPECT_EQ(counted.json["input_tokens"], 5 + 15) << counted.body << ": hello, you said: hello";
    const Answer compacted = ask(http::verb::post, "/v1/responses/compact", body);
    ASSERT_EQ(compacted.status, 200) << compacted.body;
    EXPECT_THAT(compacted.json["output"][0]["encrypted_content"].get<std::string>(), HasSubstr("a summary of 2 messages"));
  }
  ask(http::verb::post, "/v1/conversations/" + conversation + "/items",
      {{"items", Json::array({{{"role", "user"}, {"content", "one more"}}})}});
  const Answer compacted = ask(http::verb::post, "/v1/responses/compact", {{"conversation", conversation}, {"input", "and another"}});
  EXPECT_THAT(compacted.json["output"][0]["encrypted_content"].get<std::string>(), HasSubstr("a summary of 4 messages")) << compacted.body;
  EXPECT_EQ(ask(http::verb::get, "/v1/baton/conversations").json["data"].size(), 1u) << "nothing is kept";
  EXPECT_EQ(ask(http::verb::get, "/v1/conversations/" + conversation + "/items").json["data"].size(), 3u) << "and nothing is changed";

  const Json items = {{{"role", "user"}, {"content", "a"}}, {{"role", "assistant"}, {"content", "b"}}};
  const std::string added = ask(http::verb::post, "/v1/conversations", {{"items", items}}).json["id"];
  EXPECT_THAT(ask(http::verb::post, "/v1/responses/compact", {{"conversation", added}}).body, HasSubstr("a summary of 2 messages"));
}

TEST_F(ServerTest, nothing_cannot_be_counted_and_an_answer_needs_a_question) {
  const Answer first = post({{"input", "hello"}});
  for (const char* path : {"/v1/responses/input_tokens", "/v1/responses/compact"}) {
    const Answer nothing = ask(http::verb::post, path, {{"input", Json::array()}});
    EXPECT_EQ(nothing.status, 400) << path;
    EXPECT_EQ(nothing.json["error"]["param"], "input");
    const Answer unknown = ask(http::verb::post, path, {{"previous_response_id", "resp_none"}});
    EXPECT_EQ(unknown.json["error"]["code"], "previous_response_not_found") << unknown.body;
  }
  EXPECT_EQ(post({{"previous_response_id", first.json["id"]}}).json["error"]["param"], "input");
}

// ---- answers

TEST_F(ServerTest, reasoning_is_shown_in_chat_completions) {
  const Answer whole = ask(http::verb::post, "/v1/chat/completions", chat_of("think of five"));
  EXPECT_EQ(whole.json["choices"][0]["message"]["reasoning_content"], "of five");
  EXPECT_EQ(whole.json["choices"][0]["message"]["content"], "done");
  std::string reasoning, content;
  for (const Json& event : events_of(ask(http::verb::post, "/v1/chat/completions", chat_of("think of five", true)).body)) {
    const Json delta = event["choices"][0]["delta"];
    reasoning += delta.value("reasoning_content", "");
    content += delta.value("content", "");
  }
  EXPECT_EQ(reasoning, "of five");
  EXPECT_EQ(content, "done");
  EXPECT_FALSE(ask(http::verb::post, "/v1/chat/completions", chat_of("hi")).json["choices"][0]["message"].contains("reasoning_content"));
}

TEST_F(ServerTest, a_call_that_is_cut_off_is_shown_without_a_stream_as_with_it) {
  Json body = chat_of("cut");
  body["tools"] = Json::array({{{"type", "function"}, {"function", {{"name", "add"}}}}});
  const Json whole = ask(http::verb::post, "/v1/chat/completions", body).json["choices"][0];
  body["stream"] = true;
  Json call;
  std::string arguments, end;
  for (const Json& event : events_of(ask(http::verb::post, "/v1/chat/completions", body).body)) {
    const Json choice = event["choices"][0];
    if (choice["finish_reason"].is_string()) end = choice["finish_reason"];
    for (const Json& part : choice["delta"].value("tool_calls", Json::array())) {
      if (call.is_null()) call = part;
      arguments += part["function"]["arguments"].get<std::string>();
    }
  }
  EXPECT_EQ(end, "length");
  EXPECT_EQ(whole["finish_reason"], end);
  EXPECT_EQ(arguments, "{\"a\": 1");
  EXPECT_EQ(whole["message"]["tool_calls"][0]["function"]["arguments"], arguments);
  EXPECT_EQ(whole["message"]["tool_calls"][0]["id"], call["id"]);
  EXPECT_EQ(whole["message"]["tool_calls"][0]["function"]["name"], "add");
  // And it can be sent back.
  Json again = chat_of("again");
  again["messages"].insert(again["messages"].begin(), whole["message"]);
  const Answer next = ask(http::verb::post, "/v1/chat/completions", again);
  EXPECT_EQ(next.status, 200) << next.body;
  EXPECT_EQ(next.json["baton.ignored"], Json({"messages[0].tool_calls[0]"}));
}

TEST_F(ServerTest, a_conversation_that_is_too_long_is_told_as_clients_look_for_it) {
  const Answer whole = ask(http::verb::post, "/v1/chat/completions", chat_of("too long"));
  EXPECT_EQ(whole.status, 400);
  EXPECT_EQ(whole.json["error"]["code"], "context_length_exceeded");
  EXPECT_EQ(whole.json["error"]["param"], "messages");
  EXPECT_THAT(whole.json["error"]["message"].get<std::string>(), HasSubstr("maximum context length is 8 tokens"));
  const auto streamed = events_of(ask(http::verb::post, "/v1/chat/completions", chat_of("too long", true)).body);
  EXPECT_EQ(streamed.back()["error"]["code"], "context_length_exceeded");
  EXPECT_EQ(streamed.back()["error"]["type"], "invalid_request_error");
  const Answer response = post({{"input", "too long"}});
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(response.json["error"]["code"], "context_length_exceeded");
  EXPECT_EQ(response.json["error"]["param"], "input");
  EXPECT_THAT(post({{"input", "too long"}, {"stream", true}}).body, HasSubstr("\"code\":\"context_length_exceeded\""));
}

TEST_F(ServerTest, what_had_no_effect_is_said_in_every_form_of_an_answer) {
  Json body = chat_of("hi");
  body["colour"] = "red";
  EXPECT_EQ(ask(http::verb::post, "/v1/chat/completions", body).json["baton.ignored"], Json({"colour"}));
  body["stream"] = true;
  EXPECT_EQ(events_of(ask(http::verb::post, "/v1/chat/completions", body).body).front()["baton.ignored"], Json({"colour"}));
  Socket socket = websocket();
  socket.send({{"type", "response.create"}, {"input", "hi"}, {"colour", "red"}});
  EXPECT_EQ(socket.until("response.completed")["response"]["baton.ignored"], Json({"colour"}));
  EXPECT_FALSE(post({{"input", "hi"}}).json.contains("baton.ignored"));
  const Answer conversation = ask(http::verb::post, "/v1/conversations", {{"metadata", {{"a", 1}}}, {"colour", "red"}});
  EXPECT_EQ(conversation.json["baton.ignored"], Json({"colour"}));
  EXPECT_EQ(conversation.json["metadata"], Json({{"a", 1}}));
}

TEST_F(ServerTest, a_warm_up_gives_an_id_to_go_on_from) {
  const Answer warm = post({{"generate", false}, {"instructions", "Be brief."}});
  ASSERT_EQ(warm.status, 200) << warm.body;
  EXPECT_EQ(warm.json["status"], "completed");
  EXPECT_EQ(warm.json["output"], Json::array());
  const Answer next = post({{"input", "hello"}, {"previous_response_id", warm.json["id"]}});
  EXPECT_EQ(next.json["output"][0]["content"][0]["text"], "you said: hello") << next.body;

  // Codex's way: nothing is stored.
  Socket socket = websocket();
  const Json tools = Json::array({{{"type", "function"}, {"name", "f"}}});
  for (const Json& input : {Json::array(), Json({{{"role", "user"}, {"content", "first"}}})}) {
    socket.send({{"type", "response.create"}, {"generate", false}, {"store", false}, {"input", input}, {"tools", tools}});
    const Json id = socket.until("response.completed")["response"]["id"];
    socket.send({{"type", "response.create"}, {"store", false}, {"previous_response_id", id}, {"input", "say yes"}, {"tools", tools}});
    const Json end = socket.read_end();
    ASSERT_EQ(end["type"], "response.completed") << end;
    EXPECT_EQ(end["response"]["output"][0]["content"][0]["text"], "yes");
  }
}

// ---- streams

TEST_F(ServerTest, event_streams_are_not_held_back_by_proxies) {
  Answer chat_stream = ask(http::verb::post, "/v1/chat/completions", chat_of("hi", true));
  Answer response_stream = post({{"input", "hi"}, {"stream", true}});
  for (Answer* answer : {&chat_stream, &response_stream}) {
    EXPECT_EQ(answer->headers["X-Accel-Buffering"], "no");
    EXPECT_EQ(answer->headers["Cache-Control"], "no-store");
  }
}

TEST_F(ServerTest, a_stream_that_has_nothing_to_say_says_a_comment) {
  ServerLimits limits;
  limits.event_pause = std::chrono::milliseconds(10);
  start(limits);
  for (const auto& [line, body] : {std::pair{"POST /v1/chat/completions", chat_of("wait", true)},
                                   std::pair{"POST /v1/responses", Json{{"input", "wait"}, {"stream", true}, {"store", false}}}}) {
    tcp::socket socket = send(line, body.dump());
    std::string said;
    for (int i = 0; i < 3; ++i) {
      const std::size_t end = asio::read_until(socket, asio::dynamic_buffer(said), ": still here\n\n");
      said.erase(0, end);
    }
  }
}

TEST_F(ServerTest, what_is_refused_for_now_says_when_to_come_back) {
  for (const int status : {429, 503, 507}) {
    const api::HttpReply reply = api::HttpReply::of(protocol::ApiError{status, "server_error", "x", "x", ""});
    EXPECT_THAT(reply.headers, testing::Contains(testing::Pair("Retry-After", "1")));
  }
}

}  // namespace
}  // namespace baton::agent::server
