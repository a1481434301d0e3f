#include <baton/llm/constraint/compiled_format.h>

#include "agent_fixture.h"

namespace baton::agent {
namespace {

using testing::HasSubstr;

class AgentTest : public AgentFixture {};

TEST_F(AgentTest, runs_tools_and_answers_from_their_results) {
  script({{.text = "Let me add.", .calls = {call_of("c1", "add", {{"a", 2}, {"b", 3}}), call_of("c2", "add", {{"a", 4}, {"b", 5}})}},
          {.text = "5 and 9"}});
  const RunOutcome outcome = run({.input = said("add them")});
  EXPECT_EQ(outcome.status, "completed");
  EXPECT_EQ(n_added_, 2);
  const auto asked = generator_->requests();
  ASSERT_EQ(asked.size(), 2u);
  ASSERT_EQ(asked[1].messages.size(), 4u);
  EXPECT_EQ(asked[1].messages[2].content, "5");
  EXPECT_EQ(asked[1].messages[3].content, "9");
  const auto kept = items(outcome);
  ASSERT_EQ(kept.size(), 5u);
  EXPECT_EQ(kept[0].text, "add them");
  EXPECT_EQ(kept[2].content["output"], "5");
  EXPECT_EQ(kept[4].text, "5 and 9");
}

TEST_F(AgentTest, keeps_the_run_with_all_that_is_needed_to_understand_it) {
  script({{.text = "hello"}});
  RunRequest request{.input = said("hi"), .instructions = "be kind", .tools = {"add"}, .all_tools = false};
  request.turn.sampling.temperature = 0.7f;
  request.budgets.max_turns = 3;
  const RunOutcome outcome = run(request);
  const memory::Response kept = journal_->response(outcome.response_id).value();
  EXPECT_EQ(kept.status, "completed");
  EXPECT_EQ(kept.model, "scripted");
  EXPECT_EQ(kept.request["instructions"], "be kind");
  ASSERT_EQ(kept.request["tools"].size(), 1u);
  EXPECT_EQ(kept.request["tools"][0]["parameters"], kNumbers);
  EXPECT_EQ(kept.request["sampling"]["temperature"].dump(), "0.7");
  EXPECT_EQ(kept.request["budgets"]["max_turns"], 3);
  EXPECT_EQ(kept.usage["input_tokens"], 10);
  EXPECT_GT(kept.finished_ms, 0);
  const auto conversation = journal_->conversation(outcome.conversation_id).value();
  EXPECT_EQ(conversation.title, "hi");
}

TEST_F(AgentTest, without_a_seed_a_run_draws_one_for_all_its_turns_and_tells_it) {
  script({{.calls = {call_of("c1", "add", {{"a", 2}, {"b", 3}})}}, {.text = "5"}, {.text = "6"}, {.text = "7"}});
  const RunOutcome first = run({.input = said("add them")});
  RunRequest seeded{.input = said("again")};
  run(seeded);
  seeded.turn.sampling.seed = 12;
  const RunOutcome third = run(seeded);
  const auto asked = generator_->requests();
  ASSERT_EQ(asked.size(), 4u);
  ASSERT_TRUE(asked[0].turn.sampling.seed && asked[2].turn.sampling.seed);
  EXPECT_EQ(asked[1].turn.sampling.seed, asked[0].turn.sampling.seed);
  EXPECT_NE(asked[2].turn.sampling.seed, asked[0].turn.sampling.seed);
  EXPECT_EQ(asked[3].turn.sampling.seed, 12u);
  const auto told = [&](const RunOutcome& outcome) {
    const auto events = journal_->events(outcome.response_id, -1).value();
    EXPECT_EQ(events.front().data["response"]["baton.seed"], events.back().data["response"]["baton.seed"]);
    return events.back().data["response"]["baton.seed"];
  };
  EXPECT_EQ(told(first), *asked[0].turn.sampling.seed);
  EXPECT_EQ(told(third), 12);
  EXPECT_EQ(journal_->response(first.response_id).value().request["sampling"]["seed"], *asked[0].turn.sampling.seed);
}

TEST_F(AgentTest, hands_the_format_on_and_keeps_it_with_the_run) {
  script({{.text = "no"}, {.text = "perhaps"}, {.text = "n", .reason = llm::FinishReason::length}});
  RunRequest request = RunRequest::of_text("Is it so?");
  request.all_tools = false;
  request.text_format.json = {{"type", "baton.regex"}, {"pattern", "yes|no"}};
  const RunOutcome fits = run(request);
  EXPECT_EQ(fits.status, "completed") << fits.reason;
  const auto asked = generator_->requests();
  ASSERT_TRUE(asked[0].format);
  EXPECT_EQ(asked[0].format->format().kind, llm::OutputFormat::Kind::regex);
  EXPECT_EQ(asked[0].format->format().text, "yes|no");
  EXPECT_EQ(journal_->response(fits.response_id).value().request["text_format"], request.text_format.json);
  const RunOutcome other = run(request);
  EXPECT_EQ(other.status, "failed");
  EXPECT_THAT(other.reason, testing::HasSubstr("byte 0"));
  const RunOutcome cut = run(request);
  EXPECT_EQ(cut.status, "incomplete");
  EXPECT_EQ(cut.reason, "max_output_tokens");
}

TEST_F(AgentTest, tells_the_observer_what_is_in_the_journal_and_nothing_else) {
  script({{.text = "one two three", .calls = {call_of("c1", "add", {{"a", 2}, {"b", 3}})}}, {.text = "five"}});
  const RunOutcome outcome = run({.input = said("q")});
  const auto kept = journal_->events(outcome.response_id).value();
  ASSERT_EQ(events_.size(), kept.size());
  std::string text;
  for (std::size_t i = 0; i < kept.size(); ++i) {
    EXPECT_EQ(kept[i].sequence_number, static_cast<std::int64_t>(i));
    EXPECT_EQ(events_[i].sequence_number, kept[i].sequence_number);
    EXPECT_EQ(events_[i].data, kept[i].data);
    if (kept[i].type == "response.output_text.delta") text += kept[i].data["delta"].get<std::string>();
  }
  EXPECT_EQ(text, "one two threefive");
  EXPECT_EQ(kept.back().type, "response.completed");
}

TEST_F(AgentTest, commits_intent_before_a_tool_starts_and_its_result_after) {
  script({{.calls = {call_of("c1", "gate")}}, {.text = "ok"}});
  auto handle = start({.input = said("q")});
  entered_.wait();
  const auto during = journal_->tool_invocations(handle->response_id()).value();
  ASSERT_EQ(during.size(), 1u);
  EXPECT_EQ(during[0].status, "intent");
  EXPECT_EQ(during[0].tool, "gate");
  EXPECT_EQ(during[0].idempotency_key, handle->response_id() + "/c1");
  gate_.open();
  handle->wait();
  const auto after = journal_->tool_invocations(handle->response_id()).value();
  EXPECT_EQ(after[0].status, "done");
  EXPECT_EQ(after[0].result, "open");
}

TEST_F(AgentTest, answers_arguments_that_do_not_fit_with_field_and_reason_and_starts_no_tool) {
  script({{.calls = {call_of("c1", "add", {{"a", "two"}, {"b", 3}})}}, {.calls = {call_of("c2", "add", {{"a", 2}})}}, {.text = "sorry"}});
  const RunOutcome outcome = run({.input = said("q")});
  EXPECT_EQ(outcome.status, "completed");
  EXPECT_EQ(n_added_, 0);
  EXPECT_THAT(generator_->requests()[1].messages.back().content, HasSubstr("/a"));
  EXPECT_THAT(generator_->requests()[2].messages.back().content, HasSubstr("b"));
  EXPECT_TRUE(journal_->tool_invocations(outcome.response_id).value().empty());
  EXPECT_TRUE(call_item_failed(items(outcome)[1].content));
}

TEST_F(AgentTest, turns_an_exception_of_a_tool_into_its_result) {
  script({{.calls = {call_of("c1", "throw")}}, {.text = "it failed"}});
  const RunOutcome outcome = run({.input = said("q")});
  EXPECT_EQ(outcome.status, "completed");
  EXPECT_THAT(generator_->requests()[1].messages.back().content, HasSubstr("no luck"));
  EXPECT_EQ(journal_->tool_invocations(outcome.response_id).value().at(0).status, "error");
}

TEST_F(AgentTest, runs_calls_of_one_turn_side_by_side) {
  Gate other;
  tools_
      .add({"opens", "opens the gate", kNothing, {}},
           [&](const Json&, tools::ToolContext& context) {
             entered_.wait(context.stop);
             gate_.open();
             return tools::ToolResult::text("opened");
           })
      .value();
  script({{.calls = {call_of("c1", "gate"), call_of("c2", "opens")}}, {.text = "ok"}});
  EXPECT_EQ(run({.input = said("q")}).status, "completed");  // one after the other, the first would never end
  EXPECT_EQ(generator_->requests()[1].messages[2].content, "open");
}

TEST_F(AgentTest, passes_progress_of_tools_on) {
  script({{.calls = {call_of("c1", "gate")}}, {.text = "ok"}});
  gate_.open();
  std::vector<std::string> told;
  RunObserver observer;
  observer.tool_progress = [&](const std::string& id, double fraction, const std::string& message) {
    told.push_back(id + " " + std::to_string(fraction).substr(0, 3) + " " + message);
  };
  const auto handle = agent_->start({.input = said("q")}, observer).value();
  handle->wait();
  EXPECT_EQ(told, std::vector<std::string>{"c1 0.5 half"});
  const auto events = journal_->events(handle->response_id()).value();
  EXPECT_EQ(std::count_if(events.begin(), events.end(), [](const auto& e) { return e.type == "baton.mcp_call.progress"; }), 1);
}

TEST_F(AgentTest, goes_on_with_a_conversation_from_its_journal) {
  script({{.text = "I am Baton", .calls = {call_of("c1", "add", {{"a", 1}, {"b", 1}})}, .raw = {{1, 2, 3}, "model", "template"}},
          {.text = "2"},
          {.text = "as I said"}});
  const RunOutcome first = run({.input = said("who are you")});
  const RunOutcome second = run({.input = said("again?"), .conversation_id = first.conversation_id.substr(0, 20)});
  EXPECT_EQ(second.conversation_id, first.conversation_id);
  EXPECT_EQ(journal_->response(second.response_id).value().parent_id, first.response_id);
  const auto messages = generator_->requests()[2].messages;
  ASSERT_EQ(messages.size(), 5u);
  EXPECT_EQ(messages[0].content, "who are you");
  EXPECT_EQ(messages[1].content, "I am Baton");
  EXPECT_EQ(messages[1].tool_calls[0].id, "c1");
  ASSERT_TRUE(messages[1].raw.has_value());
  EXPECT_EQ(messages[1].raw->ids, (std::vector<std::int32_t>{1, 2, 3}));
  EXPECT_EQ(messages[1].raw->model_identity, "model");
  EXPECT_EQ(messages[2].content, "2");
  EXPECT_EQ(messages[4].content, "again?");
}

TEST_F(AgentTest, has_one_run_of_a_conversation_at_a_time) {
  script({{.text = "hm", .until_cancelled = true}, {.text = "ok"}});
  auto handle = start({.input = said("q")});
  const auto refused = agent_->start({.input = said("me too"), .conversation_id = handle->conversation_id()}, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::busy);
  EXPECT_THAT(refused.error().message, HasSubstr(handle->response_id()));
  handle->cancel();
  handle->wait();
  EXPECT_EQ(run({.input = said("me too"), .conversation_id = handle->conversation_id()}).status, "completed");
}

TEST_F(AgentTest, runs_several_conversations_at_once) {
  std::vector<ScriptedAnswer> answers;
  for (int i = 0; i < 8; ++i) answers.push_back({.text = "some words to stream, enough for several pieces"});
  script(answers);
  std::vector<std::unique_ptr<RunHandle>> handles;
  for (int i = 0; i < 8; ++i) handles.push_back(start({.input = said("q" + std::to_string(i))}));
  for (const auto& handle : handles) {
    EXPECT_EQ(handle->wait().status, "completed");
    const auto kept = journal_->items(handle->conversation_id()).value();
    ASSERT_EQ(kept.size(), 2u);
    EXPECT_EQ(kept[1].text, answers[0].text);
  }
}

TEST_F(AgentTest, cancels_an_answer_and_keeps_what_was_shown) {
  script({{.text = "once upon a time", .until_cancelled = true}, {.text = "continue"}});
  auto handle = start({.input = said("tell me")});
  wait_for_event("response.output_text.delta");
  handle->cancel();
  const RunOutcome outcome = handle->wait();
  EXPECT_EQ(outcome.status, "cancelled");
  std::string shown;
  for (const Json& event : events("response.output_text.delta")) shown += event["delta"].get<std::string>();
  EXPECT_EQ(items(outcome)[1].text, shown);
  EXPECT_EQ(journal_->response(outcome.response_id).value().status, "cancelled");
  run({.input = said("and?"), .conversation_id = outcome.conversation_id});
  EXPECT_EQ(generator_->requests()[1].messages[1].content, shown);
}

TEST_F(AgentTest, cancels_a_tool_and_leaves_its_outcome_open) {
  script({{.calls = {call_of("c1", "gate"), call_of("c2", "add", {{"a", 1}, {"b", 1}})}}});
  auto handle = start({.input = said("q")});
  entered_.wait();
  wait_for_event("response.mcp_call.completed");  // of the other call
  handle->cancel();
  const RunOutcome outcome = handle->wait();
  EXPECT_EQ(outcome.status, "cancelled");
  const auto invocations = journal_->tool_invocations(outcome.response_id).value();
  ASSERT_EQ(invocations.size(), 2u);
  for (const auto& invocation : invocations) EXPECT_EQ(invocation.status, invocation.tool == "gate" ? "unknown" : "done");
  EXPECT_EQ(items(outcome).size(), 3u);
  EXPECT_THAT(result_of_call_item(items(outcome)[1].content), HasSubstr("may or may not"));
  EXPECT_EQ(result_of_call_item(items(outcome)[2].content), "2");
}

TEST_F(AgentTest, ends_its_run_when_the_handle_goes) {
  script({{.text = "hm", .until_cancelled = true}});
  auto handle = start({.input = said("q")});
  const std::string id = handle->response_id();
  handle.reset();
  EXPECT_EQ(journal_->response(id).value().status, "cancelled");
}

TEST_F(AgentTest, ends_by_the_clock) {
  script({{.calls = {call_of("c1", "gate")}}, {.text = "that is all"}});
  RunRequest request{.input = said("q")};
  request.budgets.max_milliseconds = 5000;
  auto handle = start(request);
  entered_.wait();
  clock_.advance(5000);
  const RunOutcome outcome = handle->wait();
  EXPECT_EQ(outcome.reason, "max_milliseconds");
  EXPECT_EQ(generator_->requests()[1].turn.tool_choice.mode, llm::ToolChoice::Mode::none);
  EXPECT_EQ(items(outcome).back().text, "that is all");
}

TEST_F(AgentTest, notices_the_time_also_while_the_model_never_pauses) {
  std::string endless(200'000, 'x');
  script({{.text = endless, .delay = std::chrono::milliseconds(1)}});
  RunRequest request{.input = said("q")};
  request.budgets.max_milliseconds = 1000;
  auto handle = start(request);
  wait_for_event("response.output_text.delta");
  clock_.advance(2000);
  EXPECT_EQ(handle->wait().reason, "max_milliseconds");
}

TEST_F(AgentTest, fails_as_its_generator_does) {
  script({{.text = "I th", .error = llm::Error{llm::errc::out_of_memory, "no page is left"}}});
  const RunOutcome outcome = run({.input = said("q")});
  EXPECT_EQ(outcome.status, "failed");
  EXPECT_EQ(outcome.reason, "no page is left");
  EXPECT_EQ(events("response.failed").size(), 1u);
  EXPECT_EQ(items(outcome).back().text, "I th");
}

TEST_F(AgentTest, replaces_what_is_not_utf8_before_anybody_sees_it) {
  script({{.text = "ok"}});
  const RunOutcome outcome = run({.input = said("caf\xe9")});
  EXPECT_EQ(generator_->requests()[0].messages.back().content, "caf\xef\xbf\xbd");
  EXPECT_EQ(items(outcome)[0].text, "caf\xef\xbf\xbd");
}

TEST_F(AgentTest, ends_though_whoever_listens_throws) {
  script({{.text = "ok"}, {.text = "ok"}});
  RunObserver observer;
  observer.event = [](const memory::Event&) { throw std::runtime_error("no luck"); };
  observer.finished = [](const RunOutcome&) { throw std::runtime_error("no luck"); };
  const RunOutcome outcome = agent_->start({.input = said("q")}, observer).value()->wait();
  EXPECT_THAT(outcome.status, testing::AnyOf("failed", "completed")) << "the model may have been quicker";
  EXPECT_EQ(journal_->response(outcome.response_id).value().status, outcome.status);
  EXPECT_EQ(run({.input = said("q")}).status, "completed");
}

TEST_F(AgentTest, makes_a_title_of_the_first_line) {
  script({{.text = "ok"}, {.text = "ok"}});
  EXPECT_EQ(journal_->conversation(run({.input = said("\n  two words \nmore")}).conversation_id).value().title, "two words");
  std::string umlauts;
  for (int i = 0; i < 100; ++i) umlauts += "ä";
  const std::string title = journal_->conversation(run({.input = said(umlauts)}).conversation_id).value().title;
  EXPECT_EQ(title, umlauts.substr(0, 80) + "…");
}

TEST_F(AgentTest, refuses_requests_that_make_no_sense) {
  script({});
  const auto code = [&](const RunRequest& request) { return agent_->start(request, {}).error().code; };
  EXPECT_EQ(code({}), errc::invalid_argument);
  EXPECT_EQ(code({.input = said("q"), .tools = {"nothing"}}), errc::not_found);
  EXPECT_EQ(code({.input = said("q"), .conversation_id = "conv_nothing"}), errc::not_found);
  EXPECT_EQ(code({.input = said("q"), .turn = {.max_output_tokens = 0}}), errc::invalid_argument);
  EXPECT_EQ(code({.input = said("q"), .budgets = {.max_milliseconds = 0}}), errc::invalid_argument);
  EXPECT_EQ(code({.input = said("q"), .all_tools = false, .turn = {.tool_choice = {.mode = llm::ToolChoice::Mode::required}}}),
            errc::invalid_argument);
  EXPECT_EQ(code({.input = said("q"), .turn = {.tool_choice = {.mode = llm::ToolChoice::Mode::named, .name = "x"}}}),
            errc::invalid_argument);
  EXPECT_TRUE(journal_->conversations(10).value().empty());
}

TEST_F(AgentTest, offers_the_tools_that_the_request_names) {
  script({{.text = "a"}, {.text = "b"}, {.text = "c"}});
  run({.input = said("q")});
  run({.input = said("q"), .tools = {"throw", "add"}, .all_tools = false});
  run({.input = said("q"), .all_tools = false});
  const auto asked = generator_->requests();
  EXPECT_EQ(asked[0].tools.size(), 3u);
  ASSERT_EQ(asked[1].tools.size(), 2u);
  EXPECT_EQ(asked[1].tools[0].name, "add");  // the set's order, whatever the request's
  EXPECT_TRUE(asked[2].tools.empty());
}

}  // namespace
}  // namespace baton::agent
