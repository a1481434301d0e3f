#include <baton/agent/hub/message_queue.h>
#include <gtest/gtest.h>

#include <cstdint>

namespace baton::agent {
namespace {

OutgoingMessage message(const Json& event, const std::string& stream_id = "", bool may_merge = true) {
  const auto text = with_stream_id(std::make_shared<const std::string>(event.dump()), stream_id);
  return {text, may_merge ? std::make_shared<const Json>(event) : nullptr, stream_id};
}

Json delta(std::int64_t number, const std::string& text, const std::string& item = "msg_1") {
  return {{"type", "response.output_text.delta"},
          {"item_id", item},
          {"content_index", 0},
          {"delta", text},
          {"logprobs", Json::array()},
          {"sequence_number", number}};
}

std::vector<Json> sent(MessageQueue& queue) {
  std::vector<Json> all;
  for (; !queue.empty(); queue.pop()) all.push_back(Json::parse(*queue.begin_first()));
  return all;
}

TEST(MessageQueue, deltas_of_one_item_become_one_event_with_the_last_number) {
  MessageQueue queue;
  for (std::int64_t i = 0; i < 4; ++i) queue.push(message(delta(i, std::string(1, static_cast<char>('a' + i))), "lane"));
  EXPECT_EQ(queue.size(), 1u);
  Json all = delta(3, "abcd");
  all["stream_id"] = "lane";
  EXPECT_EQ(sent(queue), std::vector<Json>{all});
  EXPECT_EQ(queue.bytes(), 0u);
}

TEST(MessageQueue, an_event_is_not_changed_once_it_is_being_sent) {
  MessageQueue queue;
  queue.push(message(delta(0, "a")));
  const auto text = queue.begin_first();
  for (int i = 1; i < 3; ++i) queue.push(message(delta(i, "b")));
  EXPECT_EQ(Json::parse(*text), delta(0, "a"));
  EXPECT_EQ(sent(queue), (std::vector<Json>{delta(0, "a"), delta(2, "bb")}));
  queue.push(message(delta(3, "c")));
  queue.push(message(delta(4, "d")));
  EXPECT_EQ(sent(queue), std::vector<Json>{delta(4, "cd")}) << "the queue was empty between";
}

TEST(MessageQueue, only_neighbouring_deltas_of_the_same_item_and_stream_are_merged) {
  Json done = {{"type", "response.output_text.done"}, {"item_id", "msg_1"}, {"sequence_number", 9}};
  Json reasoning = delta(3, "r");
  reasoning["type"] = "response.reasoning_text.delta";
  MessageQueue queue;
  queue.push(message(delta(0, "a")));
  queue.push(message(done, "", false));
  queue.push(message(delta(1, "b")));
  queue.push(message(delta(2, "c", "msg_2")));
  queue.push(message(reasoning));
  queue.push(message(delta(4, "d"), "one"));
  queue.push(message(delta(5, "e"), "two"));
  EXPECT_EQ(queue.size(), 7u);
  EXPECT_EQ(sent(queue)[4], reasoning);
}

TEST(MessageQueue, log_probabilities_are_kept_and_a_long_event_ends) {
  MessageQueue queue;
  for (int i = 0; i < 2; ++i) {
    Json event = delta(i, "x");
    event["logprobs"] = {{{"token", std::to_string(i)}}};
    queue.push(message(event));
  }
  EXPECT_EQ(sent(queue).at(0)["logprobs"], Json({{{"token", "0"}}, {{"token", "1"}}}));
  std::string all;
  for (int i = 0; i < 100; ++i) {
    queue.push(message(delta(i, std::string(1000, 'y'))));
    all += std::string(1000, 'y');
  }
  EXPECT_GT(queue.size(), 4u);
  EXPECT_LT(queue.size(), 12u);
  EXPECT_GE(queue.bytes(), all.size());
  std::string got;
  for (const Json& event : sent(queue)) got += event["delta"].get<std::string>();
  EXPECT_EQ(got, all);
  EXPECT_EQ(queue.bytes(), 0u);
}

}  // namespace
}  // namespace baton::agent
