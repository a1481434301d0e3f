// Clients that leave before they have their answer, and streams without further events.
#include "server_fixture.h"
#include "temporary_folder.h"

namespace baton::agent::server {
namespace {

Json chat(const std::string& text, bool stream = false) {
  return {{"messages", Json::array({{{"role", "user"}, {"content", text}}})}, {"stream", stream}};
}

TEST_F(ServerTest, a_stream_asked_for_after_the_last_event_ends_at_once) {
  const std::string id = post({{"input", "hello"}}).json["id"];
  const Answer all = ask(http::verb::get, "/v1/responses/" + id + "?stream=true");
  const std::string last = all.body.substr(all.body.rfind("\"sequence_number\":") + 18);
  for (const std::string& after : {std::to_string(std::stoi(last)), std::string("1000000")}) {
    const Answer rest = ask(http::verb::get, "/v1/responses/" + id + "?stream=true&starting_after=" + after);
    EXPECT_EQ(rest.status, 200);
    EXPECT_EQ(rest.body, "");
  }
}

TEST_F(ServerTest, a_stream_of_a_run_of_another_process_is_refused_before_it_begins) {
  const TemporaryFolder folder;
  const auto journal = memory::Journal::open(folder.path() / "journal.db").value();
  const auto other = memory::Journal::open(folder.path() / "journal.db").value();
  memory::Conversation conversation;
  conversation.id = "conv_theirs";
  memory::Response theirs;
  theirs.id = "resp_theirs";
  theirs.conversation_id = conversation.id;
  theirs.status = "in_progress";
  ASSERT_TRUE(other->commit_and_wait(memory::Batch().put(conversation).put(theirs), memory::Durability::power));
  Agent agent(generator_, tools_, *journal, clock_);
  RunHub hub(agent, *journal);
  api::Api api(hub, agent, *journal, {});
  api::HttpCall call;
  call.method = "GET";
  call.path = "/v1/responses/resp_theirs";
  call.query["stream"] = "true";
  api::HttpReply reply;
  api.handle(call, [&](api::HttpReply answer) { reply = std::move(answer); });
  EXPECT_EQ(reply.status, 409);
  EXPECT_FALSE(reply.stream);
  EXPECT_THAT(reply.body, HasSubstr("response_of_another_process"));
}

// The run's end and the steps after it happen on several threads: a reader may arrive at any of them.
TEST_F(ServerTest, a_stream_asked_for_after_the_last_event_ends_however_soon_it_is_asked_for) {
  for (int i = 0; i < 100; ++i) {
    const std::string id = post({{"input", "hello"}}).json["id"];
    EXPECT_EQ(ask(http::verb::get, "/v1/responses/" + id + "?stream=true&starting_after=1000000").status, 200);
  }
}

TEST_F(ServerTest, a_number_beyond_what_a_running_response_has_said_is_told_its_end) {
  Socket socket = websocket();
  socket.send({{"type", "response.create"}, {"input", "wait"}});
  const std::string id = socket.until("response.created")["response"]["id"];
  socket.send({{"type", "baton.resume"}, {"response_id", id}, {"starting_after", 1000000}, {"stream_id", "again"}});
  tcp::socket stream = send("GET /v1/responses/" + id + "?stream=true&starting_after=1000000");
  std::string head;
  asio::read_until(stream, asio::dynamic_buffer(head), "\r\n\r\n");
  socket.send({{"type", "baton.cancel"}, {"response_id", id}});
  for (int i = 0; i < 2; ++i) EXPECT_EQ(socket.until("response.incomplete")["response"]["status"], "cancelled");
  std::string rest;
  asio::read_until(stream, asio::dynamic_buffer(rest), "\r\n0\r\n\r\n");
  EXPECT_THAT(rest, HasSubstr("event: response.incomplete"));
}

TEST_F(ServerTest, resuming_after_the_last_event_says_so_and_frees_the_lane) {
  const std::string id = post({{"input", "hello"}}).json["id"];
  Socket socket = websocket();
  for (int i = 0; i < 3; ++i) {
    socket.send({{"type", "baton.resume"}, {"response_id", id}, {"starting_after", 1000}, {"stream_id", "a"}});
    const Json said = socket.read();
    EXPECT_EQ(said["type"], "baton.resumed") << said;
    EXPECT_EQ(said["status"], "completed");
    EXPECT_EQ(said["response_id"], id);
    EXPECT_EQ(said["stream_id"], "a");
  }
  socket.send({{"type", "response.create"}, {"input", "one more"}, {"stream_id", "a"}});
  EXPECT_EQ(socket.until("response.completed")["stream_id"], "a");
}

TEST_F(ServerTest, a_completion_is_cancelled_when_its_client_has_gone) {
  for (const bool stream : {false, true}) {
    tcp::socket socket = send("POST /v1/chat/completions", chat("wait", stream).dump());
    ASSERT_TRUE(active(1));
    if (stream) {
      std::string head;
      asio::read_until(socket, asio::dynamic_buffer(head), "\"delta\"");
    }
    socket.close();
    EXPECT_TRUE(active(0)) << "no client can come back to it";
  }
  EXPECT_TRUE(metric("baton_clients_left_total 2"));
}

TEST_F(ServerTest, a_client_that_resets_its_connection_is_noticed) {
  tcp::socket socket = send("POST /v1/chat/completions", chat("wait").dump());
  ASSERT_TRUE(active(1));
  socket.set_option(asio::socket_base::linger(true, 0));
  socket.close();
  EXPECT_TRUE(active(0));
}

TEST_F(ServerTest, a_client_that_has_closed_its_half_gets_its_answer) {
  for (const bool stream : {false, true}) {
    tcp::socket socket = send("POST /v1/chat/completions", chat("long 300", stream).dump());
    socket.shutdown(tcp::socket::shutdown_send);
    std::string all;
    boost::system::error_code end;
    asio::read(socket, asio::dynamic_buffer(all), end);
    EXPECT_THAT(all, HasSubstr("HTTP/1.1 200 OK"));
    EXPECT_THAT(all, HasSubstr("xxx"));
    EXPECT_THAT(all, HasSubstr("\"stop\""));
  }
}

TEST_F(ServerTest, streams_of_clients_that_have_gone_leave_nothing_and_the_run_goes_on) {
  Socket socket = websocket();
  socket.send({{"type", "response.create"}, {"input", "wait"}});
  const std::string id = socket.until("response.created")["response"]["id"];
  for (int i = 0; i < 20; ++i) {
    tcp::socket stream = send("GET /v1/responses/" + id + "?stream=true&starting_after=1000000");
    std::string head;
    asio::read_until(stream, asio::dynamic_buffer(head), "\r\n\r\n");
  }
  EXPECT_TRUE(metric("baton_streams 1")) << "the WebSocket's";
  EXPECT_EQ(hub_.stats().active, 1);
}

TEST_F(ServerTest, a_stored_response_goes_on_without_its_client) {
  tcp::socket socket = send("POST /v1/responses", Json{{"input", "wait"}}.dump());
  ASSERT_TRUE(active(1));
  socket.close();
  EXPECT_TRUE(metric("baton_clients_left_total 1"));
  EXPECT_EQ(hub_.stats().active, 1);
}

TEST_F(ServerTest, an_unstored_response_is_cancelled_when_its_client_has_gone) {
  for (const bool stream : {false, true}) {
    tcp::socket socket = send("POST /v1/responses", Json{{"input", "wait"}, {"store", false}, {"stream", stream}}.dump());
    ASSERT_TRUE(active(1));
    if (stream) {
      std::string head;
      asio::read_until(socket, asio::dynamic_buffer(head), "response.in_progress");
    }
    socket.close();
    EXPECT_TRUE(active(0)) << "no client can ask for it";
  }
}

TEST_F(ServerTest, what_was_sent_while_an_answer_was_awaited_is_not_lost) {
  tcp::socket socket = send("POST /v1/chat/completions", chat("long 300").dump());
  ASSERT_TRUE(active(1));
  const std::string next = "GET /healthz HTTP/1.1\r\nHost: " + host() + "\r\n\r\n";
  asio::write(socket, asio::buffer(next + next.substr(0, 20)));
  beast::flat_buffer buffer;
  const auto read = [&] {
    http::response<http::string_body> response;
    http::read(socket, buffer, response);
    return response.body();
  };
  EXPECT_THAT(read(), HasSubstr("xxx"));
  EXPECT_THAT(read(), HasSubstr("ok"));
  asio::write(socket, asio::buffer(next.substr(20)));
  EXPECT_THAT(read(), HasSubstr("ok"));
}

}  // namespace
}  // namespace baton::agent::server
