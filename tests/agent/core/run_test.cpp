#include "run_fixture.h"

namespace baton::agent {
namespace {

using llm::FinishReason;
using llm::Role;
using llm::ToolChoice;

std::vector<Role> roles(const std::vector<llm::Message>& messages) {
  std::vector<Role> roles;
  for (const llm::Message& message : messages) roles.push_back(message.role);
  return roles;
}

void expect_valid(const StepByHand& run) {
  expect_valid_events(run.all());
  expect_valid_history(run.kept_messages());
  if (run.generations() > 0) {
    std::vector<llm::Message> sent = run.request().messages;
    expect_valid_history(sent);
  }
}

TEST(Run, answers_a_question) {
  StepByHand run({.instructions = "be brief"});
  run.start("hello");
  ASSERT_EQ(run.generations(), 1);
  EXPECT_EQ(roles(run.request().messages), (std::vector{Role::system, Role::user}));
  EXPECT_EQ(run.request().tools.size(), 3u);
  run.text("good ");
  run.text("day");
  run.end(FinishReason::stop);
  EXPECT_TRUE(run.run().finished());
  EXPECT_EQ(run.finish().status, "completed");
  EXPECT_EQ(run.finish().reason, "");
  EXPECT_EQ(run.finish().usage["output_tokens"], 1);
  const auto messages = run.kept_messages();
  ASSERT_EQ(messages.size(), 2u);
  EXPECT_EQ(messages[0].content, "hello");
  EXPECT_EQ(messages[1].content, "good day");
  EXPECT_EQ(run.events("response.completed").front()["response"]["output"][0]["content"][0]["text"], "good day");
  expect_valid(run);
}

TEST(Run, tells_its_events_in_the_order_of_the_protocol) {
  StepByHand run;
  run.start();
  run.answer("yes");
  std::vector<std::string> types;
  for (const EmitEvent& event : run.all_of<EmitEvent>()) types.push_back(event.type);
  EXPECT_EQ(types, (std::vector<std::string>{"response.created", "response.in_progress", "response.output_item.added",
                                             "response.content_part.added", "response.output_text.delta", "response.output_text.done",
                                             "response.content_part.done", "response.output_item.done", "response.completed"}));
}

TEST(Run, sends_results_back_in_the_order_of_the_calls) {
  StepByHand run;
  run.start();
  run.calls({call_of("a", "add", {{"x", 1}}), call_of("b", "time"), call_of("c", "wait")});
  EXPECT_EQ(run.started(), (std::vector<std::string>{"a", "b", "c"}));
  run.result("c", "third");
  run.result("a", "first");
  EXPECT_EQ(run.generations(), 1);
  run.result("b", "second");
  ASSERT_EQ(run.generations(), 2);
  const auto messages = run.request().messages;
  ASSERT_EQ(messages.size(), 5u);
  EXPECT_EQ(messages[1].tool_calls.size(), 3u);
  EXPECT_EQ(messages[2].content, "first");
  EXPECT_EQ(messages[3].content, "second");
  EXPECT_EQ(messages[4].content, "third");
  run.answer("done");
  EXPECT_EQ(run.kept_messages().size(), 6u);
  expect_valid(run);
}

TEST(Run, shows_a_result_as_soon_as_it_is_there) {
  StepByHand run;
  run.start();
  run.calls({call_of("a", "add"), call_of("b", "time")});
  run.result("b", "noon");
  const auto completed = run.events("response.mcp_call.completed");
  ASSERT_EQ(completed.size(), 1u);
  EXPECT_EQ(completed[0]["output_index"], 1);
  const auto done = run.events("response.output_item.done");
  ASSERT_EQ(done.size(), 1u);
  EXPECT_EQ(done[0]["item"]["output"], "noon");
}

TEST(Run, runs_calls_one_after_the_other_when_asked_to) {
  StepByHand run({.turn = {.parallel_tool_calls = false}});
  run.start();
  run.calls({call_of("a", "add"), call_of("b", "nothing"), call_of("c", "time")});
  EXPECT_EQ(run.started(), std::vector<std::string>{"a"});
  run.result("a", "1");
  EXPECT_EQ(run.started(), (std::vector<std::string>{"a", "c"}));
  run.result("c", "2");
  EXPECT_EQ(run.generations(), 2);
  expect_valid_history(run.request().messages);
}

TEST(Run, takes_a_result_only_once_and_only_of_a_running_call) {
  StepByHand run;
  run.start();
  run.result("a", "too early");
  run.calls({call_of("a", "add"), call_of("b", "time")});
  run.result("a", "1");
  run.result("a", "again");
  run.result("x", "of no call");
  run.result("b", "2");
  EXPECT_EQ(run.request().messages[2].content, "1");
  run.result("b", "late");
  run.answer("done");
  expect_valid(run);
}

TEST(Run, tells_the_model_which_tools_there_are_when_it_calls_another) {
  StepByHand run;
  run.start();
  run.calls({call_of("a", "subtract")});
  EXPECT_TRUE(run.started().empty());
  ASSERT_EQ(run.generations(), 2);
  const std::string result = run.request().messages.back().content;
  EXPECT_NE(result.find("subtract"), std::string::npos);
  EXPECT_NE(result.find("add, time, wait"), std::string::npos);
  EXPECT_EQ(run.events("response.mcp_call.failed").size(), 1u);
  expect_valid(run);
}

TEST(Run, answers_a_repeated_call_with_the_earlier_result_and_then_wants_an_answer) {
  StepByHand run;
  run.start();
  run.calls({call_of("a", "add", {{"x", 1}})});
  run.result("a", "two");
  run.calls({call_of("b", "add", {{"x", 1}})});
  EXPECT_EQ(run.started(), std::vector<std::string>{"a"});
  ASSERT_EQ(run.generations(), 3);
  const std::string again = run.request().messages.back().content;
  EXPECT_EQ(again.find("two\n"), 0u);
  EXPECT_NE(again.find("not run again"), std::string::npos);
  EXPECT_EQ(run.request().turn.tool_choice.mode, ToolChoice::Mode::none);
  run.answer("it is two");
  EXPECT_EQ(run.finish().status, "completed");
  expect_valid(run);
}

TEST(Run, ends_when_the_model_repeats_itself_a_second_time) {
  StepByHand run;
  run.start();
  run.calls({call_of("a", "add")});
  run.result("a", "two");
  run.calls({call_of("b", "add")});
  run.calls({call_of("c", "add")});
  EXPECT_EQ(run.finish().status, "incomplete");
  EXPECT_EQ(run.finish().reason, "repeated_calls");
  EXPECT_EQ(run.started().size(), 1u);
  expect_valid(run);
}

TEST(Run, allows_more_repeats_when_configured_and_counts_only_those_in_a_row) {
  StepByHand run({.max_repeating_turns = 2});
  run.start();
  run.calls({call_of("a", "add")});
  run.result("a", "1");
  run.calls({call_of("b", "add")});
  EXPECT_EQ(run.request().turn.tool_choice.mode, ToolChoice::Mode::automatic);
  run.calls({call_of("c", "time")});
  run.result("c", "noon");
  run.calls({call_of("d", "time")});
  EXPECT_EQ(run.request().turn.tool_choice.mode, ToolChoice::Mode::automatic);
  run.calls({call_of("e", "time")});
  EXPECT_EQ(run.request().turn.tool_choice.mode, ToolChoice::Mode::none);
}

TEST(Run, runs_a_call_again_after_something_new_has_happened) {
  // Tests, an edit, the same tests: the second run of the tests is not a repeat.
  StepByHand run;
  run.start();
  run.calls({call_of("a", "add")});
  run.result("a", "red");
  run.calls({call_of("b", "time")});
  run.result("b", "noon");
  run.calls({call_of("c", "add")});
  EXPECT_EQ(run.started(), (std::vector<std::string>{"a", "b", "c"}));
  run.result("c", "green");
  run.calls({call_of("d", "time")});  // nothing is new since the last such call
  EXPECT_EQ(run.started().size(), 3u);
  run.answer("green");
  expect_valid(run);
}

TEST(Run, sees_a_loop_of_two_alternating_calls) {
  StepByHand run;
  run.start();
  for (int i = 0; i < 20 && !run.run().finished(); ++i) {
    const std::string id = "call" + std::to_string(i);
    run.calls({call_of(id, i % 2 == 0 ? "add" : "time")});
    run.result(id, "same");
  }
  EXPECT_EQ(run.finish().reason, "repeated_calls");
  EXPECT_LE(run.started().size(), 3u);
}

TEST(Run, runs_the_same_call_of_one_answer_once) {
  StepByHand run;
  run.start();
  run.calls({call_of("a", "add"), call_of("b", "add")});
  EXPECT_EQ(run.started(), std::vector<std::string>{"a"});
  run.result("a", "1");
  EXPECT_EQ(run.generations(), 2);
  EXPECT_EQ(run.request().turn.tool_choice.mode, ToolChoice::Mode::automatic);
  expect_valid_history(run.request().messages);
}

TEST(Run, does_not_take_other_arguments_for_a_repeat) {
  StepByHand run;
  run.start();
  run.calls({call_of("a", "add", {{"x", 1}})});
  run.result("a", "1");
  run.calls({call_of("b", "add", {{"x", 2}})});
  EXPECT_EQ(run.started().size(), 2u);
}

TEST(Run, gives_every_call_an_id_of_its_own) {
  CallItem earlier{.id = "i", .call_id = "x", .name = "add", .arguments = "{}", .status = "completed", .result = "1", .turn = 1};
  StepByHand run({.history = {{"resp_0", user_message_item("u", "q"), {}}, {"resp_0", call_item(earlier), {}}}});
  run.start();
  run.calls({call_of("x", "add", {{"x", 1}}), call_of("", "time"), call_of("y", "wait"), call_of("y", "wait", {{"s", 2}})});
  const auto ids = run.started();
  EXPECT_EQ((std::set<std::string>(ids.begin(), ids.end()).size()), 4u);
  EXPECT_NE(ids[0], "x");
  EXPECT_EQ(ids[2], "y");
  for (const std::string& id : ids) run.result(id, "ok");
  expect_valid_history(run.request().messages);
}

TEST(Run, keeps_only_objects_as_arguments) {
  StepByHand run;
  run.start();
  run.calls({call_of("a", "add", Json::array({1, 2}))});
  EXPECT_TRUE(run.started().empty());
  ASSERT_EQ(run.generations(), 2);
  EXPECT_NE(run.request().messages.back().content.find("must be a JSON object, not [1,2]"), std::string::npos);
  expect_valid(run);
}

// ---- budgets

TEST(Run, asks_for_a_last_answer_when_the_turns_are_used_up) {
  StepByHand run({.budgets = {.max_turns = 2}});
  run.start();
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(run.request().turn.tool_choice.mode, ToolChoice::Mode::automatic);
    const std::string id = "c" + std::to_string(i);
    run.calls({call_of(id, "add", {{"x", i}})});
    run.result(id, "1");
  }
  EXPECT_EQ(run.request().turn.tool_choice.mode, ToolChoice::Mode::none);
  run.answer("what I know so far");
  EXPECT_EQ(run.finish().status, "incomplete");
  EXPECT_EQ(run.finish().reason, "max_turns");
  EXPECT_EQ(run.kept_messages().back().content, "what I know so far");
  EXPECT_EQ(run.events("response.incomplete").front()["response"]["incomplete_details"]["reason"], "max_turns");
  expect_valid(run);
}

TEST(Run, runs_no_call_of_the_last_answer) {
  StepByHand run({.budgets = {.max_turns = 0}});
  run.start();
  run.calls({call_of("a", "add")});
  EXPECT_TRUE(run.started().empty());
  EXPECT_EQ(run.finish().reason, "max_turns");
  expect_valid(run);
}

TEST(Run, answers_calls_beyond_the_budget_and_asks_for_a_last_answer) {
  StepByHand run({.budgets = {.max_tool_calls = 1}});
  run.start();
  run.calls({call_of("a", "add"), call_of("b", "time")});
  EXPECT_EQ(run.started(), std::vector<std::string>{"a"});
  run.result("a", "1");
  EXPECT_EQ(run.request().turn.tool_choice.mode, ToolChoice::Mode::none);
  EXPECT_NE(run.request().messages.back().content.find("budget of 1 tool call"), std::string::npos);
  run.answer("1");
  EXPECT_EQ(run.finish().reason, "max_tool_calls");
  expect_valid(run);
}

TEST(Run, ends_when_no_token_is_left) {
  StepByHand run({.turn = {.max_output_tokens = 80}, .budgets = {.max_output_tokens = 100}});
  run.start();
  EXPECT_EQ(run.request().turn.max_output_tokens, 80);
  run.call(0, call_of("a", "add"));
  run.end(FinishReason::tool_calls, 70);
  run.result("a", "1");
  EXPECT_EQ(run.request().turn.max_output_tokens, 30);
  run.call(0, call_of("b", "time"));
  run.end(FinishReason::tool_calls, 30);
  run.result("b", "noon");
  EXPECT_EQ(run.generations(), 2);
  EXPECT_EQ(run.finish().reason, "max_output_tokens");
  EXPECT_EQ(run.finish().usage["output_tokens"], 100);
  expect_valid(run);
}

TEST(Run, is_incomplete_when_an_answer_is_cut_by_its_length) {
  StepByHand run;
  run.start();
  run.text("and then");
  run.end(FinishReason::length);
  EXPECT_EQ(run.finish().status, "incomplete");
  EXPECT_EQ(run.finish().reason, "max_output_tokens");
  EXPECT_EQ(run.events("response.output_item.done").front()["item"]["status"], "incomplete");
  expect_valid(run);
}

TEST(Run, forgets_a_call_that_the_length_cut_in_two) {
  StepByHand run;
  run.start();
  run.text("let me see");
  run.open(0, call_of("a", "add"));
  llm::Finished end;
  end.reason = FinishReason::length;
  end.raw.ids = {1, 2, 3};
  run.end(end);
  EXPECT_EQ(run.finish().reason, "max_output_tokens");
  EXPECT_EQ(run.kept_messages().back().content, "let me see");
  EXPECT_FALSE(run.kept_messages().back().raw.has_value());  // the tokens contain half a call
  expect_valid(run);
}

TEST(Run, shows_of_a_call_that_was_cut_what_was_streamed_of_it) {
  StepByHand run;
  run.start();
  run.say(llm::CallStarted{0, "a", "add"});
  run.say(llm::CallArguments{0, "{\"a\":"});
  run.say(llm::CallArguments{0, "1"});
  run.end(FinishReason::length);
  const Json item = run.events("response.output_item.done").back()["item"];
  EXPECT_EQ(item["status"], "incomplete");
  EXPECT_EQ(item["arguments"], "{\"a\":1");
}

TEST(Run, asks_for_a_last_answer_when_the_time_is_used_up) {
  StepByHand run({.budgets = {.max_milliseconds = 1000}});
  run.start();
  run.calls({call_of("a", "add")});
  run.now += 1500;
  run.result("a", "1");
  EXPECT_EQ(run.request().turn.tool_choice.mode, ToolChoice::Mode::none);
  run.answer("1");
  EXPECT_EQ(run.finish().reason, "max_milliseconds");
  expect_valid(run);
}

TEST(Run, cuts_off_tools_when_the_time_is_used_up) {
  StepByHand run({.budgets = {.max_milliseconds = 1000}});
  run.start();
  run.calls({call_of("a", "add"), call_of("b", "wait")});
  run.result("a", "1");
  run.now += 999;
  run.tick();
  EXPECT_TRUE(run.all_of<CancelTool>().empty());
  run.now += 1;
  run.tick();
  ASSERT_EQ(run.all_of<CancelTool>().size(), 1u);
  EXPECT_EQ(run.all_of<CancelTool>()[0].call_id, "b");
  EXPECT_EQ(run.request().turn.tool_choice.mode, ToolChoice::Mode::none);
  run.answer("only the first came");
  EXPECT_EQ(run.finish().reason, "max_milliseconds");
  expect_valid(run);
}

TEST(Run, a_clock_that_is_set_ten_days_forth_or_back_ends_nothing) {
  for (const std::int64_t days : {10, -10}) {
    StepByHand run({.budgets = {.max_milliseconds = 1000}});
    run.start();
    run.calls({call_of("a", "add")});
    run.wall_step = days * 24 * 3600 * 1000;
    run.tick();
    run.result("a", "1");
    EXPECT_NE(run.request().turn.tool_choice.mode, ToolChoice::Mode::none);
    run.answer("1");
    EXPECT_EQ(run.finish().status, "completed");
  }
}

TEST(Run, what_earlier_processes_spent_of_the_time_is_spent) {
  StepByHand run({.budgets = {.max_milliseconds = 1000}, .spent_ms = 900});
  run.start();
  run.calls({call_of("a", "add")});
  run.now += 99;
  run.tick();
  EXPECT_TRUE(run.all_of<CancelTool>().empty());
  run.now += 1;
  run.tick();
  EXPECT_EQ(run.all_of<CancelTool>().size(), 1u);
}

TEST(Run, cuts_off_the_answer_itself_at_twice_the_time) {
  StepByHand run({.budgets = {.max_milliseconds = 1000}});
  run.start();
  run.text("once upon");
  run.now += 1999;
  run.tick();
  EXPECT_FALSE(run.run().finished());
  run.now += 1;
  run.tick();
  EXPECT_EQ(run.all_of<CancelGeneration>().size(), 1u);
  EXPECT_EQ(run.finish().reason, "max_milliseconds");
  EXPECT_EQ(run.kept_messages().back().content, "once upon");
  expect_valid(run);
}

// ---- steering during a run

TEST(Run, leaves_no_empty_answer_when_it_is_steered_before_the_first_word) {
  StepByHand run;
  run.start("first");
  run.steer("steer_1", "second");
  EXPECT_EQ(run.all_of<CancelGeneration>().size(), 1u);
  run.end(FinishReason::cancelled);
  EXPECT_EQ(run.finish().reason, "steered");
  EXPECT_EQ(roles(run.kept_messages()), (std::vector{Role::user}));
}

TEST(Run, keeps_the_text_that_was_on_its_way_when_it_was_steered) {
  StepByHand run;
  run.start("first");
  run.text("once upon");
  run.steer("steer_1", "second");
  run.text(" a time");
  run.end(FinishReason::cancelled);
  EXPECT_EQ(run.generations(), 1);
  EXPECT_EQ(run.finish().reason, "steered");
  EXPECT_EQ(run.kept_messages().back().content, "once upon a time");
  expect_valid(run);
}

TEST(Run, does_not_run_calls_that_were_written_after_it_was_steered) {
  StepByHand run;
  run.start("first");
  run.text("let me see");
  run.steer("steer_1", "no");
  run.call(0, call_of("a", "add"));
  run.open(1, call_of("b", "time"));
  run.end(FinishReason::cancelled);
  EXPECT_TRUE(run.started().empty());
  EXPECT_EQ(run.generations(), 1);
  EXPECT_EQ(run.finish().reason, "steered");
  expect_valid(run);
}

// ---- mistakes and failures

TEST(Run, tells_the_model_what_is_wrong_with_a_call_that_cannot_be_read) {
  StepByHand run;
  run.start();
  run.text("{\"name\":");
  llm::Finished end;
  end.malformed_call = "the call of add cannot be read: it ends early";
  run.end(end);
  ASSERT_EQ(run.generations(), 2);
  EXPECT_NE(run.request().messages.back().content.find("it ends early"), std::string::npos);
  run.calls({call_of("a", "add")});
  run.result("a", "1");
  run.answer("1");
  EXPECT_EQ(run.finish().status, "completed");
  expect_valid(run);
}

TEST(Run, gives_up_on_a_model_that_cannot_write_a_call) {
  StepByHand run;
  run.start();
  for (int i = 0; i < 10 && !run.run().finished(); ++i) {
    llm::Finished end;
    end.malformed_call = "broken";
    run.text("{");
    run.end(end);
  }
  EXPECT_EQ(run.finish().reason, "malformed_call");
  EXPECT_EQ(run.generations(), 3);
  expect_valid(run);
}

TEST(Run, fails_when_the_generator_fails) {
  StepByHand run;
  run.start();
  run.text("I th");
  llm::Finished end;
  end.reason = FinishReason::error;
  end.error = llm::Error{llm::errc::context_overflow, "the prompt has 9000 tokens, the context 8192"};
  run.end(end);
  EXPECT_EQ(run.finish().status, "failed");
  EXPECT_EQ(run.finish().reason, "the prompt has 9000 tokens, the context 8192");
  const Json response = run.events("response.failed").front()["response"];
  EXPECT_EQ(response["error"]["message"], "the prompt has 9000 tokens, the context 8192");
  EXPECT_EQ(response["error"]["code"], "context_length_exceeded");
  EXPECT_EQ(run.kept_messages().back().content, "I th");
  expect_valid(run);
}

TEST(Run, takes_an_answer_of_nothing_for_an_answer) {
  StepByHand run;
  run.start();
  llm::Finished end;
  end.raw.ids = {2};
  run.end(end);
  EXPECT_EQ(run.finish().status, "completed");
  ASSERT_EQ(run.kept_messages().size(), 2u);
  EXPECT_EQ(run.kept_messages()[1].content, "");
  EXPECT_EQ(run.kept_messages()[1].raw->ids, std::vector<std::int32_t>{2});
  expect_valid(run);
}

// ---- its output

TEST(Run, shows_reasoning_and_text_as_items_of_their_own) {
  StepByHand run;
  run.start();
  run.reasoning("hm");
  run.text("one");
  run.reasoning("well");
  run.text("two");
  run.end(FinishReason::stop);
  const Json output = run.events("response.completed").front()["response"]["output"];
  ASSERT_EQ(output.size(), 4u);
  EXPECT_EQ(output[0]["type"], "reasoning");
  EXPECT_EQ(output[0]["content"][0]["text"], "hm");
  EXPECT_EQ(output[1]["content"][0]["text"], "one");
  EXPECT_EQ(output[2]["content"][0]["text"], "well");
  EXPECT_EQ(output[3]["content"][0]["text"], "two");
  ASSERT_EQ(run.kept_messages().size(), 2u);
  EXPECT_EQ(run.kept_messages()[1].content, "onetwo");
  EXPECT_EQ(run.kept_messages()[1].reasoning, "hmwell");
  expect_valid(run);
}

TEST(Run, keeps_the_tokens_of_a_turn_on_one_item) {
  StepByHand run;
  run.start();
  run.text("let me add");
  run.call(0, call_of("a", "add"));
  run.call(1, call_of("b", "time"));
  llm::Finished end;
  end.reason = FinishReason::tool_calls;
  end.raw.ids = {7, 8, 9};
  run.end(end);
  run.result("b", "noon");
  run.result("a", "1");
  EXPECT_EQ(run.request().messages[1].raw->ids, (std::vector<std::int32_t>{7, 8, 9}));
  int with_tokens = 0;
  for (const KeepItem& item : run.all_of<KeepItem>()) with_tokens += item.raw.ids.empty() ? 0 : 1;
  EXPECT_EQ(with_tokens, 1);
  EXPECT_EQ(run.kept_messages()[1].raw->ids, (std::vector<std::int32_t>{7, 8, 9}));
}

TEST(Run, later_runs_read_what_this_one_sent) {
  StepByHand run;
  run.start("q");
  run.text("let me see");
  run.call(0, call_of("a", "add", {{"x", 1}}));
  run.call(1, call_of("b", "nothing"));
  run.end(FinishReason::tool_calls);
  run.result("a", "1");
  const std::vector<llm::Message> sent = run.request().messages, kept = run.kept_messages();
  ASSERT_EQ(sent.size(), kept.size());
  for (std::size_t i = 0; i < sent.size(); ++i) {
    EXPECT_EQ(sent[i].role, kept[i].role);
    EXPECT_EQ(sent[i].content, kept[i].content);
    EXPECT_EQ(sent[i].tool_call_id, kept[i].tool_call_id);
    ASSERT_EQ(sent[i].tool_calls.size(), kept[i].tool_calls.size());
    for (std::size_t k = 0; k < sent[i].tool_calls.size(); ++k) EXPECT_EQ(sent[i].tool_calls[k].arguments, kept[i].tool_calls[k].arguments);
  }
}

TEST(Run, puts_the_hint_after_good_results_only_and_keeps_it_out_of_the_history) {
  StepByHand run({.after_tools = "Now answer: {question}"});
  run.start("q?");
  EXPECT_EQ(run.request().messages.back().content, "q?");
  run.calls({call_of("a", "add")});
  run.result("a", "1");
  EXPECT_EQ(run.request().messages.back().content, "Now answer: q?");
  run.calls({call_of("b", "time")});
  run.result("b", "no clock", true);
  EXPECT_EQ(run.request().messages.back().content, "no clock");
  for (const llm::Message& message : run.kept_messages()) EXPECT_EQ(message.content.find("Now answer"), std::string::npos);
}

TEST(Run, honours_the_tool_choice_in_the_first_turn_only) {
  StepByHand run({.turn = {.tool_choice = {.mode = ToolChoice::Mode::named, .name = "add"}}});
  run.start();
  EXPECT_EQ(run.request().turn.tool_choice.name, "add");
  run.calls({call_of("a", "add")});
  run.result("a", "1");
  EXPECT_EQ(run.request().turn.tool_choice.mode, ToolChoice::Mode::automatic);
}

TEST(Run, makes_an_idempotency_key_of_run_and_call) {
  StepByHand run;
  run.start();
  run.calls({call_of("a", "add")});
  EXPECT_EQ(run.all_of<StartTool>()[0].idempotency_key, "resp_1/a");
}

// ---- cancel and failure, whenever they come

// A conversation with all kinds of events; each step may be the last before `cut`.
std::vector<std::function<void(StepByHand&)>> eventful_run() {
  return {
      [](StepByHand& r) { r.start(); },
      [](StepByHand& r) { r.reasoning("hm"); },
      [](StepByHand& r) { r.text("let me see"); },
      [](StepByHand& r) { r.call(0, call_of("a", "add")); },
      [](StepByHand& r) { r.open(1, call_of("b", "time")); },
      [](StepByHand& r) { r.call(2, call_of("c", "wait")); },
      [](StepByHand& r) { r.end(FinishReason::tool_calls); },
      [](StepByHand& r) { r.result("c", "3"); },
      [](StepByHand& r) { r.result("a", "1", true); },
      [](StepByHand& r) { r.call(0, call_of("d", "wait")); },
      [](StepByHand& r) { r.call(1, call_of("e", "nowhere")); },
      [](StepByHand& r) { r.end(FinishReason::tool_calls); },
      [](StepByHand& r) { r.result("d", "waited"); },
      [](StepByHand& r) { r.text("all"); },
      [](StepByHand& r) { r.text(" done"); },
      [](StepByHand& r) { r.end(FinishReason::stop); },
  };
}

void cut_everywhere(const std::function<void(StepByHand&)>& cut, const std::string& status, const std::string& reason) {
  const auto steps = eventful_run();
  for (std::size_t n = 1; n < steps.size(); ++n) {
    SCOPED_TRACE("cut after step " + std::to_string(n));
    StepByHand run;
    for (std::size_t i = 0; i < n; ++i) steps[i](run);
    ASSERT_FALSE(run.run().finished());
    cut(run);
    EXPECT_EQ(run.finish().status, status);
    EXPECT_EQ(run.finish().reason, reason);
    const std::size_t size = run.all().size();
    for (std::size_t i = 0; i < steps.size(); ++i) steps[i](run);  // later events have no effect any more
    EXPECT_EQ(run.all().size(), size);
    expect_valid(run);
  }
}

TEST(Run, ends_as_it_should_when_nobody_cuts_it) {
  StepByHand run;
  for (const auto& step : eventful_run()) step(run);
  EXPECT_EQ(run.finish().status, "completed");
  expect_valid(run);
}

TEST(Run, leaves_a_valid_history_whenever_it_is_cancelled) {
  cut_everywhere([](StepByHand& r) { r.cancel(); }, "cancelled", "cancelled");
}

TEST(Run, leaves_a_valid_history_whenever_it_fails) {
  cut_everywhere([](StepByHand& r) { r.fail("the disk is gone"); }, "failed", "the disk is gone");
}

TEST(Run, leaves_a_valid_history_whenever_its_time_ends) {
  cut_everywhere(
      [](StepByHand& r) {
        r.now += 2'000'000;
        r.tick();
      },
      "incomplete", "max_milliseconds");
}

TEST(Run, cancels_what_is_under_way) {
  StepByHand generating;
  generating.start();
  generating.cancel();
  EXPECT_EQ(generating.all_of<CancelGeneration>().size(), 1u);
  EXPECT_EQ(generating.events("response.incomplete").front()["response"]["status"], "cancelled");

  StepByHand calling;
  calling.start();
  calling.calls({call_of("a", "add"), call_of("b", "time")});
  calling.result("b", "noon");
  calling.cancel();
  ASSERT_EQ(calling.all_of<CancelTool>().size(), 1u);
  EXPECT_EQ(calling.all_of<CancelTool>()[0].call_id, "a");
  EXPECT_NE(calling.kept_messages()[2].content.find("may or may not"), std::string::npos);
  EXPECT_EQ(calling.kept_messages()[3].content, "noon");
}

}  // namespace
}  // namespace baton::agent
