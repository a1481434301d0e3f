#pragma once
// Single rows of the journal: written inside a transaction of the caller, read by the queries.
#include "batch.h"
#include "statement.h"

namespace baton::memory {

inline constexpr const char* kTerminalTypes = "('response.completed', 'response.failed', 'response.incomplete', 'response.cancelled')";
// JSON nested deeper than this is refused: nlohmann writes and compares it by recursion.
inline constexpr int kMaxJsonDepth = 512;

// Writes one record. Events get their number. `owner` is ours (owners.h), for responses.
Result<void> write(Database& database, Write& record, std::int64_t owner);

// Whose open responses or tool invocations are in the file.
Result<std::vector<std::int64_t>> owners_of_open_runs(Database& database);
// Ends the responses of `owner` that are still open, but for the durable ones: incomplete, reason "interrupted", one terminal event, open
// tool invocations unknown.
Result<void> end_responses_of(Database& database, std::int64_t owner);
// Takes over the durable responses of `owner` that are still open.
Result<void> adopt_responses_of(Database& database, std::int64_t owner, std::int64_t self);

Result<std::vector<Conversation>> read_conversations(Database& database, int limit, int offset);
Result<Conversation> read_conversation(Database& database, const std::string& id);
Result<std::vector<Response>> read_responses(Database& database, const std::string& conversation_id);
Result<Response> read_response(Database& database, const std::string& id);
Result<std::vector<Response>> read_unfinished(Database& database);
Result<std::vector<Response>> read_unfinished_of(Database& database, std::int64_t owner);
Result<std::vector<Item>> read_items_of_response(Database& database, const std::string& id);
Result<Item> read_item(Database& database, const std::string& id);
Result<Claim> read_claim(Database& database, const std::string& key);
Result<std::vector<std::string>> read_allowed_tools(Database& database, const std::string& conversation_id);
Result<std::vector<Item>> read_items(Database& database, const std::string& conversation_id);
Result<std::vector<Event>> read_events(Database& database, const std::string& response_id, std::int64_t after);
Result<std::vector<ToolInvocation>> read_tool_invocations(Database& database, const std::string& response_id);
Result<std::vector<SearchHit>> search_items(Database& database, const std::string& words, int limit);

// transfer.cpp: a conversation as one JSON value, and back.
Result<Json> read_export(Database& database, const std::string& conversation_id);
struct Imported {
  Conversation conversation;
  std::vector<Write> writes;  // all of it
};
Result<Imported> from_export(const Json& exported);
// The event that ends a run of a process that is no more.
Event interrupted_event(const std::string& response_id);

// upkeep.cpp
Result<void> check_for_damage(Database& database);
Result<void> backup_to(const Database& database, const std::filesystem::path& to);
Result<Vacuumed> vacuum_file(Database& database);

}  // namespace baton::memory
