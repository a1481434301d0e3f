// The config file is read strictly: any error in it ends the program with 2, and a message with place and remedy.
#include <gmock/gmock.h>

#include "cli_fixture.h"

namespace baton {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

struct Mistake {
  const char* text;
  int line;
  const char* remedy;  // or the part of the message that gives the remedy
};

const Mistake kMistakes[] = {
    // Names that are unknown or missing.
    {"tokn-file = \"x\"", 1, "there is \"token-file\" in the section [serve]"},
    {"[serve]\ntokn-file = \"x\"", 2, "did you mean \"token-file\"?"},
    {"[serve]\ntoken_file = \"x\"", 2, "did you mean \"token-file\"?"},
    {"token-file = \"x\"", 1, "it belongs in the section [serve]"},
    {"max-turns = 3", 1, "it belongs in the section [run] or [chat]"},
    {"# notes\n\n[run]\nthreads = 4", 4, "put it at the top of the file, above the first section"},
    {"[tools]\napi = [\"x.json\"]", 2, "put it at the top of the file, above the first section"},
    {"[history]\nlimit = 3", 2, "it belongs in the section [history.list] or [history.search]"},
    {"Threads = 4", 1, "did you mean \"threads\"?"},
    {"--threads = 4", 1, "did you mean \"threads\"?"},
    {"m = \"x\"", 1, "the file takes only the long name: \"model\""},
    {"xyzzy = 1", 1, "`baton --help` lists them"},
    {"[run]\nxyzzy = 1", 2, "`baton run --help` lists them"},
    {"[run]\nQUESTION = \"x\"", 2, "there is no option \"QUESTION\" in the section [run]"},
    {"config = \"other.toml\"", 1, "there is no option \"config\""},
    {"help = true", 1, "there is no option \"help\""},
    {"serve = true", 1, "put its options below a line [serve]"},
    {"[serv]\nport = 1", 1, "did you mean [serve]?"},
    {"model = \"a\"\n[nonsense]", 2, "sections are named after the commands"},
    {"[history.lst]\nlimit = 3", 1, "did you mean [history.list]?"},
    {"[run.more]\nseed = 3", 1, "the section [run] has no subsections"},
    {"[[serve]]\nport = 1", 1, "write [serve]"},
    // Twice.
    {"threads = 4\nmodel = \"a\"\nthreads = 5", 3, "keep one of them"},
    {"[run]\nseed = 1\n[chat]\n[run]\nseed = 2", 4, "keep one of them"},
    // Values of another type.
    {"threads = \"4\"", 1, "\"threads\" takes a whole number, not a text"},
    {"threads = 4.5", 1, "\"threads\" takes a whole number, not a number with a fraction"},
    {"threads = true", 1, "\"threads\" takes a whole number, not true or false"},
    {"model = 7", 1, "\"model\" takes a text in \"quotes\", not a whole number"},
    {"model = 2026-11-30", 1, "not a date or time"},
    {"model = [\"a\"]", 1, "\"model\" takes one value, not a list"},
    {"model = { name = \"a\" }", 1, "not a table"},
    {"allow-send = \"yes\"", 1, "\"allow-send\" takes true or false, not a text"},
    {"allow-send = [true]", 1, "\"allow-send\" takes one value, not a list"},
    {"allow-host = [\"a.test\",\n 5]", 2, "\"allow-host\" takes a text in \"quotes\""},
    {"[serve]\nrequest-seconds = nan", 2, "a finite number"},
    {"model = \"a\\u0000b\"", 1, "without a zero byte"},
    // Values that the option refuses.
    {"\n\nthreads = 0", 3, "not in range 1 to 1024"},
    {"threads = 99999999999999", 1, "--threads"},
    {"rope-scaling = \"spiral\"", 1, "yarn"},
    {"log-level = \"loud\"", 1, "debug"},
    {"[serve]\nport = 70000", 2, "`baton serve --help` lists the allowed values"},
    {"[serve]\nport = -1", 2, "--port"},
    {"[serve]\napproval-hours = 2161", 2, "to 2160"},
    {"[run]\nroot = \"/nowhere/at/all\"", 2, "/nowhere/at/all"},
    // Texts that are not TOML.
    {"model = qwen", 1, "texts in \"quotes\""},
    {"threads = 4\nmodel = \"qwen", 2, "close the quotes"},
    {"model = 'qwen", 1, "close the quotes"},
    {"this is not TOML", 1, "write `key = value`"},
    {"threads 4", 1, "write `key = value`"},
    {"threads =", 1, "write `key = value`"},
    {"= 5", 1, "write `key = value`"},
    {"model = \"a\" \"b\"", 1, "write `key = value`"},
    {"[run\nseed = 1", 1, "write `key = value`"},
    {"allow-host = [\"a.test\"", 1, "write `key = value`"},
    {"threads = 4\nmodel = \"\x80\"", 2, "save the file as UTF-8"},
};

TEST_F(CliTest, every_mistake_in_the_config_file_is_refused_with_its_line_and_what_to_do) {
  for (const Mistake& mistake : kMistakes) {
    const std::string path = file("config.toml", std::string(mistake.text) + "\n");
    const Output out = baton("--config " + path + " history list");
    EXPECT_EQ(out.code, 2) << mistake.text << "\n" << out.text;
    EXPECT_THAT(out.text, HasSubstr("baton: " + path + ":" + std::to_string(mistake.line) + ": ")) << mistake.text;
    EXPECT_THAT(out.text, HasSubstr(mistake.remedy)) << mistake.text;
    EXPECT_THAT(out.text, Not(HasSubstr("No conversation yet"))) << mistake.text;
  }
}

TEST_F(CliTest, all_mistakes_of_a_config_file_are_said_at_once) {
  const std::string path = file("config.toml", "[serve]\nport = \"x\"\ntokn-file = 1\n[run]\nmax-turns = 0\n");
  const Output out = baton("--config " + path + " history list");
  EXPECT_EQ(out.code, 2);
  EXPECT_THAT(out.text, AllOf(HasSubstr(":2: \"port\""), HasSubstr(":3: there is no"), HasSubstr(":5: --max-turns")));
}

TEST_F(CliTest, a_config_file_that_is_named_must_be_there_and_readable) {
  const Output nowhere = baton("--config /nowhere/baton.toml history list");
  EXPECT_EQ(nowhere.code, 2);
  EXPECT_THAT(nowhere.text, AllOf(HasSubstr("/nowhere/baton.toml does not exist"), HasSubstr("leave out --config")));
  const Output folder = baton("history list --config=" + folder_.path().string());
  EXPECT_EQ(folder.code, 2);
  EXPECT_THAT(folder.text, HasSubstr("it is a folder"));
  EXPECT_THAT(baton("--config " + file("huge.toml", std::string(2 << 20, '#')) + " history list").text, HasSubstr("more than 1 MB"));
  EXPECT_EQ(baton("history list").code, 0) << "the usual one need not be there";
  std::filesystem::create_directories(folder_.path() / ".config/baton/config.toml");
  EXPECT_EQ(baton("history list").code, 2) << "but where it is it must be a file";
  EXPECT_EQ(baton("--config '' history list").code, 0) << "none is none";
}

TEST_F(CliTest, a_wrong_config_file_does_not_keep_help_from_anybody) {
  const std::string path = file("config.toml", "tokn-file = 1\n");
  EXPECT_EQ(baton("--config " + path + " --help").code, 0);
  EXPECT_EQ(baton("--config " + path + " serve --help").code, 0);
  EXPECT_EQ(baton("--config " + path + " --version").code, 0);
}

TEST_F(CliTest, all_that_is_right_in_a_config_file_is_taken) {
  const std::string path = file("config.toml", R"(# A comment
cpu = 'scalar'            # a literal string
threads = 1_0             # TOML's numbers
model = "tiny \"quoted\" \u00e9"
allow-host = [
  "a.test",
  "b.test",   # a comment in a list, and a comma at its end
]
api = []
allow-send = true
no-constrain = true
min-call-confidence = 0.4
rope-factor = 2
max-draft = 0
log-level = "error"
log-json = false

[run]
max-turns = 4
temperature = 0
top-p = 0.5
seed = 18_000
yes = true
after-tools = ""
tool = ["calculate"]

[history.list]
limit = 1

[tools]
json = true

[serve]
port = 0
request-seconds = 2.5
host = ["baton.test", "baton.test:443"]
permission = ["http_request=allow"]
)");
  const Json doctor = Json::parse(baton("--config " + path + " doctor --json").text);
  EXPECT_EQ(doctor["cpu"]["level"], "scalar");
  EXPECT_EQ(doctor["cpu"]["threads"], 10);
  EXPECT_EQ(doctor["model"]["name"], "tiny \"quoted\" é");
  EXPECT_EQ(doctor["config"]["path"], path);
  const std::string tools = baton("--config " + path + " tools").text;
  EXPECT_THAT(tools, AllOf(HasSubstr("\"name\":\"http_request\""), HasSubstr("a.test, b.test")));
  const std::string given = baton("--config " + path + " --allow-host c.test tools").text;
  EXPECT_THAT(given, AllOf(HasSubstr("c.test"), Not(HasSubstr("a.test")))) << "the command line wins";

  const std::string model = tiny_model();
  for (const char* question : {"one", "two"}) baton("-m " + model + " run --no-tools --max-output-tokens 1 " + question);
  EXPECT_EQ(Json::parse(baton("--config " + path + " history list --json").text)["title"], "two") << "one line, as limit says";
}

TEST_F(CliTest, log_level_takes_only_what_there_is) {
  const Output out = baton("--log-level loud history list");
  EXPECT_EQ(out.code, 2);
  EXPECT_THAT(out.text, HasSubstr("trace"));
}

}  // namespace
}  // namespace baton
