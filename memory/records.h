#pragma once
// Single rows of the journal: written inside a transaction of the caller, read by the queries.
#include <baton/memory/sqlite/statement.h>
#include "batch.h"

namespace baton::memory {

// JSON nested deeper than this is refused: nlohmann writes and compares it by recursion.
inline constexpr int kMaxJsonDepth = 512;

// The writing process, and the time.
struct Writing {
  std::int64_t owner = 0;     // this process (owners.h), for responses and conversations
  std::int64_t clock_ms = 0;  // clock.h
};

// Writes records within one transaction or savepoint of the caller, who calls finish() before it ends. New items become searchable in
// finish(), all at once: FTS5 writes a segment of its index for each statement that adds to it.
class RecordWriter {
 public:
  RecordWriter(Database& database, const Writing& by) : database_(database), by_(by) {}
  Result<void> write(Write& record);  // events get their number
  Result<void> finish();

 private:
  Database& database_;
  const Writing by_;
  std::optional<std::int64_t> searchable_;  // the search index has the items up to this n; null: all
};

// recovery.cpp: ending or adopting the runs of processes that have ended.
using Alive = std::function<bool(std::int64_t owner)>;
// Ends the open runs of dead owners: incomplete, reason "interrupted", one terminal event, open tool invocations unknown. With `adopter`,
// it becomes the owner of the durable ones, which count one more attempt; without it, they are left.
Result<void> end_dead_runs(Database& database, const Alive& alive, std::optional<std::int64_t> adopter);
// Ends the open runs of `owner` that more than `max_attempts` processes have had. Reads only their ids.
Result<void> give_up_runs_of(Database& database, std::int64_t owner, int max_attempts);
Result<std::vector<std::string>> open_run_ids_of(Database& database, std::int64_t owner);  // oldest first
Result<void> remove_dead_temporaries(Database& database, const Alive& alive);
Result<void> forget_answers(Database& database, std::int64_t before_ms);
// Ends one open response as interrupted.
Result<void> end_response(Database& database, const std::string& id);
// Marks the open tool invocations of an ended response as no longer running.
Result<void> close_invocations_of(Database& database, const std::string& response_id);

// queries.cpp. `self`: the owner whose responses count as ours.
Result<std::vector<Conversation>> read_conversations(Database& database, int limit, int offset);
Result<Conversation> read_conversation(Database& database, const std::string& id);
Result<std::vector<Response>> read_responses(Database& database, const std::string& conversation_id, std::int64_t self);
Result<Response> read_response(Database& database, const std::string& id, std::int64_t self);
Result<std::vector<Response>> read_unfinished(Database& database, std::int64_t self);
Result<std::string> read_conversation_id_of(Database& database, const std::string& response_id);
// The owner of an open response; 0 if it is over.
Result<std::int64_t> read_owner_of_open(Database& database, const std::string& response_id);
Result<std::vector<ResponseHead>> read_response_heads(Database& database, const std::string& conversation_id, std::int64_t self);
Result<std::vector<Item>> read_items_of_response(Database& database, const std::string& id);
Result<Item> read_item(Database& database, const std::string& id);
// errc::thread_too_large: its items have more than kMaxThreadBytes, or would have with `more` bytes.
Result<void> check_thread_bytes(Database& database, const std::string& conversation_id, std::int64_t more);
Result<std::int64_t> read_item_bytes(Database& database, const std::string& id);  // errc::not_found
Result<Claim> read_claim(Database& database, const std::string& key);
Result<std::string> read_approval_answer(Database& database, const std::string& approval_id);
Result<std::vector<std::string>> read_allowed_tools(Database& database, const std::string& conversation_id);
Result<std::vector<Item>> read_items(Database& database, const std::string& conversation_id);
Result<std::vector<Event>> read_events(Database& database, const std::string& response_id, std::int64_t after);
Result<std::vector<Event>> read_events_of_type(Database& database, const std::string& response_id, const std::string& type);
Result<std::vector<ToolInvocation>> read_tool_invocations(Database& database, const std::string& response_id);
Result<std::vector<SearchHit>> search_items(Database& database, const std::string& words, int limit);

// snapshots.cpp: several of the above at one moment.
Result<Thread> read_thread(Database& database, const std::string& conversation_id, std::int64_t self);
Result<Thread> read_thread_of(Database& database, const std::string& response_id, std::int64_t self);
Result<RunRecord> read_run_record(Database& database, const std::string& response_id, std::int64_t self);
Result<Told> read_told(Database& database, const std::string& response_id, std::int64_t after, std::int64_t self);
Result<std::vector<Item>> read_items_by_id(Database& database, const std::vector<std::string>& ids, std::size_t max_bytes);

// transfer.cpp: a conversation as one JSON value, and back.
Result<Json> read_export(Database& database, const std::string& conversation_id);
struct Imported {
  Conversation conversation;
  std::vector<Write> writes;  // all of it
};
Result<Imported> from_export(const Json& exported);

// upkeep.cpp
Result<void> check_for_damage(Database& database);
Result<void> backup_to(const Database& database, const std::filesystem::path& to);
Result<Vacuumed> vacuum_file(Database& database);

}  // namespace baton::memory
