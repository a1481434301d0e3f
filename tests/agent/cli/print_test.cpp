// Foreign text cannot control the terminal.
#include <gmock/gmock.h>

#include <filesystem>
#include <regex>

#include "cli_fixture.h"

namespace baton {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

const std::string kHostile = "\x1b]0;owned\a\x1b[2J\u009b31m\u202egpj.exe\x7f";
const std::string kVisible = "\\x1b]0;owned\\x07\\x1b[2J\\u009b31m\\u202egpj.exe\\x7f";

void expect_visible(const Output& out) {
  EXPECT_THAT(out.text, HasSubstr(kVisible));
  for (const char* raw : {"\x1b", "\a", "\u009b", "\u202e", "\x7f"}) EXPECT_THAT(out.text, Not(HasSubstr(raw)));
}

class PrintTest : public CliTest {
 protected:
  // A string literal of SQL.
  static std::string sql() { return "'" + kHostile + "'"; }
};

TEST_F(PrintTest, titles_messages_and_notes_of_the_journal_are_made_visible) {
  baton("-m " + tiny_model() + " run --no-tools --max-output-tokens 2 hello");
  execute("UPDATE conversations SET title = " + sql());
  execute("UPDATE responses SET rating = 'bad', rating_note = " + sql());
  execute("UPDATE items SET content = json_set(content, '$.content[0].text', " + sql() + ")");
  for (const char* command : {"history list", "history show last", "history export last"}) {
    const Output out = baton(command);
    EXPECT_EQ(out.code, 0);
    if (std::string(command) != "history export last") expect_visible(out);
    EXPECT_THAT(out.text, Not(HasSubstr("\u009b"))) << command;
  }
  const Output json = baton("history list --json");
  EXPECT_EQ(Json::parse(json.text)["title"], kHostile) << "JSON means what is stored";
  for (const char* raw : {"\x1b", "\u009b", "\u202e", "\x7f"}) EXPECT_THAT(json.text, Not(HasSubstr(raw)));
  EXPECT_THAT(baton("history show last").text, HasSubstr("user: " + kVisible));
}

TEST_F(PrintTest, a_title_of_two_lines_cannot_pass_for_a_second_row) {
  baton("-m " + tiny_model() + " run --no-tools --max-output-tokens 2 hello");
  execute("UPDATE conversations SET title = 'one' || char(10) || 'conv_other  2026'");
  EXPECT_THAT(baton("history list").text, HasSubstr("one\\nconv_other"));
}

TEST_F(PrintTest, errors_are_made_visible) {
  expect_visible(baton("-m " + tiny_model("{{ raise_exception('" + kHostile + "') }}") + " run hello"));
}

TEST_F(PrintTest, names_in_a_model_file_are_made_visible) {
  test::TinyShape shape;
  shape.n_vocab = 258;
  test::TinyModel tiny(shape);
  test::add_byte_vocabulary(tiny.writer(), "qwen2", {}, {{"<|im_start|>", 3}, {kHostile.c_str(), 3}});
  tiny.writer().add_u32("tokenizer.ggml.eos_token_id", 257).add("tokenizer.chat_template", "{# " + kHostile + " #}");
  tiny.writer().add("general.description", kHostile);
  const std::string path = (folder_.path() / "hostile.gguf").string();
  ASSERT_TRUE(tiny.writer().save(path));
  expect_visible(baton("inspect " + path));
  EXPECT_THAT(baton("inspect --json " + path).text, AllOf(Not(HasSubstr("\u009b")), Not(HasSubstr("\x7f"))));
}

TEST_F(PrintTest, tools_of_a_file_are_made_visible) {
  const Json tool = {{"name", "look"}, {"description", kHostile}, {"url", "https://x.test/"}};
  expect_visible(baton("tools --api " + file("api.json", tool.dump())));
  const Output checked = baton("tools check " + file("tools.json", Json::array({{{"name", kHostile}}}).dump()));
  for (const char* raw : {"\x1b", "\a", "\u009b", "\u202e", "\x7f"}) EXPECT_THAT(checked.text, Not(HasSubstr(raw)));
}

// print.h is the only way to print; any other way would let escapes through again.
TEST(PrintSources, no_command_prints_by_other_means) {
  const std::regex printing(R"(fmt::print|std::c(out|err|log)\b|\b(f|v|vf)?printf *\(|\bf?put(s|c|char) *\(|\bfwrite *\(|\bperror *\()");
  int n_files = 0;
  for (const char* folder : {"cli", "commands", "terminal"}) {
    for (const auto& entry : std::filesystem::directory_iterator(std::string(BATON_SOURCE_DIR) + "/agent/" + folder)) {
      if (entry.path().extension() != ".cpp" || entry.path().filename() == "print.cpp") continue;
      ++n_files;
      std::ifstream in(entry.path());
      int number = 0;
      for (std::string line; std::getline(in, line);) {
        ++number;
        EXPECT_FALSE(std::regex_search(line, printing)) << entry.path() << ":" << number << ": use print.h: " << line;
      }
    }
  }
  EXPECT_GT(n_files, 20);
}

}  // namespace
}  // namespace baton
