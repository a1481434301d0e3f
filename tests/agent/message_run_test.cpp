// One message, run to its answer, with a model that wants to send and a user who may be absent. Counts the responses.
#include <baton/agent/core/items.h>
#include <baton/agent/generator/scripted_generator.h>
#include <baton/agent/message_run.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace baton::agent {
namespace {

bool offers(const llm::ChatRequest& request, const std::string& name) {
  if (request.turn.tool_choice.mode == llm::ToolChoice::Mode::none) return false;
  return std::any_of(request.tools.begin(), request.tools.end(), [&](const llm::ToolSpec& tool) { return tool.name == name; });
}

ScriptedAnswer call(const std::string& name, int n) {
  ScriptedAnswer answer;
  answer.calls = {{"", name, {{"n", n}}}};
  return answer;
}
ScriptedAnswer words(const std::string& text) {
  ScriptedAnswer answer;
  answer.text = text;
  return answer;
}

auto n_users(const llm::ChatRequest& request) {
  return std::count_if(request.messages.begin(), request.messages.end(), [](const auto& m) { return m.role == llm::Role::user; });
}

class MessageRunTest : public testing::Test {
 protected:
  MessageRunTest() {
    const Json number = {{"type", "object"}, {"properties", {{"n", {{"type", "integer"}}}}}};
    const auto count = [this](const Json&, tools::ToolContext&) {
      ++n_sent_;
      return tools::ToolResult::text("sent");
    };
    tools_.add({"look", "looks", number, {}}, [](const Json&, tools::ToolContext&) { return tools::ToolResult::text("seen"); }).value();
    tools_.add({"send", "sends", number, {.effect = tools::Effect::sends}}, count).value();
  }

  // `rule` also gets the number of answers before.
  Result<RunOutcome> run(std::function<ScriptedAnswer(const llm::ChatRequest&, int)> rule, RunRequest request,
                         std::function<std::optional<Json>(const Json&)> approve) {
    generator_ = std::make_unique<ScriptedGenerator>([this, rule](const llm::ChatRequest& asked) {
      const std::scoped_lock lock(mutex_);
      asked_.push_back(asked);
      return rule(asked, static_cast<int>(asked_.size()) - 1);
    });
    Agent agent(*generator_, tools_, *journal_, clock_);
    MessageRun message;
    message.respond = [&](RunRequest next) -> Result<RunOutcome> {
      ++n_responses_;
      auto handle = agent.start(std::move(next), {});
      if (!handle) return handle.error();
      return (*handle)->wait();
    };
    message.approve = std::move(approve);
    return run_message(tools_, *journal_, clock_, std::move(request), message);
  }
  static std::optional<Json> refuse(const Json& call) { return approval_answer(call, false, "there is no terminal"); }
  static std::optional<Json> agree(const Json& call) { return approval_answer(call, true); }
  static RunRequest message() { return RunRequest::of_text("Send it"); }

  std::atomic<int> n_sent_ = 0;
  int n_responses_ = 0;
  std::mutex mutex_;
  std::vector<llm::ChatRequest> asked_;
  tools::ToolSet tools_;
  std::unique_ptr<memory::Journal> journal_ = memory::Journal::open(":memory:").value();
  JournalClock clock_{*journal_};
  std::unique_ptr<ScriptedGenerator> generator_;
};

TEST_F(MessageRunTest, after_a_refusal_the_model_answers_without_that_tool) {
  const auto outcome =
      run([](const auto& asked, int) { return offers(asked, "send") ? call("send", 1) : words("I may not"); }, message(), refuse);
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(outcome->status, "completed");
  EXPECT_EQ(n_responses_, 2);
  ASSERT_EQ(asked_.size(), 2u);
  EXPECT_TRUE(offers(asked_[1], "look"));
  EXPECT_FALSE(offers(asked_[1], "send"));
  EXPECT_EQ(asked_[1].messages.back().role, llm::Role::tool);
  EXPECT_NE(asked_[1].messages.back().content.find(kNotApproved), std::string::npos);
  EXPECT_EQ(n_sent_, 0);
}

TEST_F(MessageRunTest, where_the_refused_tool_was_the_only_one_no_tool_is_left) {
  RunRequest request = message();
  request.all_tools = false;
  request.tools = {"send"};
  const auto outcome =
      run([](const auto& asked, int) { return offers(asked, "send") ? call("send", 1) : words("I may not"); }, std::move(request), refuse);
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(outcome->status, "completed");
  EXPECT_EQ(n_responses_, 2);
  EXPECT_FALSE(offers(asked_.back(), "send"));
}

TEST_F(MessageRunTest, the_same_call_refused_twice_ends_the_message) {
  const auto outcome = run([](const auto&, int) { return call("send", 1); }, message(), refuse);
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(outcome->status, "incomplete");
  EXPECT_EQ(outcome->reason, kRefusedTwice);
  EXPECT_EQ(n_responses_, 2);
  EXPECT_EQ(n_sent_, 0);
}

TEST_F(MessageRunTest, turns_count_over_all_responses) {
  RunRequest request = message();
  request.budgets.max_turns = 3;
  const auto outcome = run([](const auto&, int n) { return call("send", n); }, std::move(request), refuse);
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(outcome->status, "incomplete");
  EXPECT_EQ(outcome->reason, "max_turns");
  EXPECT_EQ(asked_.size(), 4u) << "three turns and the last answer";
}

TEST_F(MessageRunTest, calls_count_over_all_responses) {
  RunRequest request = message();
  request.budgets.max_tool_calls = 2;
  request.budgets.max_turns = 50;
  const auto outcome = run([](const auto&, int n) { return call("send", n); }, std::move(request), agree);
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(outcome->status, "incomplete");
  EXPECT_EQ(outcome->reason, "max_tool_calls");
  EXPECT_EQ(n_sent_, 2);
  EXPECT_LE(asked_.size(), 5u);
}

TEST_F(MessageRunTest, written_tokens_count_over_all_responses) {
  RunRequest request = message();
  request.budgets.max_output_tokens = 10;
  const auto outcome = run([](const auto&, int n) { return n < 2 ? call("send", n) : words("done"); }, std::move(request), agree);
  ASSERT_TRUE(outcome) << outcome.error().message;
  ASSERT_GE(asked_.size(), 2u);
  EXPECT_EQ(asked_[0].turn.max_output_tokens, 10);
  EXPECT_EQ(asked_[1].turn.max_output_tokens, 7) << "a scripted call counts three";
}

TEST_F(MessageRunTest, where_the_time_is_used_up_the_next_response_is_the_last_answer) {
  RunRequest request = message();
  request.budgets.max_milliseconds = 1;
  const auto outcome = run(
      [](const auto&, int n) {
        ScriptedAnswer answer = call("send", n);
        answer.delay = std::chrono::milliseconds(1);
        return answer;
      },
      std::move(request), refuse);
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(outcome->status, "incomplete");
  EXPECT_LE(n_responses_, 2);
}

TEST_F(MessageRunTest, a_user_who_leaves_finds_the_call_waiting_and_is_asked_first_the_next_time) {
  const auto rule = [](const auto& asked, int) {
    return asked.messages.back().role == llm::Role::tool || n_users(asked) > 1 ? words("done") : call("send", 1);
  };
  const auto left = run(rule, message(), [](const Json&) { return std::optional<Json>(); });
  ASSERT_TRUE(left) << left.error().message;
  EXPECT_EQ(left->required_input.size(), 1u);
  EXPECT_EQ(n_responses_, 1);

  RunRequest again = RunRequest::of_text("And?");
  again.conversation_id = left->conversation_id;
  std::vector<std::string> asked_about;
  const auto outcome = run(rule, std::move(again), [&](const Json& request) {
    asked_about.push_back(string_of(request, "name"));
    return agree(request);
  });
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(asked_about, std::vector<std::string>{"send"});
  EXPECT_EQ(outcome->status, "completed");
  EXPECT_EQ(n_sent_, 1);
}

}  // namespace
}  // namespace baton::agent
