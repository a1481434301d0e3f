#include "records.h"

namespace baton::memory {
namespace {

// A run whose terminal event was committed but whose row was not brought up to date needs no second end.
Result<std::string> status_by_terminal_event(Database& database, const std::string& response_id) {
  static const std::string kSelect = std::string("SELECT type FROM events WHERE response_id = ? AND type IN ") + kTerminalTypes;
  auto statement = database.prepare(kSelect.c_str());
  if (!statement) return statement.error();
  const Result<bool> row = (*statement)->bind(1, response_id).step();
  if (!row) return row.error();
  return *row ? (*statement)->text(0).substr(std::string("response.").size()) : std::string();
}

Result<void> end_response(Database& database, const std::string& id) {
  const Result<std::string> ended = status_by_terminal_event(database, id);
  if (!ended) return ended.error();
  auto update = database.prepare("UPDATE responses SET status = ?, reason = ?, finished_ms = ? WHERE id = ?");
  if (!update) return update.error();
  (*update)->bind(1, ended->empty() ? "incomplete" : *ended).bind(2, ended->empty() ? "interrupted" : "");
  if (Result<void> done = (*update)->bind(3, now_ms()).bind(4, id).run(); !done) return done;
  if (!ended->empty()) return {};
  Write record = interrupted_event(id);
  return write(database, record, 0);
}

}  // namespace

Event interrupted_event(const std::string& response_id) {
  Event event;
  event.response_id = response_id;
  event.type = "response.incomplete";
  event.data = {{"type", event.type},
                {"response", {{"id", response_id}, {"status", "incomplete"}, {"incomplete_details", {{"reason", "interrupted"}}}}}};
  return event;
}

Result<std::vector<std::int64_t>> owners_of_open_runs(Database& database) {
  auto select = database.prepare(
      "SELECT owner FROM responses WHERE status IN ('queued', 'in_progress') UNION SELECT owner FROM responses WHERE id IN"
      " (SELECT response_id FROM tool_invocations WHERE status = 'intent')");
  if (!select) return select.error();
  std::vector<std::int64_t> owners;
  while (true) {
    const Result<bool> row = (*select)->step();
    if (!row) return row.error();
    if (!*row) return owners;
    owners.push_back((*select)->number(0));
  }
}

Result<void> end_responses_of(Database& database, std::int64_t owner) {
  std::vector<std::string> open;
  {
    // A durable run that told its end has nothing to go on with.
    static const std::string kEnding =
        std::string("SELECT id FROM responses WHERE owner = ? AND status IN ('queued', 'in_progress') AND (durable = 0 OR EXISTS") +
        " (SELECT 1 FROM events WHERE response_id = responses.id AND type IN " + kTerminalTypes + "))";
    auto select = database.prepare(kEnding.c_str());
    if (!select) return select.error();
    (*select)->bind(1, owner);
    while (true) {
      const Result<bool> row = (*select)->step();
      if (!row) return row.error();
      if (!*row) break;
      open.push_back((*select)->text(0));
    }
  }
  for (const std::string& id : open)
    if (Result<void> done = end_response(database, id); !done) return done;
  auto unknown = database.prepare(
      "UPDATE tool_invocations SET status = 'unknown', finished_ms = ? WHERE status = 'intent' AND response_id IN"
      " (SELECT id FROM responses WHERE owner = ? AND NOT (durable AND status IN ('queued', 'in_progress')))");
  if (!unknown) return unknown.error();
  return (*unknown)->bind(1, now_ms()).bind(2, owner).run();
}

Result<void> adopt_responses_of(Database& database, std::int64_t owner, std::int64_t self) {
  auto update = database.prepare(
      "UPDATE responses SET owner = ?, attempts = attempts + 1 WHERE owner = ? AND durable = 1 AND status IN ('queued', 'in_progress')");
  if (!update) return update.error();
  return (*update)->bind(1, self).bind(2, owner).run();
}

}  // namespace baton::memory
