// The program as a user types it: bad input gets a sentence that names the error, its place and the remedy, and a non-zero exit; nothing is
// lost.
#include <gmock/gmock.h>

#include <sstream>

#include "cli_fixture.h"

namespace baton {
namespace {

using testing::HasSubstr;

TEST_F(CliTest, a_run_with_a_tiny_model_is_in_the_journal_afterwards) {
  const Output run = baton("-m " + tiny_model() + " run --no-tools --max-output-tokens 5 hello");
  EXPECT_THAT(run.text, HasSubstr("prompt tokens")) << run.text;
  const Output shown = baton("history show last --json");
  ASSERT_EQ(shown.code, 0) << shown.text;
  const Json conversation = Json::parse(shown.text);
  EXPECT_EQ(conversation["title"], "hello");
  EXPECT_EQ(conversation["items"][0]["content"][0]["text"], "hello");
  EXPECT_EQ(conversation["responses"][0]["model"], "tiny");
}

TEST_F(CliTest, events_as_json_lines_are_numbered_and_end_in_one_terminal_event) {
  const Output run = baton("-m " + tiny_model() + " run --json --no-tools --max-output-tokens 5 hello");
  std::istringstream lines(run.text);
  int terminal = 0;
  std::int64_t last = -1;
  for (std::string line; std::getline(lines, line);) {
    const Json event = Json::parse(line);
    EXPECT_GT(event["sequence_number"].get<std::int64_t>(), last);
    last = event["sequence_number"];
    const std::string type = event["type"];
    terminal += type == "response.completed" || type == "response.incomplete" || type == "response.failed";
  }
  EXPECT_EQ(terminal, 1) << run.text;
}

TEST_F(CliTest, a_missing_model_is_an_error_that_tells_how_to_get_it) {
  const Output run = baton("run hello");
  EXPECT_NE(run.code, 0);
  EXPECT_THAT(run.text, HasSubstr("baton pull qwen2.5-coder-0.5b-instruct"));
  EXPECT_THAT(baton("-m /nowhere/at.gguf run hello").text, HasSubstr("/nowhere/at.gguf"));
}

TEST_F(CliTest, files_that_are_no_model_are_refused_with_their_name) {
  const Output text = baton("inspect " + file("story.gguf", "Once upon a time there was no model at all."));
  EXPECT_NE(text.code, 0);
  EXPECT_THAT(text.text, HasSubstr("story.gguf"));
  EXPECT_THAT(text.text, HasSubstr("GGUF"));

  std::ifstream in(tiny_model(), std::ios::binary);
  std::string whole((std::istreambuf_iterator<char>(in)), {});
  const Output cut = baton("-m " + file("cut.gguf", whole.substr(0, whole.size() / 2)) + " run hello");
  EXPECT_NE(cut.code, 0);
  EXPECT_THAT(cut.text, HasSubstr("cut.gguf"));
  EXPECT_NE(baton("inspect " + file("empty.gguf", "")).code, 0);
  EXPECT_NE(baton("inspect " + folder_.path().string()).code, 0);
}

TEST_F(CliTest, an_architecture_or_cpu_level_that_baton_lacks_is_named_beside_those_it_has) {
  test::TinyShape shape;
  shape.architecture = "mamba";
  test::TinyModel tiny(shape);
  const std::string path = (folder_.path() / "mamba.gguf").string();
  ASSERT_TRUE(tiny.writer().save(path));
  const Output run = baton("-m " + path + " run hello");
  EXPECT_NE(run.code, 0);
  EXPECT_THAT(run.text, HasSubstr("mamba"));
  const Output level = baton("--cpu avx9 -m " + tiny_model() + " run hello");
  EXPECT_NE(level.code, 0);
  EXPECT_THAT(level.text, HasSubstr("scalar"));
}

TEST_F(CliTest, a_template_that_raises_ends_the_run_with_its_words) {
  const Output run = baton("-m " + tiny_model("{{ raise_exception('no system message, please') }}") + " run hello");
  EXPECT_NE(run.code, 0);
  EXPECT_THAT(run.text, HasSubstr("no system message, please"));
}

TEST_F(CliTest, a_prompt_longer_than_the_context_is_refused_with_both_figures) {
  const Output run = baton("-m " + tiny_model() + " run --no-tools " + std::string(400, 'x'));
  EXPECT_NE(run.code, 0);
  EXPECT_THAT(run.text, HasSubstr("256"));
  EXPECT_THAT(baton("history list").text, HasSubstr("1 run")) << "what was asked is not lost";
}

TEST_F(CliTest, an_unknown_tool_is_an_error) {
  const Output run = baton("-m " + tiny_model() + " run --tool teleport hello");
  EXPECT_NE(run.code, 0);
  EXPECT_THAT(run.text, HasSubstr("teleport"));
  EXPECT_NE(baton("tools teleport '{}'").code, 0);
}

TEST_F(CliTest, a_tool_can_be_called_by_hand_and_bad_arguments_are_explained) {
  EXPECT_EQ(baton("tools calculate '{\"expression\": \"17.5% of 2340\"}'").text, "409.5\n");
  const Output bad = baton("tools calculate '{\"expression\": 3}'");
  EXPECT_NE(bad.code, 0);
  EXPECT_THAT(bad.text, HasSubstr("expression"));
  EXPECT_NE(baton("tools calculate 'not json'").code, 0);
}

TEST_F(CliTest, a_journal_of_a_newer_version_is_left_alone) {
  ASSERT_EQ(baton("history list").code, 0);
  execute("PRAGMA user_version = 999");
  const Output list = baton("history list");
  EXPECT_NE(list.code, 0);
  EXPECT_THAT(list.text, HasSubstr("newer"));
}

TEST_F(CliTest, a_journal_that_is_no_database_is_refused_and_kept) {
  const std::string path = file("notes.db", std::string(5000, 'n'));
  const Output list = baton("--journal " + path + " history list");
  EXPECT_NE(list.code, 0);
  EXPECT_THAT(list.text, HasSubstr("notes.db"));
  std::ifstream in(path);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), std::string(5000, 'n'));
}

TEST_F(CliTest, inspect_tokenizes_with_a_vocabulary_only_file) {
  test::GgufWriter writer;
  writer.add("general.architecture", "qwen2");
  test::add_byte_vocabulary(writer, "qwen2", {"h i"}, {{"hi", 1}, {"<|im_end|>", 3}});
  const std::string path = (folder_.path() / "vocabulary.gguf").string();
  ASSERT_TRUE(writer.save(path));
  const Output out = baton("inspect " + path + " --tokenize " + file("strings.json", R"(["hi", "a", "<|im_end|>"])"));
  EXPECT_THAT(out.text, testing::StartsWith("[256]\n[97]\n[")) << out.text;
  EXPECT_THAT(out.text, testing::Not(HasSubstr("257"))) << "text never becomes a control token";
  EXPECT_NE(baton("inspect " + path + " --tokenize " + file("broken.json", "{")).code, 0);
}

TEST_F(CliTest, inspect_renders_a_conversation_byte_for_byte) {
  const std::string conversation = file("c.json", R"({"messages": [{"role": "user", "content": "hé"}], "add_generation_prompt": true})");
  EXPECT_EQ(baton("inspect --template " + file("t.jinja", "[{{ messages[0].content }}]{% if add_generation_prompt %}>{% endif %}") +
                  " --render " + conversation)
                .text,
            "[hé]>");
  const Output error = baton("inspect --template " + file("bad.jinja", "{% if %}") + " --render " + conversation);
  EXPECT_NE(error.code, 0);
  EXPECT_THAT(error.text, HasSubstr("bad.jinja:1:"));
}

TEST_F(CliTest, inspect_scores_a_text) {
  const Output out = baton("inspect " + tiny_model() + " --score " + file("t.txt", "abc"));
  ASSERT_EQ(out.code, 0) << out.text;
  std::istringstream lines(out.text);
  std::string line;
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(std::getline(lines, line));
    const Json row = Json::parse(line);
    EXPECT_EQ(row["token"], 'a' + i);
    EXPECT_EQ(row["top"].size(), 5u);
    EXPECT_EQ(row["logprob"].is_null(), i == 0);
  }
}

TEST_F(CliTest, doctor_and_inspect_speak_json) {
  const Json doctor = Json::parse(baton("doctor --json").text);
  EXPECT_FALSE(doctor["model"]["found"].get<bool>());
  EXPECT_GT(doctor["cpu"]["threads"].get<int>(), 0);
  const Json model = Json::parse(baton("inspect --json " + tiny_model()).text);
  EXPECT_EQ(model["architecture"], "qwen2");
  EXPECT_EQ(model["n_layer"], 2);
  EXPECT_TRUE(model["tied_output"].get<bool>());
}

TEST_F(CliTest, options_come_from_a_config_file_too) {
  std::filesystem::create_directories(folder_.path() / ".config/baton");
  file(".config/baton/config.toml", "cpu = \"scalar\"\n");
  EXPECT_EQ(Json::parse(baton("doctor --json").text)["cpu"]["level"], "scalar");
  EXPECT_EQ(Json::parse(baton("--cpu avx2 doctor --json").text)["cpu"]["level"], "avx2") << "the command line wins";
}

TEST_F(CliTest, an_openapi_document_becomes_tools_that_are_listed) {
  const std::string document = std::string(BATON_SOURCE_DIR) + "/tests/golden/openapi/forge.json", tools = file("tools.json", "");
  const Output there = baton("tools import openapi " + document + " -o " + tools);
  EXPECT_EQ(there.code, 1);
  EXPECT_THAT(there.text, HasSubstr("already exists"));
  std::filesystem::remove(tools);
  const Output made = baton("tools import openapi " + document + " --tag issues -o " + tools);
  ASSERT_EQ(made.code, 0) << made.text;
  EXPECT_THAT(made.text, HasSubstr("2 tools in"));
  const Output listed = baton("tools --api " + tools);
  EXPECT_EQ(listed.code, 0);
  EXPECT_THAT(listed.text, HasSubstr("issues_create: Create an issue (sends)"));
  EXPECT_THAT(listed.text, HasSubstr("issues_list-for-repo: List repository issues."));
  const Output from_config =
      baton("--config " + file("c.toml", "api = [\"" + tools + "\"]\nallow-host = [\"a.test\", \"b.test\"]\n") + " tools");
  EXPECT_THAT(from_config.text, HasSubstr("issues_create"));
  EXPECT_THAT(from_config.text, HasSubstr("Allowed hosts: a.test, b.test"));
}

TEST_F(CliTest, api_files_and_hosts_that_are_wrong_are_said) {
  const Output fault = baton("tools --api " + file("bad.json", R"({"name":"a","description":"d","url":"https://x.test/{b}"})"));
  EXPECT_EQ(fault.code, 1);
  EXPECT_THAT(fault.text, HasSubstr("bad.json: /url: {b} is not a parameter"));
  const std::string weather = std::string(BATON_SOURCE_DIR) + "/examples/weather_api.json";
  EXPECT_THAT(baton("tools --api " + weather).text, HasSubstr("get_weather: Current weather of a city"));
  const Output unset = baton("tools --api " + weather + " get_weather '{\"city\":\"Lisbon\"}'");
  EXPECT_EQ(unset.code, 1);
  EXPECT_THAT(unset.text, HasSubstr("the environment variable WEATHER_KEY is not set"));
  EXPECT_THAT(baton("tools --allow-host https://x.test").text, HasSubstr("is not a host that can be allowed"));
  const Output schema = baton("tools --api " + file("schema.json", R"({"tools":[{"name":"a","description":"d","url":"https://x.test/",
      "query":{"b":"{b}"},"parameters":{"type":"object","properties":{"b":{"type":"text"}}}},
      {"name":"fine","description":"d","url":"https://x.test/"}]})"));
  EXPECT_EQ(schema.code, 0) << "one bad tool does not cost the others";
  EXPECT_THAT(schema.text, HasSubstr("the tool 'a' is left out: its parameters: JSON schema, at /properties/b/type"));
  EXPECT_THAT(schema.text, HasSubstr("fine: d"));
}

TEST_F(CliTest, a_wrong_command_line_exits_with_2) {
  EXPECT_EQ(baton("dance").code, 2);
  EXPECT_EQ(baton("run --temperature hot hello").code, 2);
  EXPECT_EQ(baton("--version").code, 0);
}

TEST_F(CliTest, deleting_a_conversation_needs_a_yes) {
  baton("-m " + tiny_model() + " run --no-tools --max-output-tokens 2 hello");
  EXPECT_NE(baton("history delete last").code, 0);
  EXPECT_THAT(baton("history list").text, HasSubstr("hello"));
  EXPECT_EQ(baton("history delete last --yes").code, 0);
  EXPECT_THAT(baton("history list").text, testing::Not(HasSubstr("hello")));
}

TEST_F(CliTest, deleting_a_conversation_reports_its_id_as_json) {
  baton("-m " + tiny_model() + " run --no-tools --max-output-tokens 2 hello");
  EXPECT_NE(baton("history delete last --json").code, 0) << "it does not ask";
  const auto deleted = baton("history delete last --yes --json");
  EXPECT_THAT(deleted.text, testing::MatchesRegex("\\{\"id\":\"conv_[^\"]*\",\"deleted\":true\\}\n")) << deleted.text;
}

TEST_F(CliTest, the_catalogue_is_listed_as_json_lines) {
  const auto listed = baton("pull --json");
  EXPECT_EQ(listed.code, 0);
  std::istringstream lines(listed.text);
  int n_default = 0;
  for (std::string line; std::getline(lines, line);) {
    const Json model = Json::parse(line);
    EXPECT_GT(model["bytes"].get<std::int64_t>(), 0);
    EXPECT_TRUE(model["path"].is_null()) << "nothing was pulled here";
    EXPECT_NE(model["name"], "gemma-3-270m") << "which Baton does not run";
    n_default += model["default"].get<bool>() ? 1 : 0;
  }
  EXPECT_EQ(n_default, 1);
}

}  // namespace
}  // namespace baton
