// A run that is killed after any of its commits continues from there.
#include <gmock/gmock.h>

#include "run_fixture.h"

namespace baton::agent {
namespace {

using llm::FinishReason;
using testing::HasSubstr;

// The events of both lives together are those of one response.
void expect_one_stream(const StepByHand& first, const StepByHand& second) {
  Actions all = first.all();
  for (const Action& action : second.all()) all.push_back(action);
  expect_valid_events(all);
}
std::vector<llm::Message> conversation(const StepByHand& first, const StepByHand& second) {
  auto items = first.kept_items();
  for (const StoredItem& item : second.kept_items()) items.push_back(item);
  return messages_from_items(items);
}

TEST(Resume, a_run_that_had_said_nothing_starts) {
  StepByHand run;
  Interrupted left;
  left.input = {user_message_item("", "hello")};
  run.resume(left);
  EXPECT_EQ(run.generations(), 1);
  EXPECT_EQ(run.request().messages.back().content, "hello");
  EXPECT_EQ(run.events("response.created").size(), 1u);
}

TEST(Resume, text_that_was_being_written_is_ended_and_written_again) {
  StepByHand first;
  first.start("q");
  first.text("The answ");
  StepByHand second;
  second.resume(first.left_behind());
  ASSERT_EQ(second.generations(), 1);
  EXPECT_EQ(second.request().messages.size(), 1u) << "the model does not see the torn text";
  second.answer("The answer.");
  expect_one_stream(first, second);
  EXPECT_EQ(second.finish().status, "completed");
  const auto messages = conversation(first, second);
  ASSERT_EQ(messages.size(), 2u);
  EXPECT_EQ(messages[1].content, "The answer.");
  const Json output = second.events("response.completed").at(0)["response"]["output"];
  ASSERT_EQ(output.size(), 1u) << "what was written again is there once";
  EXPECT_EQ(output[0]["content"][0]["text"], "The answer.");
}

TEST(Resume, a_call_that_was_being_written_is_written_again) {
  StepByHand first;
  first.start("q");
  first.text("Let me add.");
  first.open(0, call_of("c1", "add", {{"x", 1}}));
  StepByHand second;
  second.resume(first.left_behind());
  EXPECT_TRUE(second.started().empty());
  second.calls({call_of("c2", "add", {{"x", 1}})});
  second.result("c2", "1");
  second.answer("1.");
  expect_one_stream(first, second);
  const auto messages = conversation(first, second);
  expect_valid_history(messages);
  ASSERT_EQ(messages.size(), 4u);
  EXPECT_EQ(messages[1].content, "") << "the torn turn left nothing";
}

TEST(Resume, a_result_that_is_known_is_reused) {
  StepByHand first;
  first.start("q");
  first.calls({call_of("c1", "add"), call_of("c2", "time")});
  first.result("c1", "3");
  Interrupted left = first.left_behind();
  left.calls["c1"] = {.finished = true, .result = "3"};
  left.calls["c2"] = {.finished = true, .is_error = true, .result = "no clock"};
  StepByHand second;
  second.resume(left);
  EXPECT_TRUE(second.started().empty()) << "nothing is run twice";
  EXPECT_EQ(second.generations(), 1);
  const auto messages = second.request().messages;
  expect_valid_history(messages);
  EXPECT_EQ(messages[2].content, "3");
  EXPECT_EQ(messages[3].content, "no clock");
  second.answer("ok");
  expect_one_stream(first, second);
  expect_valid_history(conversation(first, second));
}

TEST(Resume, an_intent_without_a_result_runs_again_only_where_that_does_no_harm) {
  for (const bool idempotent : {true, false}) {
    StepByHand first;
    first.start("q");
    first.calls({call_of("c1", "add")});
    Interrupted left = first.left_behind();
    left.calls["c1"] = {.may_run_again = idempotent};
    StepByHand second;
    second.resume(left);
    if (idempotent) {
      ASSERT_EQ(second.started(), std::vector<std::string>{"c1"});
      EXPECT_EQ(second.all_of<StartTool>()[0].idempotency_key, first.all_of<StartTool>()[0].idempotency_key);
      second.result("c1", "3");
    } else {
      EXPECT_TRUE(second.started().empty());
      EXPECT_THAT(second.request().messages.back().content, HasSubstr("outcome unknown"));
      EXPECT_EQ(second.events("response.mcp_call.failed").size(), 1u) << "the client is told";
    }
    second.answer("ok");
    expect_one_stream(first, second);
    expect_valid_history(conversation(first, second));
  }
}

TEST(Resume, a_call_without_an_intent_is_started) {
  StepByHand first({.turn = {.parallel_tool_calls = false}});
  first.start("q");
  first.calls({call_of("c1", "add"), call_of("c2", "time")});
  first.result("c1", "3");
  Interrupted left = first.left_behind();
  left.calls["c1"] = {.finished = true, .result = "3"};
  StepByHand second({.turn = {.parallel_tool_calls = false}});
  // c2's intent had not been written when the process was killed.
  std::erase_if(left.events, [](const EmitEvent& e) { return e.type == "response.mcp_call.in_progress" && e.data["output_index"] == 1; });
  second.resume(left);
  EXPECT_EQ(second.started(), std::vector<std::string>{"c2"});
}

TEST(Resume, after_a_whole_turn_the_next_one_begins_and_repeats_are_still_known) {
  StepByHand first;
  first.start("q");
  first.calls({call_of("c1", "add", {{"x", 1}})});
  first.result("c1", "3");
  first.text("It ");
  StepByHand second;
  second.resume(first.left_behind());
  EXPECT_EQ(second.request().messages.size(), 3u);
  second.calls({call_of("c9", "add", {{"x", 1}})});
  EXPECT_TRUE(second.started().empty()) << "the same call as before the crash";
  second.answer("3.");
  expect_one_stream(first, second);
}

// The result of a repeated call has one sentence more than the first result.
TEST(Resume, a_call_that_was_repeated_before_the_crash_is_still_a_repeat) {
  StepByHand first({.max_repeating_turns = 3});
  first.start("q");
  first.calls({call_of("c1", "send", {{"x", 1}})});
  first.result("c1", "sent");
  first.calls({call_of("c2", "send", {{"x", 1}})});
  ASSERT_TRUE(first.started().empty());
  first.text("It ");
  StepByHand second({.max_repeating_turns = 3});
  second.resume(first.left_behind());
  second.calls({call_of("c9", "send", {{"x", 1}})});
  EXPECT_TRUE(second.started().empty());
}

TEST(Resume, steering_that_was_accepted_holds) {
  StepByHand first;
  first.start("q");
  first.calls({call_of("c1", "add")});
  first.steer("steer_1", "no, subtract");
  Interrupted left = first.left_behind();
  left.calls["c1"] = {.finished = true, .result = "3"};
  StepByHand second;
  second.resume(left);
  EXPECT_EQ(second.finish().reason, "steered");
}

TEST(Steering, ends_the_run_after_the_calls_of_the_turn) {
  StepByHand run;
  run.start("q");
  run.open(0, call_of("c1", "add"));
  run.steer("steer_1", "in metres, please");
  EXPECT_EQ(run.events("response.steer.accepted").at(0)["steer"]["id"], "steer_1");
  EXPECT_TRUE(run.all_of<CancelGeneration>().empty()) << "a call is being written";
  run.say(llm::CallFinished{0, call_of("c1", "add"), 0.5});
  run.end(llm::FinishReason::tool_calls);
  run.result("c1", "3");
  EXPECT_EQ(run.finish().status, "incomplete");
  EXPECT_EQ(run.finish().reason, "steered");
  EXPECT_EQ(run.generations(), 1);
  expect_valid_events(run.all());
}

TEST(Steering, cuts_off_an_answer_in_words_and_keeps_what_was_written) {
  StepByHand run;
  run.start("q");
  run.text("It is 3 fe");
  run.steer("steer_1", "in metres, please");
  EXPECT_EQ(run.all_of<CancelGeneration>().size(), 1u);
  run.end(llm::FinishReason::cancelled);
  EXPECT_EQ(run.finish().status, "incomplete");
  EXPECT_EQ(run.finish().reason, "steered");
  EXPECT_EQ(run.kept_messages().back().content, "It is 3 fe");
  expect_valid_events(run.all());

  StepByHand other;  // it had ended when the engine was called
  other.start("q");
  other.steer("steer_1", "in metres, please");
  other.answer("3 feet");
  EXPECT_EQ(other.finish().status, "completed");
}

TEST(Resume, an_answer_that_was_written_three_times_is_in_the_output_once) {
  StepByHand first;
  first.start("q");
  first.reasoning("hm");
  first.text("Let me");
  StepByHand second;
  second.resume(first.left_behind());
  second.text("Let me se");
  Interrupted left = first.left_behind();
  for (const EmitEvent& event : second.left_behind().events) left.events.push_back(event);
  StepByHand third;
  third.resume(left);
  third.answer("Let me see.");
  Actions all = first.all();
  for (const StepByHand* run : {&second, &third}) all.insert(all.end(), run->all().begin(), run->all().end());
  expect_valid_events(all);
  const Json output = third.events("response.completed").at(0)["response"]["output"];
  ASSERT_EQ(output.size(), 1u) << output.dump(1);
  EXPECT_EQ(text_of_message(output[0]), "Let me see.");
}

// At any moment: kill after any number of actions of a long run, resume, and let it end.
TEST(Resume, any_moment_will_do) {
  const auto play = [](StepByHand& run) {
    run.start("q");
    run.reasoning("hm");
    run.text("Adding.");
    run.calls({call_of("c1", "add", {{"x", 1}}), call_of("c2", "time")});
    run.result("c2", "noon");
    run.result("c1", "3");
    run.text("And then");
    run.calls({call_of("c3", "wait")});
    run.result("c3", "waited");
    run.text("Do");
    run.answer("ne.");
  };
  StepByHand whole;
  play(whole);
  for (std::size_t n = 0; n + 2 < whole.all().size(); ++n) {
    Interrupted left;
    left.input = {user_message_item("", "q")};
    Actions before(whole.all().begin(), whole.all().begin() + static_cast<std::ptrdiff_t>(n));
    for (const Action& action : before) {
      if (const auto* event = std::get_if<EmitEvent>(&action)) left.events.push_back(*event);
      if (const auto* item = std::get_if<KeepItem>(&action)) left.kept.push_back({"resp_1", item->content, item->raw});
      if (const auto* start = std::get_if<StartTool>(&action)) left.calls[start->call.id] = {};
    }
    StepByHand second;
    second.resume(left);
    for (int turn = 0; turn < 5 && second.all_of<FinishRun>().empty(); ++turn) {
      for (const std::string& id : second.started()) second.result(id, "late");
      if (second.all_of<FinishRun>().empty()) second.answer("The end.");
    }
    SCOPED_TRACE("killed after action " + std::to_string(n));
    EXPECT_EQ(second.finish().status, "completed");
    for (const Action& action : second.all()) before.push_back(action);
    // Events are committed in steps: on the disk a step is never cut in the middle, but such a cut must not break anything here either.
    std::vector<StoredItem> items = left.kept;
    for (const StoredItem& item : second.kept_items()) items.push_back(item);
    expect_valid_history(messages_from_items(items));
  }
}

}  // namespace
}  // namespace baton::agent
