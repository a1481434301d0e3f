#include <map>

#include "records.h"

namespace baton::memory {
namespace {

Result<Thread> thread_in_snapshot(Database& database, const std::string& conversation_id, std::int64_t self) {
  auto conversation = read_conversation(database, conversation_id);
  if (!conversation) return conversation.error();
  auto responses = read_response_heads(database, conversation->id, self);
  if (!responses) return responses.error();
  if (const Result<void> room = check_thread_bytes(database, conversation->id, 0); !room) return room.error();
  auto items = read_items(database, conversation->id);
  if (!items) return items.error();
  auto allowed = read_allowed_tools(database, conversation->id);
  if (!allowed) return allowed.error();
  return Thread{std::move(*conversation), std::move(*responses), std::move(*items), std::move(*allowed)};
}

}  // namespace

Result<Thread> read_thread(Database& database, const std::string& conversation_id, std::int64_t self) {
  Snapshot snapshot(database);
  if (const Result<void> begun = snapshot.begin(); !begun) return begun.error();
  return thread_in_snapshot(database, conversation_id, self);
}

Result<Thread> read_thread_of(Database& database, const std::string& response_id, std::int64_t self) {
  Snapshot snapshot(database);
  if (const Result<void> begun = snapshot.begin(); !begun) return begun.error();
  const Result<std::string> conversation_id = read_conversation_id_of(database, response_id);
  if (!conversation_id) return conversation_id.error();
  return thread_in_snapshot(database, *conversation_id, self);
}

Result<RunRecord> read_run_record(Database& database, const std::string& response_id, std::int64_t self) {
  Snapshot snapshot(database);
  if (const Result<void> begun = snapshot.begin(); !begun) return begun.error();
  auto response = read_response(database, response_id, self);
  if (!response) return response.error();
  auto conversation = read_conversation(database, response->conversation_id);
  if (!conversation) return conversation.error();
  auto items = read_items(database, response->conversation_id);
  if (!items) return items.error();
  auto events = read_events(database, response_id, -1);
  if (!events) return events.error();
  auto invocations = read_tool_invocations(database, response_id);
  if (!invocations) return invocations.error();
  auto allowed = read_allowed_tools(database, response->conversation_id);
  if (!allowed) return allowed.error();
  return RunRecord{std::move(*response), std::move(*conversation), std::move(*items),
                   std::move(*events),   std::move(*invocations),  std::move(*allowed)};
}

Result<Told> read_told(Database& database, const std::string& response_id, std::int64_t after, std::int64_t self) {
  Snapshot snapshot(database);
  if (const Result<void> begun = snapshot.begin(); !begun) return begun.error();
  auto response = read_response(database, response_id, self);
  if (!response) return response.error();
  auto events = read_events(database, response_id, after);
  if (!events) return events.error();
  return Told{std::move(*response), std::move(*events)};
}

Result<std::vector<Item>> read_items_by_id(Database& database, const std::vector<std::string>& ids, std::size_t max_bytes) {
  Snapshot snapshot(database);
  if (const Result<void> begun = snapshot.begin(); !begun) return begun.error();
  std::map<std::string_view, std::size_t> bytes;  // bytes of each item
  std::size_t sum = 0;
  for (const std::string& id : ids) {
    const auto [known, fresh] = bytes.try_emplace(id);
    if (fresh) {
      const Result<std::int64_t> size = read_item_bytes(database, id);
      if (!size) return size.error();
      known->second = static_cast<std::size_t>(*size);
    }
    sum += known->second;
    if (sum > max_bytes)  // checked here already: measuring the rest could take as long as the items are large
      return journal_error(errc::too_large, database.file(),
                           "the requested items have at least " + std::to_string(sum) + " bytes together, and " +
                               std::to_string(max_bytes) + " are allowed; request fewer of them, and each only once");
  }
  std::vector<Item> items;
  items.reserve(ids.size());
  std::map<std::string_view, std::size_t> read;  // where each is in `items`
  for (const std::string& id : ids) {
    const auto [known, fresh] = read.try_emplace(id, items.size());
    if (!fresh) {
      items.push_back(items[known->second]);
      continue;
    }
    Result<Item> item = read_item(database, id);
    if (!item) return item.error();
    items.push_back(std::move(*item));
  }
  return items;
}

}  // namespace baton::memory
