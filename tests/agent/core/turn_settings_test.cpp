#include <baton/agent/core/turn_settings.h>
#include <gtest/gtest.h>

namespace baton::agent {
namespace {

using llm::Json;
using llm::ToolChoice;

TEST(TurnSettings, are_read_as_they_were_written) {
  llm::TurnSettings settings;
  settings.tool_choice = {ToolChoice::Mode::named, "add"};
  settings.parallel_tool_calls = false;
  settings.sampling = {.temperature = 0.7f,
                       .top_k = 40,
                       .typical_p = 0.9f,
                       .top_p = 0.8f,
                       .min_p = 0.05f,
                       .repeat_penalty = 1.1f,
                       .presence_penalty = 0.5f,
                       .frequency_penalty = -0.25f,
                       .repeat_last_n = -1,
                       .logit_bias = {{17, -1.5f}},
                       .seed = 12,
                       .top_logprobs = 3};
  settings.max_output_tokens = 80;
  settings.stop = {"END"};
  settings.logprobs = true;
  settings.history = llm::HistoryForm::canonical;
  settings.template_variables = {{"enable_thinking", false}};
  const Json json = turn_settings_json(settings);
  const llm::TurnSettings read = turn_settings_from(Json::parse(json.dump()));
  EXPECT_EQ(turn_settings_json(read), json);
  EXPECT_EQ(read.tool_choice.mode, ToolChoice::Mode::named);
  EXPECT_EQ(read.tool_choice.name, "add");
  EXPECT_FALSE(read.parallel_tool_calls);
  EXPECT_EQ(read.sampling.temperature, 0.7f);
  EXPECT_EQ(read.sampling.seed, 12u);
  EXPECT_EQ(read.sampling.logit_bias, settings.sampling.logit_bias);
  EXPECT_EQ(read.max_output_tokens, 80);
  EXPECT_EQ(read.stop, settings.stop);
  EXPECT_TRUE(read.logprobs);
  EXPECT_EQ(read.history, llm::HistoryForm::canonical);
  EXPECT_EQ(read.template_variables, settings.template_variables);
}

TEST(TurnSettings, each_choice_of_tools_is_read_as_it_was_written) {
  for (const auto mode : {ToolChoice::Mode::automatic, ToolChoice::Mode::none, ToolChoice::Mode::required}) {
    llm::TurnSettings settings;
    settings.tool_choice.mode = mode;
    EXPECT_EQ(turn_settings_from(turn_settings_json(settings)).tool_choice.mode, mode);
  }
}

TEST(TurnSettings, have_their_defaults_where_an_older_record_has_nothing) {
  EXPECT_EQ(turn_settings_json(turn_settings_from(Json::object())), turn_settings_json({}));
}

}  // namespace
}  // namespace baton::agent
