// Calls that wait for the client or the user: the client's functions, and tools that the user must approve.
#include <gmock/gmock.h>

#include "run_fixture.h"

namespace baton::agent {
namespace {

using testing::HasSubstr;

RunConfig with_client_function() {
  RunConfig config;
  config.tools = {{"add", "", {{"type", "object"}}}, {"shop", "", {{"type", "object"}}}};
  config.client_tools = {"shop"};
  return config;
}
RunConfig asking(std::vector<StoredItem> history = {}) {
  RunConfig config;
  config.history = std::move(history);
  config.ask_before = {"wait"};
  return config;
}
Json output_of(const std::string& call_id, const std::string& text) {
  return {{"type", "function_call_output"}, {"call_id", call_id}, {"output", text}};
}
Json approval_of(const Json& request, bool approve) {
  return {{"type", "mcp_approval_response"}, {"approval_request_id", request["id"]}, {"approve", approve}};
}
std::vector<Json> outputs_of_type(const StepByHand& run, const std::string& type) {
  std::vector<Json> found;
  const std::vector<Json> ended = run.events("response.completed");
  EXPECT_EQ(ended.size(), 1u);
  for (const Json& item : ended.at(0)["response"]["output"]) {
    if (item["type"] == type) found.push_back(item);
  }
  return found;
}

TEST(WaitingCalls, a_function_of_the_clients_ends_the_run_and_its_output_goes_on) {
  StepByHand run(with_client_function());
  run.start("buy milk");
  run.calls({call_of("c1", "shop", {{"what", "milk"}})});
  EXPECT_EQ(run.finish().status, "completed");
  EXPECT_TRUE(run.started().empty()) << "the daemon runs nothing";
  const auto calls = outputs_of_type(run, "function_call");
  ASSERT_EQ(calls.size(), 1u);
  EXPECT_EQ(calls[0]["call_id"], "c1");
  EXPECT_EQ(calls[0]["arguments"], R"({"what":"milk"})");
  EXPECT_EQ(calls[0]["status"], "completed");
  EXPECT_EQ(run.finish().required_input, (Json::array({{{"type", "function_call_output"}, {"call_id", "c1"}, {"name", "shop"}}})));
  expect_valid_events(run.all());

  RunConfig next = with_client_function();
  next.history = run.kept_items();
  StepByHand second(std::move(next));
  second.start_with({output_of("c1", "bought")});
  const auto messages = second.request().messages;
  ASSERT_EQ(messages.size(), 3u);
  EXPECT_EQ(messages[1].tool_calls.at(0).name, "shop");
  EXPECT_EQ(messages[2].role, llm::Role::tool);
  EXPECT_EQ(messages[2].content, "bought");
  second.answer("Done.");
  EXPECT_EQ(second.finish().status, "completed");
}

// The items of a client that keeps the conversation itself.
std::vector<Json> bought(const std::string& what, const std::string& result) {
  const Json call = {{"type", "function_call"}, {"call_id", what}, {"name", "shop"}, {"arguments", Json{{"what", what}}.dump()}};
  return {user_message_item("", "buy " + what), call, output_of(what, result)};
}

TEST(WaitingCalls, the_hint_comes_after_results_of_the_clients_functions_too) {
  RunConfig config = with_client_function();
  config.after_tools = "Now answer: {question}";
  StepByHand run(config);
  run.start_with(bought("milk", "bought"));
  EXPECT_EQ(run.request().messages.back().content, "Now answer: buy milk");
  run.answer("Done.");

  config.history = run.kept_items();
  StepByHand later(config);
  later.start("and bread?");
  EXPECT_EQ(later.request().messages.back().content, "and bread?");
  later.calls({call_of("c2", "shop", {{"what", "bread"}})});
  for (const StoredItem& item : later.kept_items()) config.history.push_back(item);
  StepByHand last(config);
  last.start_with({output_of("c2", "bought")});
  EXPECT_EQ(last.request().messages.back().content, "Now answer: and bread?") << "the question is in the history";
}

TEST(WaitingCalls, no_hint_where_another_call_is_wanted) {
  RunConfig config = with_client_function();
  config.after_tools = "Now answer: {question}";
  config.turn.tool_choice = {.mode = llm::ToolChoice::Mode::required, .name = {}};
  StepByHand run(config);
  run.start_with(bought("milk", "bought"));
  EXPECT_EQ(run.request().messages.back().content, "bought");
  run.calls({call_of("c2", "shop", {{"what", "milk"}})});
  EXPECT_EQ(outputs_of_type(run, "function_call").size(), 1u) << "the client wants a call, so it gets the same one again";
}

TEST(WaitingCalls, a_call_whose_result_the_client_has_given_is_not_handed_to_it_again) {
  StepByHand run(with_client_function());
  run.start_with(bought("milk", "bought"));
  run.say(llm::CallStarted{.index = 0, .id = "c2", .name = "shop", .fits = true});
  EXPECT_TRUE(run.events("response.output_item.added").empty()) << "it may be the same call";
  run.say(llm::CallArguments{0, R"({"what":"milk"})"});
  run.say(llm::CallFinished{0, call_of("c2", "shop", {{"what", "milk"}}), 0.5});
  run.end(llm::FinishReason::tool_calls);
  EXPECT_THAT(run.request().messages.back().content, HasSubstr("not run again"));
  EXPECT_EQ(run.request().turn.tool_choice.mode, llm::ToolChoice::Mode::none);
  run.answer("You have milk.");
  EXPECT_EQ(run.finish().status, "completed");
  EXPECT_TRUE(outputs_of_type(run, "function_call").empty());
  expect_valid_events(run.all());
  expect_valid_history(run.kept_messages());
}

// A client may poll: its function has the same name and arguments every time, but different results.
TEST(WaitingCalls, a_call_whose_last_two_results_differ_is_handed_to_the_client_again) {
  const auto after = [](const std::vector<std::string>& results) {
    std::vector<Json> input = {user_message_item("", "tell me when it is done")};
    for (std::size_t i = 0; i < results.size(); ++i) {
      const std::string id = "c" + std::to_string(i);
      input.push_back({{"type", "function_call"}, {"call_id", id}, {"name", "shop"}, {"arguments", "{}"}});
      input.push_back(output_of(id, results[i]));
    }
    StepByHand run(with_client_function());
    run.start_with(input);
    run.say(llm::CallStarted{.index = 0, .id = "next", .name = "shop", .fits = true});
    const bool shown_at_once = !run.events("response.output_item.added").empty();
    run.say(llm::CallFinished{0, call_of("next", "shop"), 0.5});
    run.end(llm::FinishReason::tool_calls);
    const bool handed_over = !run.all_of<FinishRun>().empty();
    EXPECT_EQ(shown_at_once, handed_over);
    return handed_over;
  };
  EXPECT_TRUE(after({"10 %", "20 %"}));
  EXPECT_TRUE(after({"10 %", "20 %", "10 %"}));
  EXPECT_FALSE(after({"10 %"}));
  EXPECT_FALSE(after({"10 %", "10 %"}));
  EXPECT_FALSE(after({"10 %", "20 %", "20 %"})) << "nothing changes any more";
}

TEST(WaitingCalls, what_is_shown_while_it_is_written_is_handed_over) {
  RunConfig config = with_client_function();
  config.turn.tool_choice = {.mode = llm::ToolChoice::Mode::required, .name = {}};
  StepByHand run(config);
  run.start_with(bought("milk", "bought"));
  const std::vector<llm::ToolCall> calls = {call_of("c2", "shop", {{"what", "bread"}}), call_of("c3", "shop", {{"what", "milk"}})};
  for (int i = 0; i < 2; ++i) {
    const llm::ToolCall& call = calls[static_cast<std::size_t>(i)];
    run.say(llm::CallStarted{.index = i, .id = call.id, .name = call.name, .fits = true});
    run.say(llm::CallArguments{i, call.arguments.dump()});
    run.say(llm::CallFinished{i, call, 0.5});
  }
  run.end(llm::FinishReason::tool_calls);
  EXPECT_EQ(outputs_of_type(run, "function_call").size(), 2u);
  EXPECT_EQ(run.finish().required_input.size(), 2u);
}

TEST(WaitingCalls, of_calls_that_were_answered_together_none_is_new_after_another) {
  StepByHand run(with_client_function());
  std::vector<Json> input = bought("milk", "bought"), bread = bought("bread", "sold out");
  input.insert(input.begin() + 2, bread[1]);  // both calls, then both results
  input.push_back(bread[2]);
  run.start_with(input);
  run.calls({call_of("c2", "shop", {{"what", "milk"}}), call_of("c3", "shop", {{"what", "bread"}})});
  EXPECT_EQ(run.generations(), 2);
  run.answer("Milk only.");
  EXPECT_TRUE(outputs_of_type(run, "function_call").empty());
}

TEST(WaitingCalls, a_call_that_was_cut_has_no_result_and_may_be_written_again) {
  RunConfig config = with_client_function();
  config.after_tools = "Now answer: {question}";
  std::vector<Json> input = bought("milk", "an error of the client's");
  input[1]["status"] = "incomplete";
  StepByHand run(config);
  run.start_with(input);
  EXPECT_EQ(run.request().messages.back().content.find("Now answer"), std::string::npos);
  run.calls({call_of("c2", "shop", {{"what", "milk"}})});
  EXPECT_EQ(outputs_of_type(run, "function_call").size(), 1u);
}

TEST(WaitingCalls, other_arguments_and_calls_after_a_new_message_are_handed_over) {
  StepByHand other(with_client_function());
  other.start_with(bought("milk", "bought"));
  other.calls({call_of("c2", "shop", {{"what", "bread"}})});
  EXPECT_EQ(outputs_of_type(other, "function_call").size(), 1u);

  RunConfig config = with_client_function();
  std::vector<Json> again = bought("milk", "sold out");
  again.push_back(user_message_item("", "try it again"));
  StepByHand run(config);
  run.start_with(again);
  run.calls({call_of("c2", "shop", {{"what", "milk"}})});
  EXPECT_EQ(outputs_of_type(run, "function_call").size(), 1u);
}

TEST(WaitingCalls, a_running_tool_tells_how_far_it_is_and_one_that_ended_does_not) {
  StepByHand run;
  run.start();
  run.calls({call_of("c1", "wait")});
  run.progress("c1", 0.5, "half");
  run.progress("c1", 7, "more than all");
  run.result("c1", "done");
  run.progress("c1", 1, "late");
  run.answer("ok");
  const auto told = run.events("baton.mcp_call.progress");
  ASSERT_EQ(told.size(), 2u);
  EXPECT_EQ(told[0]["fraction"], 0.5);
  EXPECT_EQ(told[0]["message"], "half");
  EXPECT_EQ(told[1]["fraction"], 1.0);
  expect_valid_events(run.all());
}

TEST(WaitingCalls, a_failed_call_is_run_again_when_the_client_says_so) {
  StepByHand first;
  first.start("how much?");
  first.calls({call_of("c1", "add", {{"a", 1}})});
  first.result("c1", "no network", true);
  first.answer("It did not work.");
  RunConfig config;
  config.history = first.kept_items();
  const auto failed = outputs_of_type(first, "mcp_call");
  ASSERT_EQ(failed.size(), 1u);

  StepByHand again(config);
  again.start_with({{{"type", "baton.retry_tool"}, {"item_id", failed[0]["id"]}}});
  ASSERT_EQ(again.started().size(), 1u);
  const std::string id = again.started()[0];
  EXPECT_NE(id, "c1") << "an invocation of its own";
  EXPECT_EQ(again.all_of<StartTool>()[0].call.arguments, (Json{{"a", 1}}));
  EXPECT_EQ(again.generations(), 0) << "the result comes first";
  again.result(id, "42");
  const auto messages = again.request().messages;
  expect_valid_history(messages);
  EXPECT_EQ(messages.back().content, "42");
  again.answer("42.");
  EXPECT_EQ(again.finish().status, "completed");
  expect_valid_events(again.all());

  std::vector<StoredItem> all = config.history;
  for (const StoredItem& item : again.kept_items()) all.push_back({"resp_2", item.content, item.raw});
  const auto later = messages_from_items(all);
  expect_valid_history(later);
  ASSERT_EQ(later.size(), 7u);  // question, call, failure, text; call, result, text
  EXPECT_EQ(later[5].content, "42");

  // Killed while it ran: the call is found again by its own id.
  Interrupted left;
  left.input = {{{"type", "baton.retry_tool"}, {"item_id", failed[0]["id"]}}};
  StepByHand killed(config);
  killed.start_with(left.input);
  left.events = killed.left_behind().events;
  left.kept = killed.left_behind().kept;
  left.calls[killed.started()[0]] = {.finished = true, .is_error = false, .result = "42"};
  StepByHand resumed(config);
  resumed.resume(left);
  EXPECT_TRUE(resumed.started().empty());
  EXPECT_EQ(resumed.request().messages.back().content, "42");
  expect_valid_history(resumed.request().messages);
}

TEST(WaitingCalls, the_daemons_calls_of_the_same_turn_are_run_first_and_results_keep_the_order_of_the_calls) {
  StepByHand run(with_client_function());
  run.start();
  run.calls({call_of("c1", "shop"), call_of("d1", "add")});
  EXPECT_TRUE(run.all_of<FinishRun>().empty()) << "add is under way";
  run.result("d1", "3");
  EXPECT_EQ(run.finish().status, "completed");
  expect_valid_events(run.all());
  RunConfig next = with_client_function();
  next.history = run.kept_items();
  StepByHand second(std::move(next));
  second.start_with({output_of("c1", "bought")});
  const auto messages = second.request().messages;
  expect_valid_history(messages);
  ASSERT_EQ(messages.size(), 4u);
  EXPECT_EQ(messages[2].content, "bought");
  EXPECT_EQ(messages[3].content, "3");
}

TEST(WaitingCalls, a_call_that_does_not_fit_is_answered_to_the_model_and_never_shown_to_the_client) {
  RunConfig config = with_client_function();
  config.why_refused = [](const llm::ToolCall& call) -> std::optional<std::string> {
    return call.arguments.contains("what") ? std::nullopt : std::optional<std::string>("'what' is missing");
  };
  StepByHand run(std::move(config));
  run.start();
  run.calls({call_of("c1", "shop")});
  EXPECT_EQ(run.generations(), 2) << "the model is asked again";
  EXPECT_THAT(run.request().messages.back().content, HasSubstr("'what' is missing"));
  for (const EmitEvent& event : run.all_of<EmitEvent>())
    EXPECT_THAT(event.data.dump(), testing::Not(HasSubstr("function_call"))) << event.type;
  run.answer("no");
  expect_valid_history(run.kept_messages());
}

TEST(WaitingCalls, a_required_call_is_required_until_one_is_accepted) {
  RunConfig config = with_client_function();
  config.tools.push_back({"look", "", {{"type", "object"}}});
  config.turn.tool_choice = {llm::ToolChoice::Mode::named, "look"};
  config.why_refused = [](const llm::ToolCall& call) -> std::optional<std::string> {
    return call.arguments.contains("what") ? std::nullopt : std::optional<std::string>("'what' is missing");
  };
  StepByHand run(std::move(config));
  run.start();
  run.calls({call_of("c1", "look")});
  ASSERT_EQ(run.generations(), 2);
  EXPECT_EQ(run.request().turn.tool_choice.mode, llm::ToolChoice::Mode::named) << "it was refused";
  EXPECT_EQ(run.request().turn.tool_choice.name, "look");
  run.calls({call_of("c2", "look", {{"what", "tea"}})});
  run.result("c2", "here");
  ASSERT_EQ(run.generations(), 3);
  EXPECT_EQ(run.request().turn.tool_choice.mode, llm::ToolChoice::Mode::automatic);
}

TEST(WaitingCalls, a_required_call_that_is_refused_again_and_again_is_given_up) {
  for (const bool repeats : {true, false}) {
    RunConfig config = with_client_function();
    config.turn.tool_choice.mode = llm::ToolChoice::Mode::required;
    config.why_refused = [](const llm::ToolCall&) { return std::optional<std::string>("never"); };
    StepByHand run(std::move(config));
    run.start();
    for (int i = 1; i <= (repeats ? 2 : 3); ++i) {
      EXPECT_EQ(run.request().turn.tool_choice.mode, llm::ToolChoice::Mode::required);
      run.calls({call_of("c" + std::to_string(i), "shop", {{"n", repeats ? 0 : i}})});
    }
    EXPECT_EQ(run.request().turn.tool_choice.mode, llm::ToolChoice::Mode::none) << "the last turn";
    run.answer("I cannot.");
    EXPECT_EQ(run.finish().status, "incomplete") << "no call was made";
    EXPECT_EQ(run.finish().reason, "malformed_call");
  }
}

TEST(WaitingCalls, a_call_that_will_fit_is_shown_to_the_client_while_it_is_written) {
  StepByHand run(with_client_function());
  run.start();
  const llm::ToolCall call{"call_1", "shop", {{"item", "tea"}}};
  run.say(llm::CallStarted{0, call.id, call.name, true});
  run.say(llm::CallArguments{0, "{\"item\":"});
  EXPECT_EQ(run.events("response.output_item.added").size(), 1u);
  ASSERT_EQ(run.events("response.function_call_arguments.delta").size(), 1u);
  EXPECT_EQ(run.events("response.function_call_arguments.delta")[0]["delta"], "{\"item\":");
  run.say(llm::CallArguments{0, "\"tea\"}"});
  run.say(llm::CallFinished{0, call, 0.5});
  run.end(llm::FinishReason::tool_calls);
  EXPECT_EQ(run.events("response.function_call_arguments.delta").size(), 2u);
  EXPECT_EQ(run.events("response.function_call_arguments.done").size(), 1u);
  ASSERT_EQ(run.events("response.output_item.done").size(), 1u);
  EXPECT_EQ(run.events("response.output_item.done")[0]["item"]["status"], "completed");
}

TEST(WaitingCalls, a_call_that_is_cut_off_is_incomplete_and_in_no_history) {
  for (const bool shown : {true, false}) {
    StepByHand run(with_client_function());
    run.start();
    run.say(llm::CallStarted{0, "call_1", "shop", shown, 0.625});
    run.say(llm::CallArguments{0, "{\"item\":"});
    EXPECT_EQ(run.events("response.output_item.added").size(), shown ? 1u : 0u);
    run.end(llm::FinishReason::length);
    EXPECT_EQ(run.events("response.output_item.added").size(), 1u);
    ASSERT_EQ(run.events("response.output_item.done").size(), 1u);
    EXPECT_EQ(run.events("response.output_item.done")[0]["item"]["status"], "incomplete");
    EXPECT_EQ(run.events("response.output_item.done")[0]["item"]["baton.confidence"], 0.625);
    ASSERT_EQ(run.events("response.incomplete").size(), 1u);
    EXPECT_EQ(run.events("response.incomplete")[0]["response"]["incomplete_details"]["reason"], "max_output_tokens");
    for (const auto& message : messages_from_items(run.kept_items())) EXPECT_TRUE(message.tool_calls.empty());
  }
}

TEST(WaitingCalls, a_conversation_whose_client_never_answered_goes_on) {
  StepByHand run(with_client_function());
  run.start();
  run.calls({call_of("c1", "shop")});
  RunConfig next = with_client_function();
  next.history = run.kept_items();
  StepByHand second(std::move(next));
  second.start("hello?");
  expect_valid_history(second.request().messages);
  EXPECT_THAT(second.request().messages[2].content, HasSubstr("no result"));
}

TEST(WaitingCalls, a_tool_that_asks_ends_the_run_with_a_request_and_runs_when_it_is_approved) {
  StepByHand run(asking());
  run.start();
  run.calls({call_of("c1", "wait", {{"s", 2}})});
  EXPECT_TRUE(run.started().empty());
  const auto requests = outputs_of_type(run, "mcp_approval_request");
  ASSERT_EQ(requests.size(), 1u);
  EXPECT_EQ(requests[0]["name"], "wait");
  EXPECT_EQ(requests[0]["arguments"], R"({"s":2})");
  EXPECT_GT(requests[0]["baton.expires_at"].get<std::int64_t>() * 1000, run.now);
  expect_valid_events(run.all());

  StepByHand second(asking(run.kept_items()));
  second.start_with({approval_of(requests[0], true)});
  ASSERT_EQ(second.started(), std::vector<std::string>{"c1"}) << "before the model is asked anything";
  EXPECT_EQ(second.generations(), 0);
  second.result("c1", "waited");
  EXPECT_EQ(second.generations(), 1);
  const auto messages = second.request().messages;
  expect_valid_history(messages);
  EXPECT_EQ(messages.back().content, "waited");
  second.answer("Done.");
  const auto ran = outputs_of_type(second, "mcp_call");
  ASSERT_EQ(ran.size(), 1u);
  EXPECT_EQ(ran[0]["approval_request_id"], requests[0]["id"]);
  EXPECT_EQ(ran[0]["output"], "waited");
  expect_valid_events(second.all());
  // The same in a third run, which reads everything from the journal.
  auto items = run.kept_items();
  for (const StoredItem& item : second.kept_items()) items.push_back(item);
  const auto later = messages_from_items(items);
  expect_valid_history(later);
  EXPECT_EQ(later[2].content, "waited");
}

TEST(WaitingCalls, an_approval_that_is_replayed_with_what_it_brought_runs_nothing) {
  StepByHand run(asking());
  run.start();
  run.calls({call_of("c1", "wait", {{"s", 2}})});
  const Json request = outputs_of_type(run, "mcp_approval_request").at(0);
  StepByHand second(asking(run.kept_items()));
  second.start_with({approval_of(request, true)});
  ASSERT_EQ(second.started().size(), 1u);
  EXPECT_THAT(second.all_of<StartTool>()[0].idempotency_key, HasSubstr(request["id"].get<std::string>()));
  second.result("c1", "waited");
  second.answer("Done.");
  // A client that keeps the conversation itself sends all of it, and a new message.
  StepByHand third(asking());
  third.start_with({user_message_item("", "question"), request, approval_of(request, true), outputs_of_type(second, "mcp_call").at(0),
                    user_message_item("", "thanks")});
  EXPECT_TRUE(third.started().empty());
  EXPECT_EQ(third.generations(), 1);
  expect_valid_history(third.request().messages);
}

TEST(WaitingCalls, the_same_approval_twice_in_one_input_runs_its_call_once) {
  StepByHand run(asking());
  run.start();
  run.calls({call_of("c1", "wait")});
  const Json yes = approval_of(outputs_of_type(run, "mcp_approval_request").at(0), true);
  StepByHand second(asking(run.kept_items()));
  second.start_with({yes, yes});
  EXPECT_EQ(second.started().size(), 1u);
}

TEST(WaitingCalls, a_refusal_is_read_by_the_model_with_its_reason) {
  StepByHand run(asking());
  run.start();
  run.calls({call_of("c1", "wait")});
  Json no = approval_of(outputs_of_type(run, "mcp_approval_request").at(0), false);
  no["reason"] = "too slow";
  StepByHand second(asking(run.kept_items()));
  second.start_with({no});
  EXPECT_TRUE(second.started().empty());
  EXPECT_THAT(second.request().messages.back().content, HasSubstr("too slow"));
  expect_valid_history(second.request().messages);
}

TEST(WaitingCalls, nobody_is_asked_about_a_call_that_cannot_run) {
  RunConfig config = asking();
  config.why_refused = [](const llm::ToolCall&) -> std::optional<std::string> { return "no such second"; };
  StepByHand run(std::move(config));
  run.start();
  run.calls({call_of("c1", "wait")});
  EXPECT_EQ(run.generations(), 2);
  EXPECT_THAT(run.request().messages.back().content, HasSubstr("no such second"));
  run.answer("so be it");
  expect_valid_events(run.all());
  expect_valid_history(run.kept_messages());
}

TEST(WaitingCalls, a_message_instead_of_an_approval_goes_on_without_the_call) {
  StepByHand run(asking());
  run.start();
  run.calls({call_of("c1", "wait")});
  StepByHand second(asking(run.kept_items()));
  second.start("never mind");
  EXPECT_TRUE(second.started().empty());
  expect_valid_history(second.request().messages);
}

TEST(WaitingCalls, open_calls_are_those_without_an_answer) {
  StepByHand run(asking());
  run.start();
  run.calls({call_of("c1", "wait")});
  EXPECT_EQ(open_calls(run.kept_items()).approvals.size(), 1u);
  StepByHand second(asking(run.kept_items()));
  second.start_with({approval_of(outputs_of_type(run, "mcp_approval_request").at(0), false)});
  auto items = run.kept_items();
  for (const StoredItem& item : second.kept_items()) items.push_back(item);
  EXPECT_TRUE(open_calls(items).approvals.empty());
}

}  // namespace
}  // namespace baton::agent
