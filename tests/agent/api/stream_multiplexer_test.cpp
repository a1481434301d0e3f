// The messages of a WebSocket without a socket: what a client sends, and what it gets.
#include <baton/agent/api/stream_multiplexer.h>
#include <baton/agent/generator/scripted_generator.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <condition_variable>
#include <future>
#include <optional>
#include <set>
#include <utility>
#include <vector>

namespace baton::agent::api {
namespace {

ScriptedAnswer answer_to(const llm::ChatRequest& request) {
  const std::string& last = request.messages.back().content;
  if (last == "wait") return {.text = "waiting", .until_cancelled = true};
  return {.text = "you said: " + last};
}

// Keeps what it is sent.
class ListeningSink final : public MessageSink {
 public:
  bool send(OutgoingMessage message) override {
    const std::scoped_lock lock(mutex_);
    if (!open_) return false;
    sent_.push_back({Json::parse(*message.text), message});
    changed_.notify_all();
    return true;
  }
  const std::string& client() const override { return client_; }

  void leave() {
    const std::scoped_lock lock(mutex_);
    open_ = false;
  }
  std::size_t n_sent() {
    const std::scoped_lock lock(mutex_);
    return sent_.size();
  }
  struct Sent {
    Json event;
    OutgoingMessage message;
  };
  std::vector<Sent> sent() {
    const std::scoped_lock lock(mutex_);
    return sent_;
  }
  // The next event of this type that was not returned yet, on this lane or, without one, on any; null if there is none within seconds.
  Json next(const std::string& type, const std::optional<std::string>& lane = "") {
    std::unique_lock lock(mutex_);
    Json found;
    changed_.wait_for(lock, std::chrono::seconds(20), [&] {
      const auto at = std::find_if(sent_.begin(), sent_.end(), [&](const Sent& sent) {
        return sent.event["type"] == type && (!lane || sent.event.value("stream_id", "") == *lane) &&
               !returned_.contains(&sent - sent_.data());
      });
      if (at == sent_.end()) return false;
      returned_.insert(at - sent_.begin());
      found = at->event;
      return true;
    });
    return found;
  }

 private:
  const std::string client_ = "address:192.0.2.1";
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Sent> sent_;
  std::set<std::ptrdiff_t> returned_;
  bool open_ = true;
};

class StreamMultiplexerTest : public testing::Test {
 protected:
  ~StreamMultiplexerTest() override {
    hub_.shutdown(std::chrono::milliseconds(0));
    for (std::vector<std::future<void>> posted; !(posted = take_posted()).empty();)
      for (auto& job : posted) job.get();
  }

  std::shared_ptr<StreamMultiplexer> lanes_of(const std::shared_ptr<MessageSink>& peer, StreamLimits limits = {}) {
    return std::make_shared<StreamMultiplexer>(api_, limits, peer, [this](std::function<void()> job) {
      const std::scoped_lock lock(mutex_);
      posted_.push_back(std::async(std::launch::async, std::move(job)));
    });
  }
  void send(const Json& message) { lanes_->on_message(message.dump()); }
  void create(const std::string& input, const std::string& lane = "") {
    Json message = {{"type", "response.create"}, {"input", input}};
    if (!lane.empty()) message["stream_id"] = lane;
    send(message);
  }
  // The id of a response that waits to be cancelled.
  std::string waiting(const std::string& lane = "") {
    create("wait", lane);
    const Json created = peer_->next("response.created", lane);
    EXPECT_FALSE(created.is_null());
    return created.is_null() ? "" : created["response"]["id"].get<std::string>();
  }
  std::string said(const std::string& lane = "") {
    const Json completed = peer_->next("response.completed", lane);
    return completed.is_null() ? "nothing" : completed["response"]["output"][0]["content"][0]["text"].get<std::string>();
  }

  ScriptedGenerator generator_{ScriptedGenerator::Rule(answer_to)};
  tools::ToolSet tools_;
  std::unique_ptr<memory::Journal> journal_ = memory::Journal::open(":memory:").value();
  JournalClock clock_{*journal_};
  Agent agent_{generator_, tools_, *journal_, clock_};
  RunHub hub_{agent_, *journal_};
  Api api_{hub_, agent_, *journal_, ApiOptions{}};
  std::shared_ptr<ListeningSink> peer_ = std::make_shared<ListeningSink>();
  std::shared_ptr<StreamMultiplexer> lanes_ = lanes_of(peer_);

 private:
  std::vector<std::future<void>> take_posted() {
    const std::scoped_lock lock(mutex_);
    return std::exchange(posted_, {});
  }
  std::mutex mutex_;
  std::vector<std::future<void>> posted_;
};

TEST_F(StreamMultiplexerTest, what_is_no_message_is_answered_with_an_error) {
  lanes_->on_message("{");
  EXPECT_EQ(peer_->next("error")["status"], 400);
  send({{"type", "dance"}, {"stream_id", "a"}});
  const Json unknown = peer_->next("error", "a");
  EXPECT_EQ(unknown["status"], 400);
  EXPECT_EQ(unknown["param"], "type");
  EXPECT_EQ(unknown["sequence_number"], 0);
  send({{"type", "response.create"}, {"input", 7}});
  EXPECT_EQ(peer_->next("error")["param"], "input");
  create("still there?");
  EXPECT_EQ(said(), "you said: still there?");
}

TEST_F(StreamMultiplexerTest, a_lane_answers_in_order_and_waits_for_no_other) {
  const std::string slow = waiting("slow");
  create("after it", "slow");
  create("one", "quick");
  create("two", "quick");
  EXPECT_EQ(said("quick"), "you said: one");
  EXPECT_EQ(said("quick"), "you said: two");
  send({{"type", "baton.cancel"}, {"response_id", slow}});
  EXPECT_EQ(peer_->next("response.incomplete", "slow")["response"]["id"], slow);
  EXPECT_EQ(said("slow"), "you said: after it");
}

TEST_F(StreamMultiplexerTest, a_socket_has_a_number_of_lanes_and_a_lane_a_number_of_waiting_responses) {
  lanes_ = lanes_of(peer_, {.lanes = 2, .queue = 1});
  const std::string id = waiting("a");
  create("waits", "a");
  create("too much", "a");
  const Json full = peer_->next("error", "a");
  EXPECT_EQ(full["status"], 429);
  EXPECT_EQ(full["code"], "lane_full");
  create("hello", "b");
  EXPECT_EQ(said("b"), "you said: hello");
  create("hello", "c");
  EXPECT_EQ(peer_->next("error", "c")["code"], "too_many_lanes");
  send({{"type", "baton.resume"}, {"response_id", id}, {"stream_id", "d"}});
  EXPECT_EQ(peer_->next("error", "d")["code"], "too_many_lanes");
}

TEST_F(StreamMultiplexerTest, only_deltas_may_be_merged_and_only_with_those_of_their_lane) {
  create("one", "a");
  create("two", "b");
  said("a");
  said("b");
  int n_deltas = 0;
  for (const ListeningSink::Sent& sent : peer_->sent()) {
    const std::string type = sent.event["type"];
    const bool delta = type == "response.output_text.delta";
    n_deltas += delta ? 1 : 0;
    EXPECT_EQ(sent.message.delta != nullptr, delta) << type;
    if (!delta) continue;
    EXPECT_EQ(sent.message.stream_id, sent.event["stream_id"]);
  }
  EXPECT_GE(n_deltas, 2);
}

TEST_F(StreamMultiplexerTest, a_response_is_resumed_after_any_of_its_events) {
  create("hello");
  const Json end = peer_->next("response.completed");
  const std::string id = end["response"]["id"];
  const auto resumed = std::make_shared<ListeningSink>();
  lanes_ = lanes_of(resumed);
  send({{"type", "baton.resume"}, {"response_id", id}, {"starting_after", 3}});
  EXPECT_EQ(resumed->next("response.completed"), end);
  EXPECT_EQ(resumed->sent().front().event["sequence_number"], 4);
  EXPECT_EQ(resumed->n_sent() + 4, end["sequence_number"].get<std::size_t>() + 1);

  send({{"type", "baton.resume"}, {"response_id", id}, {"starting_after", end["sequence_number"]}, {"stream_id", "again"}});
  const Json over = resumed->next("baton.resumed", "again");
  EXPECT_EQ(over["status"], "completed");
  EXPECT_EQ(over["response_id"], id);
  send({{"type", "baton.resume"}, {"response_id", "resp_unknown"}, {"stream_id", "unknown"}});
  EXPECT_EQ(resumed->next("error", "unknown")["status"], 404);
  send({{"type", "baton.resume"}});
  EXPECT_EQ(resumed->next("error")["param"], "response_id");
}

TEST_F(StreamMultiplexerTest, a_lane_carries_one_response) {
  const std::string id = waiting("a");
  send({{"type", "baton.resume"}, {"response_id", id}, {"stream_id", "a"}});
  const Json busy = peer_->next("error", "a");
  EXPECT_EQ(busy["status"], 409);
  EXPECT_EQ(busy["code"], "lane_busy");
}

TEST_F(StreamMultiplexerTest, a_steered_response_continues_on_its_lane) {
  const std::string id = waiting("a");
  send({{"type", "response.steer"}, {"previous_response_id", id}, {"input", "something else"}});
  EXPECT_EQ(peer_->next("response.incomplete", "a")["response"]["id"], id);
  EXPECT_EQ(said("a"), "you said: something else");
  create("and then", "a");
  EXPECT_EQ(said("a"), "you said: and then") << "the lane is free again";
}

TEST_F(StreamMultiplexerTest, what_cannot_steer_is_given_back_with_the_reason) {
  const std::string id = waiting("a");
  const auto refused = [&](const Json& message) {
    send(message);
    const Json failed = peer_->next("response.steer.failed", std::nullopt);  // on the response's lane if the run is just ending
    return failed.is_null() ? "nothing" : failed["error"]["code"].get<std::string>();
  };
  const Json result = {{{"type", "function_call_output"}, {"call_id", "call_1"}, {"output", "x"}}};
  EXPECT_EQ(refused({{"type", "response.steer"}, {"previous_response_id", id}}), "invalid_input");
  EXPECT_EQ(refused({{"type", "response.steer"}, {"previous_response_id", id}, {"input", Json::array()}}), "invalid_input");
  EXPECT_EQ(refused({{"type", "response.steer"}, {"previous_response_id", id}, {"input", result}}), "invalid_input");
  EXPECT_EQ(refused({{"type", "response.steer"}, {"previous_response_id", "resp_unknown"}, {"input", "hello"}}), "response_not_found");
  create("hello", "b");
  const std::string ended = peer_->next("response.completed", "b")["response"]["id"];
  EXPECT_EQ(refused({{"type", "response.steer"}, {"previous_response_id", ended}, {"input", "hello"}}), "response_already_completed");
}

TEST_F(StreamMultiplexerTest, a_response_that_nobody_knows_cannot_be_cancelled) {
  send({{"type", "baton.cancel"}, {"response_id", "resp_unknown"}, {"stream_id", "a"}});
  EXPECT_EQ(peer_->next("error", "a")["status"], 404);
}

TEST_F(StreamMultiplexerTest, a_closed_socket_gets_nothing_and_its_stored_response_continues) {
  const std::string id = waiting("a");
  create("is not begun", "a");
  peer_->leave();
  lanes_->close();
  const std::size_t n_sent = peer_->n_sent();
  EXPECT_EQ(api_.status(id), "in_progress");
  const auto other = std::make_shared<ListeningSink>();
  const auto others = lanes_of(other);
  others->on_message(Json({{"type", "baton.resume"}, {"response_id", id}}).dump());
  others->on_message(Json({{"type", "baton.cancel"}, {"response_id", id}}).dump());
  EXPECT_EQ(other->next("response.incomplete")["response"]["status"], "cancelled");
  EXPECT_EQ(peer_->n_sent(), n_sent);
  EXPECT_EQ(journal_->conversations(10)->size(), 1u) << "what waited on the lane went with the socket";
}

}  // namespace
}  // namespace baton::agent::api
