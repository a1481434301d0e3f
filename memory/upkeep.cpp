#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "records.h"

namespace baton::memory {
namespace {

Error cannot_write(const std::filesystem::path& to, int reason) {
  const errc code = reason == ENOSPC                                         ? errc::full
                    : reason == EACCES || reason == EPERM || reason == EROFS ? errc::read_only
                    : reason == EEXIST                                       ? errc::exists
                                                                             : errc::io;
  const std::string advice =
      code == errc::exists ? " already exists; name a new file"
                           : std::string(": ") + std::strerror(reason) +
                                 (code == errc::full ? "; free some space and try again" : "; check its folder, or name another file");
  return {code, "backup " + to.string() + advice};
}

// Makes the name durable too.
void sync_folder(const std::filesystem::path& file) {
  const int folder = ::open(std::filesystem::absolute(file).parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return;
  ::fsync(folder);
  ::close(folder);
}

Result<void> copy_whole(const Database& database, const std::filesystem::path& to) {
  Result<std::unique_ptr<Database>> target = Database::open(to, std::chrono::milliseconds(0));
  if (!target) return target.error();
  if (Result<void> done = database.copy_to(**target); !done) return done;
  // The copy must be a single file, with nothing left in a WAL.
  if (const Result<std::string> mode = (*target)->text("PRAGMA journal_mode = DELETE"); !mode) return mode.error();
  return check_for_damage(**target);
}

}  // namespace

Result<void> check_for_damage(Database& database) {
  const Result<std::string> found = database.text("PRAGMA quick_check(1)");
  if (!found) return found.error();
  if (*found != "ok") return damaged(database.file(), *found);
  return {};
}

// Written under another name until it is complete, so that half a backup is never mistaken for a whole one.
Result<void> backup_to(const Database& database, const std::filesystem::path& to) {
  std::error_code ignored;
  if (std::filesystem::exists(to, ignored)) return cannot_write(to, EEXIST);
  std::string part = to.string() + ".XXXXXX";
  const int descriptor = ::mkostemp(part.data(), O_CLOEXEC);  // mode 0600: conversations are private
  if (descriptor < 0) return cannot_write(to, errno);
  ::close(descriptor);
  Result<void> done = copy_whole(database, part);
  if (done && ::renameat2(AT_FDCWD, part.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) != 0 &&
      (errno != EINVAL || ::rename(part.c_str(), to.c_str()) != 0))
    done = cannot_write(to, errno);
  if (done)
    sync_folder(to);
  else
    ::unlink(part.c_str());
  return done;
}

Result<Vacuumed> vacuum_file(Database& database) {
  const char* const size = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size";
  const Result<std::int64_t> before = database.number(size);
  if (!before) return before.error();
  for (const char* step : {"INSERT INTO items_search (items_search) VALUES ('optimize')", "VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"})
    if (Result<void> done = database.exec(step); !done) return done.error();
  const Result<std::int64_t> after = database.number(size);
  if (!after) return after.error();
  return Vacuumed{*before, *after};
}

}  // namespace baton::memory
