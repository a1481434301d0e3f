// Runs that outlive the request that started them, and their listeners.
#include <baton/agent/hub/run_hub.h>
#include <baton/memory/response_end.h>

#include <future>
#include <random>
#include <set>
#include <thread>

#include "agent_fixture.h"

namespace baton::agent {
namespace {

using testing::HasSubstr;

// Collects the events of a subscription.
class Ear {
 public:
  RunHub::Sink sink(int at_most = 1 << 30) {
    return [this, at_most](const HubEvent& event) {
      const std::scoped_lock lock(mutex_);
      events_.push_back(event);
      changed_.notify_all();
      return static_cast<int>(events_.size()) < at_most;
    };
  }
  bool wait_for(const std::string& type) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(20), [&] {
      return std::any_of(events_.begin(), events_.end(), [&](const HubEvent& e) { return e.type == type; });
    });
  }
  void wait_for_end() {
    std::unique_lock lock(mutex_);
    ASSERT_TRUE(changed_.wait_for(lock, std::chrono::seconds(20), [&] {
      return std::any_of(events_.begin(), events_.end(), [](const HubEvent& e) { return memory::is_terminal_event(e.type); });
    }));
  }
  std::vector<HubEvent> events() {
    const std::scoped_lock lock(mutex_);
    return events_;
  }
  std::string bytes() {
    std::string all;
    for (const HubEvent& event : events()) all += *event.json + "\n";
    return all;
  }
  Json of(const std::string& type) {
    for (const HubEvent& event : events()) {
      if (event.type == type) return Json::parse(*event.json);
    }
    return nullptr;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<HubEvent> events_;
};

class RunHubTest : public AgentFixture {
 protected:
  ~RunHubTest() override { hub_.reset(); }
  void hub(std::vector<ScriptedAnswer> answers, HubOptions options = {}) {
    script(std::move(answers));
    hub_ = std::make_unique<RunHub>(*agent_, *journal_, options);
  }
  void hub(ScriptedGenerator::Rule rule, HubOptions options = {}) {
    generator_ = std::make_unique<ScriptedGenerator>(std::move(rule));
    journal_ = memory::Journal::open(":memory:").value();
    agent_ = std::make_unique<Agent>(*generator_, tools_, *journal_, clock_);
    hub_ = std::make_unique<RunHub>(*agent_, *journal_, options);
  }
  std::string begin(RunRequest request) {
    const auto started = hub_->start(std::move(request));
    EXPECT_TRUE(started) << (started ? "" : started.error().message);
    return started ? started->response_id : "";
  }
  std::unique_ptr<RunHub> hub_;
};

TEST_F(RunHubTest, every_listener_gets_every_event_once_whenever_it_comes) {
  hub({{.text = "one two three four five six seven",
        .calls = {call_of("c1", "add", {{"a", 1}, {"b", 2}})},
        .delay = std::chrono::milliseconds(1)},
       {.text = "three, I think, or so", .delay = std::chrono::milliseconds(1)}});
  const std::string id = begin({.input = said("q")});
  std::vector<std::unique_ptr<Ear>> ears;
  std::vector<std::unique_ptr<Subscription>> held;
  for (int i = 0; i < 12; ++i) {
    ears.push_back(std::make_unique<Ear>());
    held.push_back(hub_->subscribe(id, -1, ears.back()->sink()).value());
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  for (auto& ear : ears) ear->wait_for_end();
  Ear late;
  const auto after_the_end = hub_->subscribe(id, -1, late.sink()).value();
  for (auto& ear : ears) EXPECT_EQ(ear->bytes(), late.bytes());
  const auto events = late.events();
  for (std::size_t i = 0; i < events.size(); ++i) {
    EXPECT_EQ(events[i].sequence_number, static_cast<std::int64_t>(i));
    EXPECT_EQ(Json::parse(*events[i].json)["sequence_number"], i);
  }
  EXPECT_EQ(events.back().type, "response.completed");
}

TEST_F(RunHubTest, a_silent_run_says_again_that_it_is_in_progress) {
  hub([](const llm::ChatRequest&) { return ScriptedAnswer{.text = "waiting", .until_cancelled = true}; },
      {.silence = std::chrono::milliseconds(10)});
  std::promise<void> twice;
  std::vector<Json> repeated;
  const auto started = hub_->start({.input = said("q")}, [&](const HubEvent& event) {
    if (event.again) repeated.push_back(Json::parse(*event.json));
    if (event.again && repeated.size() == 2) twice.set_value();
    return true;
  });
  ASSERT_TRUE(started);
  twice.get_future().wait();
  ASSERT_TRUE(hub_->cancel(started->response_id));
  Ear late;
  const auto all = hub_->subscribe(started->response_id, -1, late.sink()).value();
  late.wait_for_end();
  const Json first = late.of("response.in_progress");
  for (const Json& again : repeated) {
    EXPECT_EQ(again["response"], first["response"]);
    EXPECT_EQ(again["baton.repeated"], true);
    EXPECT_GE(again["sequence_number"], first["sequence_number"]) << "of the event before it";
  }
  for (const memory::Event& event : journal_->events(started->response_id).value())
    EXPECT_FALSE(event.data.contains("baton.repeated")) << "it is not kept";
}

TEST_F(RunHubTest, who_asks_for_more_than_there_is_learns_of_the_end) {
  hub([](const llm::ChatRequest&) { return ScriptedAnswer{.text = "waiting", .until_cancelled = true}; });
  const std::string id = begin({.input = said("q")});
  Ear early;
  const auto waiting = hub_->subscribe(id, 1000, early.sink()).value();
  EXPECT_FALSE(waiting->over());
  ASSERT_TRUE(hub_->cancel(id));
  early.wait_for_end();
  ASSERT_EQ(early.events().size(), 1u);
  const std::int64_t last = early.events()[0].sequence_number;
  for (const std::int64_t after : {last, std::int64_t{1000}}) {
    Ear late;
    EXPECT_TRUE(hub_->subscribe(id, after, late.sink()).value()->over());
    EXPECT_TRUE(late.events().empty());
  }
  Ear all;
  EXPECT_TRUE(hub_->subscribe(id, -1, all.sink()).value()->over());
  EXPECT_EQ(static_cast<std::int64_t>(all.events().size()), last + 1);
}

TEST_F(RunHubTest, a_stream_that_is_cut_anywhere_and_resumed_is_the_uncut_one) {
  std::mt19937 random(11);
  hub([](const llm::ChatRequest&) {
    return ScriptedAnswer{.text = "a text of some length that is streamed in a number of pieces", .delay = std::chrono::milliseconds(1)};
  });
  for (int round = 0; round < 20; ++round) {
    const std::string id = begin({.input = said("q")});
    std::string got;
    std::int64_t last = -1;
    bool ended = false;
    while (!ended) {
      Ear ear;
      const int cut = std::uniform_int_distribution<int>(1, 6)(random);
      const auto held = hub_->subscribe(id, last, ear.sink(cut)).value();
      while (static_cast<int>(ear.events().size()) < cut && !ended) {
        std::this_thread::sleep_for(std::chrono::microseconds(300));
        const auto events = ear.events();
        ended = !events.empty() && memory::is_terminal_event(events.back().type);
      }
      for (const HubEvent& event : ear.events()) {
        got += *event.json + "\n";
        last = event.sequence_number;
        ended = memory::is_terminal_event(event.type);
      }
    }
    Ear whole;
    const auto held = hub_->subscribe(id, -1, whole.sink()).value();
    EXPECT_EQ(got, whole.bytes());
  }
}

TEST_F(RunHubTest, a_key_starts_one_run_whoever_asks_how_often) {
  hub([](const llm::ChatRequest&) { return ScriptedAnswer{.text = "hi"}; });
  std::vector<std::future<Result<RunHub::Started>>> asked;
  for (int i = 0; i < 8; ++i) {
    asked.push_back(std::async(std::launch::async, [&] { return hub_->start({.input = said("q"), .key = "k1", .fingerprint = "f"}); }));
  }
  std::set<std::string> ids;
  int fresh = 0;
  for (auto& one : asked) {
    const auto started = one.get();
    ASSERT_TRUE(started) << started.error().message;
    ids.insert(started->response_id);
    fresh += started->existed ? 0 : 1;
  }
  EXPECT_EQ(ids.size(), 1u);
  EXPECT_EQ(fresh, 1);
  EXPECT_EQ(hub_->start({.input = said("other"), .key = "k1", .fingerprint = "g"}).error().code, errc::conflict);
}

TEST_F(RunHubTest, more_runs_than_allowed_are_refused_with_a_sentence) {
  hub([](const llm::ChatRequest&) { return ScriptedAnswer{.text = "hi", .until_cancelled = true}; }, {.max_runs = 2});
  const std::string first = begin({.input = said("q")});
  EXPECT_TRUE(hub_->ready());
  begin({.input = said("q")});
  EXPECT_EQ(hub_->ready().error().code, errc::saturated);
  const auto third = hub_->start({.input = said("q")});
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().code, errc::saturated);
  EXPECT_THAT(third.error().message, HasSubstr("try again"));
  Ear ear;
  const auto held = hub_->subscribe(first, -1, ear.sink()).value();
  ASSERT_TRUE(hub_->cancel(first));
  ear.wait_for_end();
  EXPECT_EQ(ear.of("response.incomplete")["response"]["status"], "cancelled");
  while (hub_->stats().active > 1) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_TRUE(hub_->start({.input = said("q")}));
}

TEST_F(RunHubTest, a_steered_run_is_followed_by_one_that_has_read_the_message) {
  hub({{.text = "I look.", .calls = {call_of("c1", "gate")}}, {.text = "In metres: 3"}});
  const std::string id = begin({.input = said("how long?")});
  entered_.wait();
  const auto steer = hub_->steer(id, said("in metres, please"));
  ASSERT_TRUE(steer);
  Ear first;
  const auto held = hub_->subscribe(id, -1, first.sink()).value();
  ASSERT_TRUE(first.wait_for("response.steer.accepted"));
  EXPECT_EQ(first.of("response.steer.accepted")["steer"]["id"], *steer);
  gate_.open();
  first.wait_for_end();
  EXPECT_EQ(first.of("response.incomplete")["response"]["incomplete_details"]["reason"], "steered");
  ASSERT_TRUE(first.wait_for(kSuccessorEvent));
  const std::string successor = first.of(kSuccessorEvent)["successor_id"];
  Ear second;
  const auto also = hub_->subscribe(successor, -1, second.sink()).value();
  second.wait_for_end();
  EXPECT_EQ(second.of("response.completed")["response"]["previous_response_id"], id);
  const auto messages = generator_->requests().back().messages;
  EXPECT_EQ(messages.back().content, "in metres, please");
  EXPECT_EQ(messages.size(), 4u);
}

TEST_F(RunHubTest, steering_waits_where_the_client_has_to_answer_first) {
  hub({{.text = "", .calls = {call_of("c1", "gate"), call_of("c2", "shop")}}, {.text = "bought"}});
  RunRequest request{.input = said("buy milk"), .client_tools = {{"shop", "buys", kNothing}}};
  const std::string id = begin(request);
  entered_.wait();
  Ear ear;
  const auto held = hub_->subscribe(id, -1, ear.sink()).value();
  ASSERT_TRUE(hub_->steer(id, said("two bottles")));
  gate_.open();
  ASSERT_TRUE(ear.wait_for("response.steer.pending"));
  EXPECT_EQ(ear.of("response.steer.pending")["required_input"][0]["call_id"], "c2");
  request.input = {{{"type", "function_call_output"}, {"call_id", "c2"}, {"output", "ok"}}};
  request.previous_response_id = id;
  Ear next;
  const auto also = hub_->subscribe(begin(request), -1, next.sink()).value();
  next.wait_for_end();
  const auto messages = generator_->requests().back().messages;
  ASSERT_EQ(messages.size(), 5u);
  EXPECT_EQ(messages[3].content, "ok");
  EXPECT_EQ(messages[4].content, "two bottles");
}

TEST_F(RunHubTest, an_answer_to_no_call_is_refused_by_name) {
  hub({{.text = "hi"}});
  const auto started = hub_->start({.input = {{{"type", "function_call_output"}, {"call_id", "c9"}, {"output", "x"}}}});
  ASSERT_FALSE(started);
  EXPECT_THAT(started.error().message, HasSubstr("input[0]"));
  EXPECT_THAT(started.error().message, HasSubstr("c9"));
}

TEST_F(RunHubTest, two_answers_to_one_response_are_two_conversations) {
  hub([](const llm::ChatRequest& request) { return ScriptedAnswer{.text = "answer " + std::to_string(request.messages.size())}; });
  const auto wait = [&](const std::string& id) {
    Ear ear;
    const auto held = hub_->subscribe(id, -1, ear.sink()).value();
    ear.wait_for_end();
    while (hub_->stats().active > 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  };
  const std::string root = begin({.input = said("root")});
  wait(root);
  const std::string left = begin({.input = said("left"), .previous_response_id = root});
  wait(left);
  const std::string right = begin({.input = said("right"), .previous_response_id = root});
  wait(right);
  EXPECT_EQ(journal_->response(left).value().conversation_id, journal_->response(root).value().conversation_id);
  const std::string fork = journal_->response(right).value().conversation_id;
  EXPECT_NE(fork, journal_->response(root).value().conversation_id);
  std::vector<std::string> texts;
  for (const memory::Item& item : journal_->items(fork).value()) texts.push_back(item.text);
  EXPECT_EQ(texts, (std::vector<std::string>{"root", "answer 1", "right", "answer 3"}));
}

TEST_F(RunHubTest, what_is_not_stored_and_nobody_can_continue_is_gone_after_its_end) {
  hub({{.text = "secret"}});
  const auto started = hub_->start({.input = said("q"), .storage = Storage::temporary}).value();
  Ear ear;
  {
    const auto held = hub_->subscribe(started.response_id, -1, ear.sink());
    if (held) ear.wait_for_end();
  }
  while (hub_->stats().active > 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_FALSE(journal_->response(started.response_id));
  EXPECT_FALSE(journal_->conversation(started.conversation_id));
}

TEST_F(RunHubTest, a_shutdown_parks_durable_runs_and_ends_the_others) {
  hub([](const llm::ChatRequest&) { return ScriptedAnswer{.text = "hi", .until_cancelled = true}; });
  const std::string durable = begin({.input = said("q"), .durable = true});
  const std::string other = begin({.input = said("q")});
  Ear ear;
  const auto held = hub_->subscribe(durable, -1, ear.sink()).value();
  hub_->shutdown(std::chrono::milliseconds(50));
  ASSERT_TRUE(ear.wait_for(kParkedEvent));
  EXPECT_EQ(ear.of(kParkedEvent)["response_id"], durable);
  EXPECT_EQ(journal_->response(durable).value().status, "in_progress");
  EXPECT_EQ(journal_->response(durable).value().attempts, 0) << "an orderly shutdown is not a crash";
  EXPECT_EQ(journal_->response(other).value().status, "cancelled");
  EXPECT_EQ(hub_->start({.input = said("q")}).error().code, errc::saturated);
}

}  // namespace
}  // namespace baton::agent
