#include "records.h"
#include "response_end.h"

namespace baton::memory {
namespace {

// The first column of all rows of a bound statement, read to the end before anything is written.
Result<std::vector<std::string>> texts(Statement& statement) {
  std::vector<std::string> all;
  while (true) {
    const Result<bool> row = statement.step();
    if (!row) return row.error();
    if (!*row) return all;
    all.push_back(statement.text(0));
  }
}

Result<std::vector<std::int64_t>> numbers(Database& database, const char* sql) {
  auto select = database.prepare(sql);
  if (!select) return select.error();
  std::vector<std::int64_t> all;
  while (true) {
    const Result<bool> row = (*select)->step();
    if (!row) return row.error();
    if (!*row) return all;
    all.push_back((*select)->number(0));
  }
}

// ('response.completed', ..), for SQL.
std::string terminal_types() {
  std::string list;
  for (const std::string_view type : kTerminalEvents) list.append(list.empty() ? "('" : "', '").append(type);
  return list + "')";
}

// A run whose terminal event was committed, but whose row was not updated, needs no second end.
Result<std::string> status_by_terminal_event(Database& database, const std::string& response_id) {
  static const std::string kSelect = std::string("SELECT type FROM events WHERE response_id = ? AND type IN ") + terminal_types();
  auto statement = database.prepare(kSelect.c_str());
  if (!statement) return statement.error();
  const Result<bool> row = (*statement)->bind(1, response_id).step();
  if (!row) return row.error();
  return *row ? (*statement)->text(0).substr(std::string("response.").size()) : std::string();
}

Result<void> end_as(Database& database, const std::string& id, const std::string& status, const std::string& reason) {
  auto update = database.prepare("UPDATE responses SET status = ?, reason = ?, finished_ms = ? WHERE id = ?");
  if (!update) return update.error();
  return (*update)->bind(1, status).bind(2, reason).bind(3, now_ms()).bind(4, id).run();
}

// Ends the open responses of `owner`, except for the durable ones.
Result<void> end_responses_of(Database& database, std::int64_t owner) {
  std::vector<std::string> open;
  {
    // A durable run whose terminal event was stored has nothing left to continue.
    static const std::string kEnding =
        std::string("SELECT id FROM responses WHERE owner = ? AND status IN ('queued', 'in_progress') AND (durable = 0 OR EXISTS") +
        " (SELECT 1 FROM events WHERE response_id = responses.id AND type IN " + terminal_types() + "))";
    auto select = database.prepare(kEnding.c_str());
    if (!select) return select.error();
    (*select)->bind(1, owner);
    Result<std::vector<std::string>> ids = texts(**select);
    if (!ids) return ids.error();
    open = std::move(*ids);
  }
  for (const std::string& id : open)
    if (Result<void> done = end_response(database, id); !done) return done;
  // The invocations of runs that ended before their owner did are included.
  auto unknown = database.prepare(
      "UPDATE tool_invocations SET status = 'unknown', finished_ms = ? WHERE status = 'intent' AND EXISTS (SELECT 1 FROM responses"
      " WHERE id = tool_invocations.response_id AND owner = ? AND NOT (durable AND status IN ('queued', 'in_progress')))");
  if (!unknown) return unknown.error();
  return (*unknown)->bind(1, now_ms()).bind(2, owner).run();
}

// Takes over the open durable responses of `owner`.
Result<void> adopt_responses_of(Database& database, std::int64_t owner, std::int64_t self) {
  auto update = database.prepare(
      "UPDATE responses SET owner = ?, attempts = attempts + 1 WHERE owner = ? AND durable = 1 AND status IN ('queued', 'in_progress')");
  if (!update) return update.error();
  return (*update)->bind(1, self).bind(2, owner).run();
}

Result<void> give_up(Database& database, const std::string& id, int max_attempts) {
  const std::string why = "it was in progress when Baton was killed, " + std::to_string(max_attempts) + " times; it is not tried again";
  if (Result<void> done = end_as(database, id, "failed", why); !done) return done;
  if (Result<void> done = close_invocations_of(database, id); !done) return done;
  Write record = failed_event(id, why);
  return RecordWriter(database, {}).write(record);
}

// Whether a run of this conversation is queued or in progress, or belongs to a living process.
Result<bool> in_use(Database& database, const std::string& conversation_id, const Alive& alive) {
  auto select = database.prepare("SELECT owner, status IN ('queued', 'in_progress') FROM responses WHERE conversation_id = ?");
  if (!select) return select.error();
  (*select)->bind(1, conversation_id);
  while (true) {
    const Result<bool> row = (*select)->step();
    if (!row) return row.error();
    if (!*row) return false;
    if ((*select)->number(1) != 0 || alive((*select)->number(0))) return true;
  }
}

}  // namespace

Result<void> close_invocations_of(Database& database, const std::string& response_id) {
  auto unknown =
      database.prepare("UPDATE tool_invocations SET status = 'unknown', finished_ms = ? WHERE response_id = ? AND status = 'intent'");
  if (!unknown) return unknown.error();
  return (*unknown)->bind(1, now_ms()).bind(2, response_id).run();
}

Result<void> end_response(Database& database, const std::string& id) {
  const Result<std::string> ended = status_by_terminal_event(database, id);
  if (!ended) return ended.error();
  const bool told = !ended->empty();
  if (Result<void> done = end_as(database, id, told ? *ended : "incomplete", told ? "" : "interrupted"); !done) return done;
  if (Result<void> done = close_invocations_of(database, id); !done || told) return done;
  Write record = interrupted_event(id);
  return RecordWriter(database, {}).write(record);
}

Result<void> end_dead_runs(Database& database, const Alive& alive, std::optional<std::int64_t> adopter) {
  Result<std::vector<std::int64_t>> owners =
      numbers(database,
              "SELECT owner FROM responses WHERE status IN ('queued', 'in_progress') UNION SELECT owner FROM responses WHERE id IN"
              " (SELECT response_id FROM tool_invocations WHERE status = 'intent')");
  if (!owners) return owners.error();
  std::erase_if(*owners, alive);
  if (owners->empty()) return {};
  Transaction transaction(database);
  if (Result<void> begun = transaction.begin(); !begun) return begun;
  for (const std::int64_t owner : *owners) {
    if (Result<void> done = end_responses_of(database, owner); !done) return done;
    if (!adopter) continue;
    if (Result<void> done = adopt_responses_of(database, owner, *adopter); !done) return done;
  }
  return transaction.commit();
}

Result<void> give_up_runs_of(Database& database, std::int64_t owner, int max_attempts) {
  std::vector<std::string> hopeless;
  {
    auto select = database.prepare(
        "SELECT id FROM responses WHERE owner = ? AND status IN ('queued', 'in_progress') AND durable = 1 AND attempts > ?");
    if (!select) return select.error();
    (*select)->bind(1, owner).bind(2, std::int64_t{max_attempts});
    Result<std::vector<std::string>> ids = texts(**select);
    if (!ids) return ids.error();
    hopeless = std::move(*ids);
  }
  if (hopeless.empty()) return {};
  Transaction transaction(database);
  if (Result<void> begun = transaction.begin(); !begun) return begun;
  for (const std::string& id : hopeless)
    if (Result<void> done = give_up(database, id, max_attempts); !done) return done;
  return transaction.commit();
}

Result<std::vector<std::string>> open_run_ids_of(Database& database, std::int64_t owner) {
  auto select =
      database.prepare("SELECT id FROM responses WHERE owner = ? AND status IN ('queued', 'in_progress') ORDER BY created_ms, rowid");
  if (!select) return select.error();
  (*select)->bind(1, owner);
  return texts(**select);
}

Result<void> remove_dead_temporaries(Database& database, const Alive& alive) {
  Result<std::vector<std::int64_t>> owners = numbers(database, "SELECT DISTINCT owner FROM conversations WHERE temporary = 1");
  if (!owners) return owners.error();
  std::erase_if(*owners, alive);
  if (owners->empty()) return {};
  Transaction transaction(database);
  if (Result<void> begun = transaction.begin(); !begun) return begun;
  for (const std::int64_t owner : *owners) {
    auto select = database.prepare("SELECT id FROM conversations WHERE temporary = 1 AND owner = ?");
    if (!select) return select.error();
    (*select)->bind(1, owner);
    const Result<std::vector<std::string>> ids = texts(**select);
    if (!ids) return ids.error();
    for (const std::string& id : *ids) {
      const Result<bool> used = in_use(database, id, alive);
      if (!used) return used.error();
      if (*used) continue;
      Write record = RemoveConversation{id};
      if (Result<void> done = RecordWriter(database, {}).write(record); !done) return done;
    }
  }
  return transaction.commit();
}

Result<void> forget_answers(Database& database, std::int64_t before_ms) {
  for (const char* sql :
       {"DELETE FROM approval_answers WHERE answered_ms < ?",
        "DELETE FROM claims WHERE claimed_ms < ? AND NOT EXISTS (SELECT 1 FROM responses WHERE id = claims.response_id)"}) {
    auto remove = database.prepare(sql);
    if (!remove) return remove.error();
    if (Result<void> done = (*remove)->bind(1, before_ms).run(); !done) return done;
  }
  return {};
}

}  // namespace baton::memory
