// Files that cannot be a journal, and disks that fail while one is open: each gives an error message, and nothing is lost.
#include <baton/memory/sqlite/statement.h>
#include <gmock/gmock.h>

#include <fstream>

#include "faulty_disk.h"

namespace baton::memory {
namespace {

using testing::HasSubstr;

Error open_error(const std::filesystem::path& file, int patience_ms = 50) {
  auto journal = Journal::open(file, {std::chrono::milliseconds(patience_ms)});
  return journal ? Error{errc::io, "it opened"} : journal.error();
}

std::string bytes_of(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST(JournalOpen, makes_folders_and_files_for_their_owner_alone) {
  TempFolder folder;
  open_journal(folder / "a/b/j.db");
  const auto none = std::filesystem::perms::group_all | std::filesystem::perms::others_all;
  for (const char* made : {"a/b", "a/b/j.db", "a/b/j.db-owners"})
    EXPECT_EQ(std::filesystem::status(folder / made).permissions() & none, std::filesystem::perms::none) << made;
}

TEST(JournalOpen, says_that_a_folder_is_no_file) {
  TempFolder folder;
  const Error error = open_error(folder.path());
  EXPECT_EQ(error.code, errc::io);
  EXPECT_THAT(error.message, HasSubstr(folder.path().string() + ": this is a folder; name a file in it"));
}

TEST(JournalOpen, says_that_a_file_is_in_the_way_of_its_folder) {
  TempFolder folder;
  std::ofstream(folder / "plain") << "x";
  EXPECT_EQ(open_error(folder / "plain/j.db").code, errc::io);
}

TEST(JournalOpen, leaves_a_file_alone_that_is_no_database) {
  TempFolder folder;
  const std::string text = "dear diary, " + std::string(5000, 'x');
  std::ofstream(folder / "notes.txt") << text;
  const Error error = open_error(folder / "notes.txt");
  EXPECT_EQ(error.code, errc::corrupt);
  EXPECT_THAT(error.message, HasSubstr("not a SQLite database"));
  EXPECT_EQ(bytes_of(folder / "notes.txt"), text);
}

TEST(JournalOpen, leaves_the_database_of_another_program_alone) {
  TempFolder folder;
  query(folder / "other.db", "CREATE TABLE t (x)");
  const std::string before = bytes_of(folder / "other.db");
  const Error error = open_error(folder / "other.db");
  EXPECT_EQ(error.code, errc::corrupt);
  EXPECT_THAT(error.message, HasSubstr("another program"));
  EXPECT_EQ(bytes_of(folder / "other.db"), before);
}

TEST(JournalOpen, leaves_a_newer_journal_alone) {
  TempFolder folder;
  open_journal(folder / "j.db");
  query(folder / "j.db", "PRAGMA user_version = 999");
  const std::string before = bytes_of(folder / "j.db");
  const Error error = open_error(folder / "j.db");
  EXPECT_EQ(error.code, errc::newer_version);
  EXPECT_THAT(error.message, HasSubstr("version 999"));
  EXPECT_THAT(error.message, HasSubstr("install a newer Baton"));
  EXPECT_EQ(bytes_of(folder / "j.db"), before);
}

TEST(JournalOpen, notices_a_damaged_file) {
  TempFolder folder;
  open_journal(folder / "j.db");
  std::string damaged = bytes_of(folder / "j.db");
  ASSERT_GT(damaged.size(), 4096u);
  for (std::size_t i = 100; i < damaged.size(); ++i) damaged[i] = static_cast<char>(i * 37);
  std::ofstream(folder / "j.db", std::ios::binary) << damaged;
  const Error error = open_error(folder / "j.db");
  EXPECT_EQ(error.code, errc::corrupt) << error.message;
}

TEST(JournalOpen, waits_for_a_lock_and_then_says_so) {
  TempFolder folder;
  auto journal = Journal::open(folder / "j.db", {std::chrono::milliseconds(50)}).value();
  write(*journal, start("conv_a", "resp_a"));
  sqlite3* other = nullptr;
  ASSERT_EQ(sqlite3_open((folder / "j.db").c_str(), &other), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(other, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
  const auto refused = journal->commit_and_wait(Batch().add(event("resp_a", "x")), Durability::power);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::locked);
  EXPECT_THAT(refused.error().message, HasSubstr("j.db: another process holds it locked"));
  EXPECT_TRUE(journal->events("resp_a")) << "reading continues";
  ASSERT_EQ(sqlite3_exec(other, "COMMIT", nullptr, nullptr, nullptr), SQLITE_OK);
  write(*journal, Batch().add(event("resp_a", "x")));
  journal.reset();
  ASSERT_EQ(sqlite3_exec(other, "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE", nullptr, nullptr, nullptr), SQLITE_OK);
  EXPECT_EQ(open_error(folder / "j.db").code, errc::locked);
  sqlite3_close(other);
}

TEST(JournalOpen, takes_its_files_from_everybody_else) {
  TempFolder folder;
  const auto file = folder / "j.db";
  const auto journal = open_journal(file);
  write(*journal, start("conv_a", "resp_a"));
  const auto open_to_all = std::filesystem::perms::owner_read | std::filesystem::perms::owner_write | std::filesystem::perms::group_read |
                           std::filesystem::perms::others_read;
  for (const char* suffix : {"", "-wal", "-shm", "-owners"}) std::filesystem::permissions(file.string() + suffix, open_to_all);
  const auto second = open_journal(file);
  for (const char* suffix : {"", "-wal", "-shm", "-owners"})
    EXPECT_EQ(std::filesystem::status(file.string() + suffix).permissions(),
              std::filesystem::perms::owner_read | std::filesystem::perms::owner_write)
        << suffix;
}

TEST(JournalOpen, tells_clients_no_path) {
  TempFolder folder;
  const auto journal = open_journal(folder / "j.db");
  const Error errors[] = {
      journal->response("resp_x").error(),       journal->conversation("last").error(),
      journal->item("item_x").error(),           journal->commit_and_wait(Batch().add(event("resp_x", "x")), Durability::power).error(),
      damaged(folder / "j.db", "row 1 missing"), open_error(folder.path())};
  for (const Error& error : errors) {
    EXPECT_THAT(error.message, HasSubstr(folder.path().string()));
    EXPECT_THAT(error.public_message(), testing::Not(HasSubstr(folder.path().string())));
    EXPECT_THAT(error.public_message(), testing::StartsWith("journal: "));
  }
  EXPECT_EQ(errors[0].public_message(), "journal: no response resp_x");
}

// Root may write everywhere, so such a test becomes an ordinary user for its duration.
class ReadOnly : public testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) return;
    std::filesystem::permissions(folder_.path(), std::filesystem::perms::all);
    ASSERT_EQ(seteuid(65534), 0);
    was_root_ = true;
  }
  void TearDown() override {
    if (was_root_) {
      ASSERT_EQ(seteuid(0), 0);
    }
  }
  TempFolder folder_;
  bool was_root_ = false;
};

TEST_F(ReadOnly, a_file_that_may_not_be_written) {
  open_journal(folder_ / "j.db");
  std::filesystem::permissions(folder_ / "j.db", std::filesystem::perms::owner_read);
  const Error error = open_error(folder_ / "j.db");
  EXPECT_EQ(error.code, errc::read_only) << error.message;
  EXPECT_THAT(error.message, HasSubstr("j.db: the file is read-only; make it writable"));
}

TEST_F(ReadOnly, a_file_of_somebody_else_that_others_may_read) {
  if (!was_root_) GTEST_SKIP() << "takes root";
  ASSERT_EQ(seteuid(0), 0);
  const auto file = folder_ / "j.db";
  open_journal(file);
  for (const char* suffix : {"", "-owners"})
    std::filesystem::permissions(file.string() + suffix, static_cast<std::filesystem::perms>(0666));
  ASSERT_EQ(seteuid(65534), 0);
  const Error error = open_error(file);
  EXPECT_EQ(error.code, errc::read_only);
  EXPECT_THAT(error.message, HasSubstr("j.db is open to other users and its mode cannot be changed"));
  EXPECT_THAT(error.message, HasSubstr("chmod 600"));
}

TEST_F(ReadOnly, a_folder_that_may_not_be_written) {
  std::filesystem::create_directory(folder_ / "shut");
  open_journal(folder_ / "shut/j.db");
  std::filesystem::remove(folder_ / "shut/j.db-owners");
  std::filesystem::permissions(folder_ / "shut", std::filesystem::perms::owner_read | std::filesystem::perms::owner_exec);
  EXPECT_EQ(open_error(folder_ / "shut/j.db").code, errc::read_only);
  const Error error = open_error(folder_ / "shut/new/j.db");
  EXPECT_EQ(error.code, errc::read_only);
  EXPECT_THAT(error.message, HasSubstr("cannot be created"));
  std::filesystem::permissions(folder_ / "shut", std::filesystem::perms::owner_all);
}

TEST_F(FaultyDisk, a_full_disk_is_said_and_what_was_committed_stays) {
  auto journal = open_journal(folder_ / "j.db");
  write(*journal, start("conv_a", "resp_a").add(event("resp_a", "before")));
  for (const Durability durability : {Durability::process, Durability::power}) {
    failing_errno = ENOSPC;
    const auto failed = journal->commit_and_wait(Batch().add(event("resp_a", "lost")), durability);
    failing_errno = 0;
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().code, errc::full) << failed.error().message;
    EXPECT_THAT(failed.error().message, HasSubstr("j.db: no space left on its disk; free some"));
  }
  write(*journal, Batch().add(event("resp_a", "after")));
  EXPECT_EQ(journal->events("resp_a").value().size(), 2u);
  EXPECT_EQ(journal->events("resp_a").value()[1].sequence_number, 1);
  journal.reset();
  EXPECT_EQ(query(folder_ / "j.db", "PRAGMA integrity_check"), "ok");
}

TEST_F(FaultyDisk, a_torn_write_loses_only_what_was_not_acknowledged) {
  for (int bytes = 1; bytes < 6000; bytes += 611) {
    TempFolder folder;
    auto journal = open_journal(folder / "j.db");
    write(*journal, start("conv_a", "resp_a").add(event("resp_a", "before")));
    torn_bytes = bytes;
    failing_errno = EIO;
    const auto failed = journal->commit_and_wait(Batch().add(event("resp_a", std::string(3000, 'x'))), Durability::power);
    EXPECT_EQ(failed.error().code, errc::io) << failed.error().message;
    journal.reset();  // the disk is still failing: no last checkpoint
    failing_errno = 0;
    journal = open_journal(folder / "j.db");
    const auto events = journal->events("resp_a").value();
    ASSERT_EQ(events.size(), 2u);
    EXPECT_EQ(events[0].type, "before");
    EXPECT_EQ(events[1].type, "response.incomplete");
    journal.reset();
    EXPECT_EQ(query(folder / "j.db", "PRAGMA integrity_check"), "ok");
  }
}

TEST_F(FaultyDisk, a_disk_that_is_full_from_the_start_is_said) {
  failing_errno = ENOSPC;
  const Error error = open_error(folder_ / "j.db");
  EXPECT_EQ(error.code, errc::full) << error.message;
}

}  // namespace
}  // namespace baton::memory
