#pragma once
// SQLite with values for errors: a connection and its statements. Neither is thread-safe; Connection (below) adds the mutex.
#include <baton/memory/error.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace baton::memory {

// An error about the journal `file`; `what` contains no path.
Error journal_error(errc code, const std::filesystem::path& file, const std::string& what);

// errc::corrupt, with a remedy.
Error damaged(const std::filesystem::path& file, const std::string& detail);

// A prepared statement. Parameters count from 1, columns from 0. A failed bind is reported by the next step().
class Statement {
 public:
  Statement(const std::filesystem::path& file, sqlite3* database, sqlite3_stmt* statement);
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;
  ~Statement();

  Statement& bind(int index, std::string_view text);  // bytes that are not UTF-8 become U+FFFD
  Statement& bind(int index, std::int64_t number);
  Statement& bind_blob(int index, const void* data, std::size_t size);

  Result<bool> step();  // true: there is a row
  Result<void> run();   // steps to the end, then resets
  void reset();

  std::string text(int column) const;
  std::int64_t number(int column) const;
  std::string_view blob(int column) const;  // valid until the next step

 private:
  const std::filesystem::path& file_;
  sqlite3* database_;
  sqlite3_stmt* statement_;
  int bind_status_ = 0;
};

// Resets a cached statement when its user leaves, so that no read transaction stays open.
struct ResetStatement {
  void operator()(Statement* statement) const { statement->reset(); }
};
using StatementUse = std::unique_ptr<Statement, ResetStatement>;

class Database {
 public:
  // ":memory:", or a file that is created if it does not exist.
  static Result<std::unique_ptr<Database>> open(const std::filesystem::path& file, std::chrono::milliseconds busy_timeout);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  Result<void> exec(const char* sql);             // any number of statements without parameters
  Result<StatementUse> prepare(const char* sql);  // cached for the next call, so two users must not use it at once
  Result<std::int64_t> number(const char* sql);   // the first column of the first row, 0 if there is no row
  Result<std::string> text(const char* sql);
  Result<void> copy_to(Database& target) const;  // a snapshot of the whole database
  bool in_transaction() const;
  bool read_only() const;
  const std::filesystem::path& file() const { return file_; }

 private:
  explicit Database(std::filesystem::path file) : file_(std::move(file)) {}
  std::filesystem::path file_;
  sqlite3* handle_ = nullptr;
  std::map<std::string, std::unique_ptr<Statement>, std::less<>> statements_;
};

// A transaction that rolls back unless commit() succeeded. BEGIN IMMEDIATE: it waits for other writers at its start, never in the middle.
class Transaction {
 public:
  explicit Transaction(Database& database) : database_(database) {}
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  Result<void> begin();
  Result<void> commit();

 private:
  Result<void> run(const char* sql);
  Database& database_;
};

// Several reads of one moment. Always ends with its scope.
class Snapshot {
 public:
  explicit Snapshot(Database& database) : database_(database) {}
  ~Snapshot();
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;
  Result<void> begin();

 private:
  Database& database_;
};

// A database shared between threads, and the mutex that its users hold.
struct Connection {
  std::mutex mutex;
  std::unique_ptr<Database> database;
};

}  // namespace baton::memory
