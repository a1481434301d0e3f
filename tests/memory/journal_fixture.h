#pragma once
// Shared by the journal's tests: a temporary folder, and short ways to write records.
#include <baton/memory/journal.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <unistd.h>

#include <filesystem>
#include <string>

namespace baton::memory {

class TempFolder {
 public:
  TempFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "baton-journal-XXXXXX").string();
    path_ = mkdtemp(pattern.data());
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::filesystem::path operator/(const char* name) const { return path_ / name; }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

inline std::unique_ptr<Journal> open_journal(const std::filesystem::path& file) {
  auto journal = Journal::open(file);
  if (!journal) {
    ADD_FAILURE() << journal.error().message;
    std::abort();
  }
  return std::move(*journal);
}

inline Event delta(const std::string& response, const std::string& text, const std::string& item = "item_1") {
  const std::string type = "response.output_text.delta";
  return {response, 0, type, {{"type", type}, {"item_id", item}, {"delta", text}}};
}

inline Event event(const std::string& response, const std::string& type) { return {response, 0, type, {{"type", type}}}; }

inline Item message(const std::string& id, const std::string& conversation, const std::string& response, const std::string& text) {
  Item item;
  item.id = id;
  item.conversation_id = conversation;
  item.response_id = response;
  item.content = {{"type", "message"}, {"content", text}};
  item.text = text;
  return item;
}

inline Response response(const std::string& id, const std::string& conversation, const std::string& status = "in_progress") {
  Response response;
  response.id = id;
  response.conversation_id = conversation;
  response.status = status;
  return response;
}

inline Conversation conversation(const std::string& id, const std::string& title = "title") {
  Conversation conversation;
  conversation.id = id;
  conversation.title = title;
  return conversation;
}

// A conversation `conv` with a run `resp` in progress.
inline Batch start(const std::string& conv, const std::string& resp) {
  Batch batch;
  batch.put(conversation(conv)).put(response(resp, conv));
  return batch;
}

inline void write(Journal& journal, Batch batch, Durability durability = Durability::power) {
  const auto done = journal.commit_and_wait(std::move(batch), durability);
  ASSERT_TRUE(done) << done.error().message;
}

inline std::string text_of(const std::vector<Event>& events) {
  std::string text;
  for (const Event& event : events)
    if (event.data.contains("delta")) text += event.data["delta"].get<std::string>();
  return text;
}

// The first column of the first row, read by a connection of our own.
inline std::string query(const std::filesystem::path& file, const char* sql) {
  sqlite3* database = nullptr;
  sqlite3_stmt* statement = nullptr;
  std::string value = "?";
  if (sqlite3_open(file.c_str(), &database) == SQLITE_OK && sqlite3_prepare_v2(database, sql, -1, &statement, nullptr) == SQLITE_OK) {
    const int status = sqlite3_step(statement);
    if (status == SQLITE_ROW && sqlite3_column_text(statement, 0)) value = reinterpret_cast<const char*>(sqlite3_column_text(statement, 0));
    if (status == SQLITE_DONE) value = "";
  }
  sqlite3_finalize(statement);
  sqlite3_close(database);
  return value;
}

}  // namespace baton::memory
