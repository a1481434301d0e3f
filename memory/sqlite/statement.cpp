#include "statement.h"

#include <sqlite3.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace baton::memory {

Error journal_error(errc code, const std::filesystem::path& file, const std::string& what) {
  return {code, "journal " + file.string() + ": " + what, "journal: " + what};
}

Error damaged(const std::filesystem::path& file, const std::string& detail) {
  const std::string name = file.string();
  const std::string last_line = detail.substr(detail.rfind('\n') + 1);  // the name of the connection's database precedes it
  Error error = journal_error(errc::corrupt, file,
                              "damaged (" + last_line + "). Move it and its -wal and -shm away; then put a backup in its place" +
                                  " (`baton history backup` makes them), or rescue what is readable: `sqlite3 " + name +
                                  " .recover | sqlite3 rescued.db` (docs/durability.md)");
  error.without_path = "journal: damaged (" + last_line + "); the operator of Baton must replace it with a backup";
  return error;
}

namespace {

Error translate(const std::filesystem::path& file, int status, const std::string& detail) {
  switch (status & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return journal_error(
          errc::locked, file,
          "another process holds it locked (" + detail + "); close the program that has it open, or try again, or name another file");
    case SQLITE_READONLY:
      return journal_error(errc::read_only, file, "the file or its folder is read-only; make both writable, or name another file");
    case SQLITE_FULL:
      return journal_error(errc::full, file,
                           "no space left on its disk; free some and try again. Everything that was committed before is safe");
    case SQLITE_NOTADB:
      return journal_error(errc::corrupt, file, "not a SQLite database; move it away, or name another file");
    case SQLITE_CORRUPT:
      return damaged(file, detail);
    case SQLITE_CANTOPEN:
      return journal_error(errc::io, file, "cannot be opened (" + detail + "); check that its folder exists and may be written");
    case SQLITE_CONSTRAINT:
      if (status == SQLITE_CONSTRAINT_FOREIGNKEY)
        return journal_error(errc::not_found, file,
                             "the conversation or response that this belongs to does not exist; it may have been deleted");
      return journal_error(errc::invalid_argument, file, "refused: " + detail);
    case SQLITE_TOOBIG:
      return journal_error(errc::invalid_argument, file, "a value is larger than SQLite allows (1 GB)");
    case SQLITE_NOMEM:
      return journal_error(errc::too_large, file, "there is not enough memory for this; close other programs, or ask for less");
    // This statement can never succeed. With errc::io the writer would retry it for ever.
    case SQLITE_ERROR:
    case SQLITE_MISMATCH:
    case SQLITE_RANGE:
    case SQLITE_MISUSE:
      return journal_error(errc::invalid_argument, file, "refused: " + detail);
    default:
      return journal_error(errc::io, file, "reading or writing failed (" + detail + "); check the disk, then try again");
  }
}

Error last_error(const std::filesystem::path& file, sqlite3* database) {
  return translate(file, sqlite3_extended_errcode(database), sqlite3_errmsg(database));
}

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

// The text with U+FFFD for whatever is not UTF-8.
std::string valid_utf8(std::string_view text) {
  using Json = nlohmann::json;
  return Json::parse(Json(text).dump(-1, ' ', false, Json::error_handler_t::replace)).get<std::string>();
}

}  // namespace

Statement::Statement(const std::filesystem::path& file, sqlite3* database, sqlite3_stmt* statement)
    : file_(file), database_(database), statement_(statement) {}

Statement::~Statement() { sqlite3_finalize(statement_); }

Statement& Statement::bind(int index, std::string_view text) {
  std::string valid;
  if (!is_ascii(text)) text = valid = valid_utf8(text);
  const int status = sqlite3_bind_text64(statement_, index, text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  if (status != SQLITE_OK) bind_status_ = status;
  return *this;
}

Statement& Statement::bind(int index, std::int64_t number) {
  const int status = sqlite3_bind_int64(statement_, index, number);
  if (status != SQLITE_OK) bind_status_ = status;
  return *this;
}

Statement& Statement::bind_blob(int index, const void* data, std::size_t size) {
  const int status = sqlite3_bind_blob64(statement_, index, data, size, SQLITE_TRANSIENT);
  if (status != SQLITE_OK) bind_status_ = status;
  return *this;
}

Result<bool> Statement::step() {
  if (bind_status_ != SQLITE_OK) return translate(file_, bind_status_, sqlite3_errstr(bind_status_));
  const int status = sqlite3_step(statement_);
  if (status == SQLITE_ROW) return true;
  if (status == SQLITE_DONE) return false;
  return last_error(file_, database_);
}

Result<void> Statement::run() {
  while (true) {
    const Result<bool> row = step();
    if (!row) {
      const Error error = row.error();
      reset();
      return error;
    }
    if (!*row) break;
  }
  reset();
  return {};
}

void Statement::reset() {
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
  bind_status_ = SQLITE_OK;
}

std::string Statement::text(int column) const { return std::string(blob(column)); }

std::int64_t Statement::number(int column) const { return sqlite3_column_int64(statement_, column); }

std::string_view Statement::blob(int column) const {
  const void* data = sqlite3_column_blob(statement_, column);
  return {static_cast<const char*>(data), data ? static_cast<std::size_t>(sqlite3_column_bytes(statement_, column)) : 0};
}

Result<std::unique_ptr<Database>> Database::open(const std::filesystem::path& file, std::chrono::milliseconds busy_timeout) {
  std::unique_ptr<Database> database(new Database(file));
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
  if (const int status = sqlite3_open_v2(file.c_str(), &database->handle_, flags, nullptr); status != SQLITE_OK) {
    if (!database->handle_) return translate(file, status, sqlite3_errstr(status));
    return last_error(file, database->handle_);
  }
  sqlite3_extended_result_codes(database->handle_, 1);
  sqlite3_busy_timeout(database->handle_, static_cast<int>(busy_timeout.count()));
  return database;
}

Database::~Database() {
  statements_.clear();
  sqlite3_close_v2(handle_);
}

Result<void> Database::exec(const char* sql) {
  if (sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) return last_error(file_, handle_);
  return {};
}

Result<StatementUse> Database::prepare(const char* sql) {
  const auto found = statements_.find(std::string_view(sql));
  if (found != statements_.end()) return StatementUse(found->second.get());
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v3(handle_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr) != SQLITE_OK) return last_error(file_, handle_);
  auto& kept = statements_[sql];
  kept = std::make_unique<Statement>(file_, handle_, statement);
  return StatementUse(kept.get());
}

Result<std::int64_t> Database::number(const char* sql) {
  Result<StatementUse> statement = prepare(sql);
  if (!statement) return statement.error();
  const Result<bool> row = (*statement)->step();
  if (!row) return row.error();
  return *row ? (*statement)->number(0) : std::int64_t{0};
}

Result<std::string> Database::text(const char* sql) {
  Result<StatementUse> statement = prepare(sql);
  if (!statement) return statement.error();
  const Result<bool> row = (*statement)->step();
  if (!row) return row.error();
  return *row ? (*statement)->text(0) : std::string();
}

Result<void> Database::copy_to(Database& target) const {
  sqlite3_backup* backup = sqlite3_backup_init(target.handle_, "main", handle_, "main");
  if (!backup) return last_error(target.file_, target.handle_);
  sqlite3_backup_step(backup, -1);
  if (sqlite3_backup_finish(backup) != SQLITE_OK) return last_error(target.file_, target.handle_);
  return {};
}

bool Database::in_transaction() const { return sqlite3_get_autocommit(handle_) == 0; }

bool Database::read_only() const { return sqlite3_db_readonly(handle_, "main") == 1; }

Transaction::~Transaction() {
  if (database_.in_transaction()) (void)database_.exec("ROLLBACK");
}

Result<void> Transaction::begin() { return run("BEGIN IMMEDIATE"); }

Result<void> Transaction::commit() { return run("COMMIT"); }

Snapshot::~Snapshot() {
  if (database_.in_transaction()) (void)database_.exec("COMMIT");
}

Result<void> Snapshot::begin() { return database_.exec("BEGIN"); }

// Cached as prepared statements, because each streamed token has a transaction.
Result<void> Transaction::run(const char* sql) {
  Result<StatementUse> statement = database_.prepare(sql);
  if (!statement) return statement.error();
  return (*statement)->run();
}

}  // namespace baton::memory
