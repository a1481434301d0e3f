#include <baton/memory/sqlite/schema.h>

#include <gmock/gmock.h>

#include "journal_fixture.h"

namespace baton::memory {
namespace {

using testing::HasSubstr;

std::unique_ptr<Database> database(const std::filesystem::path& file) {
  return Database::open(file, std::chrono::milliseconds(100)).value();
}

TEST(Schema, takes_an_older_file_through_the_steps_it_lacks_and_keeps_its_rows) {
  TempFolder folder;
  const auto file = folder / "j.db";
  const char* const steps[] = {"CREATE TABLE a (x); INSERT INTO a VALUES (1)", "ALTER TABLE a ADD COLUMN y DEFAULT 7",
                               "CREATE TABLE b (z)"};
  ASSERT_TRUE(migrate(*database(file), std::span(steps, 1)));
  ASSERT_TRUE(migrate(*database(file), std::span(steps, 3)));
  ASSERT_TRUE(migrate(*database(file), std::span(steps, 3)));
  EXPECT_EQ(query(file, "SELECT x || ' ' || y FROM a"), "1 7");
  EXPECT_EQ(query(file, "SELECT count(*) FROM a"), "1") << "a step runs once";
  EXPECT_EQ(query(file, "PRAGMA user_version"), "3");
}

TEST(Schema, a_step_that_fails_leaves_the_file_as_it_was) {
  TempFolder folder;
  const auto file = folder / "j.db";
  const char* const steps[] = {"CREATE TABLE a (x)", "CREATE TABLE b (y)", "CREATE TABLE a (x)"};
  ASSERT_TRUE(migrate(*database(file), std::span(steps, 1)));
  EXPECT_FALSE(migrate(*database(file), std::span(steps, 3)));
  EXPECT_EQ(query(file, "PRAGMA user_version"), "1");
  EXPECT_EQ(query(file, "SELECT group_concat(name) FROM sqlite_schema"), "a");
}

TEST(Schema, the_journal_of_today_opens_with_the_version_of_its_steps) {
  TempFolder folder;
  open_journal(folder / "j.db");
  EXPECT_EQ(query(folder / "j.db", "PRAGMA user_version"), std::to_string(schema_steps().size()));
  EXPECT_EQ(query(folder / "j.db", "PRAGMA application_id"), std::to_string(kApplicationId));
  EXPECT_EQ(query(folder / "j.db", "PRAGMA integrity_check"), "ok");
}

TEST(Journal, keeps_valid_utf8_whatever_it_is_given) {
  TempFolder folder;
  const auto journal = open_journal(folder / "j.db");
  Conversation conversation;
  conversation.id = "conv_a";
  conversation.title = "a\xff\xe2\x82z";
  ASSERT_TRUE(journal->commit_and_wait(Batch().put(conversation), Durability::power));
  EXPECT_EQ(journal->conversation("conv_a").value().title, "a\uFFFD\uFFFDz");
}

}  // namespace
}  // namespace baton::memory
