// The journal as a user handles it: ratings, forks, exports, backups.
#include <gmock/gmock.h>

#include <filesystem>

#include "cli_fixture.h"

namespace baton {
namespace {

using testing::HasSubstr;
using testing::Not;

class HistoryTest : public CliTest {
 protected:
  void SetUp() override { baton("-m " + tiny_model() + " run --no-tools --max-output-tokens 3 hello"); }
  Json json(const std::string& arguments) {
    const Output out = baton(arguments);
    EXPECT_EQ(out.code, 0) << out.text;
    return Json::parse(out.text, nullptr, false);
  }
  std::string path(const char* name) const { return (folder_.path() / name).string(); }
  std::string read(const std::string& name) {
    std::ifstream in(name, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
};

TEST_F(HistoryTest, an_answer_is_rated_and_shown_with_its_rating) {
  const std::string response = json("history show last --json")["responses"][0]["id"];
  EXPECT_EQ(json("rate last good --json")["response"], response);
  EXPECT_THAT(baton("history list").text, HasSubstr("good"));
  EXPECT_EQ(baton("rate " + response + " bad 'wrong city'").code, 0);
  EXPECT_THAT(baton("history show last").text, HasSubstr("rated bad: wrong city"));
  EXPECT_EQ(json("history show last --json")["responses"][0]["rating_note"], "wrong city");
  EXPECT_EQ(json("history list --json")["rating"], "bad");
  EXPECT_EQ(json("rate last none --json")["rating"], "");
  EXPECT_THAT(baton("history show last").text, Not(HasSubstr("rated")));
  EXPECT_EQ(baton("rate last splendid").code, 2);
  for (const char* nobody : {"resp_nobody", "conv_nobody"}) {
    const Output refused = baton(std::string("rate ") + nobody + " good");
    EXPECT_EQ(refused.code, 1);
    EXPECT_THAT(refused.text, HasSubstr(nobody));
  }
}

TEST_F(HistoryTest, a_fork_begins_like_its_original_and_may_end_earlier) {
  const Json original = json("history show last --json");
  const std::string id = original["id"], first = original["items"][0]["id"];
  ASSERT_GE(original["items"].size(), 2u);
  const Json whole = json("history fork " + id + " --json");
  EXPECT_EQ(whole["forked_from"], id);
  EXPECT_EQ(json("history show " + whole["id"].get<std::string>() + " --json")["items"], original["items"]);
  const Json part = json("history fork " + id + " " + first + " --json");
  EXPECT_EQ(json("history show " + part["id"].get<std::string>() + " --json")["items"].size(), 1u);
  const Output nothing = baton("history fork " + id + " item_nobody");
  EXPECT_EQ(nothing.code, 1);
  EXPECT_THAT(nothing.text, HasSubstr("item_nobody"));
  EXPECT_EQ(baton("history fork conv_nobody").code, 1);
  const Output next = baton("-m " + tiny_model() + " run -c " + part["id"].get<std::string>() + " --no-tools --max-output-tokens 2 again");
  EXPECT_THAT(next.text, HasSubstr("prompt tokens")) << next.text;
}

TEST_F(HistoryTest, what_is_exported_can_be_imported_elsewhere_and_is_the_same) {
  const std::string file = path("one.json"), id = json("history show last --json")["id"];
  EXPECT_EQ(json("history export last -o " + file + " --json")["conversation"], id);
  EXPECT_EQ(read(file), baton("history export last").text);
  EXPECT_EQ(std::filesystem::status(file).permissions() & std::filesystem::perms::all,
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  const std::string shown = baton("history show last --json").text;
  const Output here = baton("history import " + file);
  EXPECT_EQ(here.code, 1);
  EXPECT_THAT(here.text, HasSubstr("already exists"));
  EXPECT_EQ(json("--journal " + path("other.db") + " history import " + file + " --json")["id"], id);
  EXPECT_EQ(baton("--journal " + path("other.db") + " history show last --json").text, shown);
  EXPECT_EQ(baton("--journal " + path("other.db") + " history export last").text, read(file));
  EXPECT_THAT(baton("history export last -o " + file).text, HasSubstr("already exists"));
  EXPECT_EQ(read(file), baton("history export last").text) << "and it is left as it was";
}

TEST_F(HistoryTest, a_file_that_is_no_export_is_refused_with_its_name_and_leaves_nothing) {
  const auto refused = [&](const std::string& name) {
    const Output out = baton("--journal " + path("other.db") + " history import " + name);
    EXPECT_EQ(out.code, 1) << out.text;
    EXPECT_THAT(out.text, HasSubstr(name));
    EXPECT_THAT(baton("--journal " + path("other.db") + " history list").text, HasSubstr("No conversation yet"));
    return out.text;
  };
  EXPECT_THAT(refused(path("nowhere.json")), HasSubstr("nowhere.json"));
  EXPECT_THAT(refused(file("notes.txt", "dear diary")), HasSubstr("baton history export"));
  EXPECT_THAT(refused(file("other.json", R"({"format": "zip"})")), HasSubstr("baton history export"));
  Json newer = Json::parse(baton("history export last").text);
  newer["version"] = 99;
  EXPECT_THAT(refused(file("newer.json", newer.dump())), HasSubstr("install a newer Baton"));
  newer["version"] = 1;
  newer.erase("items");
  EXPECT_THAT(refused(file("cut.json", newer.dump())), HasSubstr("items"));
}

TEST_F(HistoryTest, a_backup_is_a_journal_of_its_own) {
  const std::string file = path("backup.db");
  EXPECT_GT(json("history backup " + file + " --json")["bytes"].get<int>(), 0);
  EXPECT_THAT(baton("--journal " + file + " history list").text, HasSubstr("hello"));
  const Output again = baton("history backup " + file);
  EXPECT_EQ(again.code, 1);
  EXPECT_THAT(again.text, HasSubstr("backup.db already exists"));
  EXPECT_EQ(baton("history backup " + path("no/such/folder/b.db")).code, 1);
}

// A daemon that was killed left its run open for the next daemon.
TEST_F(HistoryTest, what_a_dead_process_has_left_open_is_deleted) {
  execute("UPDATE responses SET status = 'in_progress', durable = 1");
  EXPECT_EQ(baton("history delete last --yes").code, 0);
  EXPECT_EQ(baton("history show last").code, 1);
}

TEST_F(HistoryTest, vacuum_says_what_it_gained) {
  EXPECT_EQ(baton("history delete last --yes").code, 0);
  const Json done = json("history vacuum --json");
  EXPECT_LE(done["after_bytes"].get<int>(), done["before_bytes"].get<int>());
  EXPECT_THAT(baton("history vacuum").text, HasSubstr("bytes, previously "));
}

TEST_F(HistoryTest, a_damaged_journal_is_refused_with_what_to_do) {
  std::string bytes = read(journal());
  ASSERT_GT(bytes.size(), 8192u);
  for (std::size_t page = 4096; page < bytes.size(); page += 4096) bytes.replace(page, 8, 8, '\xff');
  std::ofstream(journal(), std::ios::binary) << bytes;
  const Output out = baton("history list");
  EXPECT_EQ(out.code, 1);
  EXPECT_THAT(out.text, HasSubstr("baton history backup"));
  EXPECT_THAT(out.text, HasSubstr(".recover"));
  EXPECT_EQ(read(journal()), bytes);
}

}  // namespace
}  // namespace baton
