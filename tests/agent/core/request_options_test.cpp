// Options of a request beside the conversation: warm-ups, leaving out old turns, names in namespaces, notes.
#include <gmock/gmock.h>

#include "run_fixture.h"

namespace baton::agent {
namespace {

using testing::ElementsAre;

Json response_of(const StepByHand& run, const char* event) { return run.events(event).front()["response"]; }

TEST(RequestOptions, a_warm_up_computes_the_prompt_and_says_nothing) {
  RunConfig config;
  config.generate = false;
  config.instructions = "Be brief.";
  StepByHand run(std::move(config));
  run.start_with({});
  ASSERT_EQ(run.generations(), 1);
  EXPECT_EQ(run.request().turn.max_output_tokens, 1);
  EXPECT_EQ(run.request().messages.size(), 1u);
  run.text("Hel");
  run.end(llm::FinishReason::length);
  EXPECT_EQ(run.finish().status, "completed");
  const Json response = response_of(run, "response.completed");
  EXPECT_EQ(response["output"], Json::array());
  EXPECT_EQ(response["usage"]["output_tokens"], 0);
  EXPECT_EQ(response["usage"]["input_tokens"], 10);
  EXPECT_TRUE(run.events("response.output_item.added").empty());
}

TEST(RequestOptions, a_warm_up_of_nothing_ends_at_once_and_one_that_the_template_cannot_show_is_no_failure) {
  RunConfig config;
  config.generate = false;
  StepByHand nothing(config);
  nothing.start_with({});
  EXPECT_EQ(nothing.generations(), 0);
  EXPECT_EQ(nothing.finish().status, "completed");
  for (const auto& [code, status] :
       {std::pair{llm::errc::invalid_template, "completed"}, std::pair{llm::errc::context_overflow, "failed"}}) {
    StepByHand run(config);
    run.start();
    llm::Finished end;
    end.reason = llm::FinishReason::error;
    end.error = llm::Error{code, "why"};
    run.end(end);
    EXPECT_EQ(run.finish().status, status);
  }
}

// The prompt may begin at the questions before this run's, and at its own, but not at messages of the runtime to the model.
TEST(RequestOptions, turns_may_be_left_out_up_to_the_question_of_this_run) {
  RunConfig config;
  config.truncate = true;
  config.instructions = "Be brief.";
  config.after_tools = "Answer {question}";
  config.tools = {{"f", "", {{"type", "object"}}}};
  config.history = {{"resp_1", user_message_item("a", "one"), {}},
                    {"resp_1", assistant_message_item("b", "1", 1, "completed"), {}},
                    {"resp_2", user_message_item("c", "two"), {}},
                    {"resp_2", assistant_message_item("d", "2", 1, "completed"), {}}};
  StepByHand run(std::move(config));
  run.start("three");
  EXPECT_THAT(run.request().may_begin_at, ElementsAre(1u, 3u, 5u));
  run.calls({call_of("c1", "f")});
  run.result("c1", "r");
  EXPECT_EQ(run.request().messages.back().content, "Answer three");
  EXPECT_THAT(run.request().may_begin_at, ElementsAre(1u, 3u, 5u));
  run.say(llm::MessagesLeftOut{4});
  run.answer("3");
  EXPECT_EQ(run.events("baton.truncated").front()["messages"], 4);
  const Json response = response_of(run, "response.completed");
  EXPECT_EQ(response["baton.truncated"]["messages"], 4);
  EXPECT_EQ(response["truncation"], "auto");

  StepByHand without;
  without.start();
  EXPECT_TRUE(without.request().may_begin_at.empty());
}

TEST(RequestOptions, a_function_of_a_namespace_is_shown_as_the_client_knows_it) {
  RunConfig config;
  config.tools = {{"a.find", "", {{"type", "object"}}}};
  config.client_tools = {"a.find"};
  config.namespaced["a.find"] = {"a", "find"};
  StepByHand run(std::move(config));
  run.start();
  run.calls({call_of("c1", "a.find")});
  const Json item = response_of(run, "response.completed")["output"][0];
  EXPECT_EQ(item["name"], "find");
  EXPECT_EQ(item["namespace"], "a");
  EXPECT_EQ(run.events("response.function_call_arguments.done").front()["name"], "find");
}

TEST(RequestOptions, a_call_that_the_client_gives_back_is_the_one_that_the_model_knows) {
  RunConfig config;
  config.tools = {{"ping", "", {{"type", "object"}}}, {"helpers.ping", "", {{"type", "object"}}}};
  config.client_tools = {"ping", "helpers.ping"};
  config.namespaced["helpers.ping"] = {"helpers", "ping"};
  StepByHand run(std::move(config));
  run.start_with({user_message_item("", "q"),
                  {{"type", "function_call"}, {"call_id", "c1"}, {"name", "ping"}, {"namespace", "helpers"}, {"arguments", "{}"}},
                  {{"type", "function_call_output"}, {"call_id", "c1"}, {"output", "pong"}}});
  EXPECT_EQ(run.request().messages.at(1).tool_calls.at(0).name, "helpers.ping");
  run.calls({call_of("c2", "helpers.ping")});
  EXPECT_EQ(run.generations(), 2) << "it has its result";
}

TEST(RequestOptions, the_response_says_what_had_no_effect) {
  RunConfig config;
  config.ignored = {"colour"};
  StepByHand run(std::move(config));
  run.start();
  run.answer("x");
  EXPECT_EQ(response_of(run, "response.created")["baton.ignored"], Json({"colour"}));
  EXPECT_EQ(response_of(run, "response.completed")["baton.ignored"], Json({"colour"}));
}

}  // namespace
}  // namespace baton::agent
