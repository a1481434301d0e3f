#include <algorithm>
#include <cstring>

#include "records.h"

namespace baton::memory {
namespace {

// All rows of a bound statement.
template <class T, class Read>
Result<std::vector<T>> rows(Statement& statement, Read read) {
  std::vector<T> all;
  while (true) {
    const Result<bool> row = statement.step();
    if (!row) return row.error();
    if (!*row) return all;
    all.push_back(read(statement));
  }
}

// JSON as it was written by us. Hand-made rows that are not JSON are shown as the text they are, rather than hiding the conversation.
Json json(const Statement& statement, int column) {
  const std::string text = statement.text(column);
  Json parsed = Json::parse(text, nullptr, false);
  return parsed.is_discarded() ? Json(text) : parsed;
}

constexpr const char* kConversationColumns =
    "SELECT id, title, created_ms, updated_ms, metadata, (SELECT count(*) FROM responses WHERE conversation_id = conversations.id)"
    " FROM conversations ";

Conversation to_conversation(Statement& s) {
  return {s.text(0), s.text(1), s.number(2), s.number(3), json(s, 4), static_cast<int>(s.number(5))};
}

constexpr const char* kResponseColumns =
    "SELECT id, conversation_id, parent_id, model, status, reason, request, usage, created_ms, finished_ms, metadata, durable,"
    " attempts, rating, rating_note FROM responses ";

Response to_response(Statement& s) {
  return {s.text(0),
          s.text(1),
          s.text(2),
          s.text(3),
          s.text(4),
          s.text(5),
          json(s, 6),
          json(s, 7),
          s.number(8),
          s.number(9),
          json(s, 10),
          s.number(11) != 0,
          static_cast<int>(s.number(12)),
          s.text(13),
          s.text(14)};
}

constexpr const char* kItemColumns =
    "SELECT id, conversation_id, response_id, position, content, text, raw_tokens, model_sha256, template_sha256, created_ms FROM items ";

Item to_item(Statement& s) {
  const std::string_view blob = s.blob(6);
  std::vector<std::int32_t> tokens(blob.size() / sizeof(std::int32_t));
  if (!tokens.empty()) std::memcpy(tokens.data(), blob.data(), tokens.size() * sizeof(std::int32_t));
  return Item{s.text(0), s.text(1), s.text(2), s.number(3), json(s, 4), s.text(5), std::move(tokens), s.text(7), s.text(8), s.number(9)};
}

// Each word quoted, so that nothing a user types is an operator of the query language, and taken as the beginning of a word.
std::string search_expression(const std::string& words) {
  std::string expression;
  std::string word;
  const auto flush = [&] {
    if (!word.empty()) expression += '"' + word + "\"* ";
    word.clear();
  };
  for (const char c : words) {
    if (c == '\0' || std::strchr(" \t\r\n\v\f", c) != nullptr) {
      flush();
    } else {
      if (c == '"') word += '"';
      word += c;
    }
  }
  flush();
  return expression;
}

}  // namespace

Result<std::vector<Conversation>> read_conversations(Database& database, int limit, int offset) {
  auto statement =
      database.prepare((std::string(kConversationColumns) + "ORDER BY updated_ms DESC, created_ms DESC, id DESC LIMIT ? OFFSET ?").c_str());
  if (!statement) return statement.error();
  (*statement)->bind(1, std::int64_t{std::max(limit, 0)}).bind(2, std::int64_t{std::max(offset, 0)});
  return rows<Conversation>(**statement, to_conversation);
}

Result<Conversation> read_conversation(Database& database, const std::string& id) {
  const std::string journal = "journal " + database.file().string() + ": ";
  const std::string advice = "; `baton history list` shows those that are there";
  if (id == "last") {
    auto newest = read_conversations(database, 1, 0);
    if (!newest) return newest.error();
    if (newest->empty()) return Error{errc::not_found, journal + "it holds no conversation yet"};
    return std::move(newest->front());
  }
  if (id.empty()) return Error{errc::invalid_argument, journal + "the conversation's id is empty" + advice};
  // Two rows tell whether a prefix is unique; a whole id comes first, being the shortest.
  auto statement = database.prepare(
      (std::string(kConversationColumns) + "WHERE substr(id, 1, length(?1)) = ?1 ORDER BY length(id), id LIMIT 2").c_str());
  if (!statement) return statement.error();
  (*statement)->bind(1, id);
  auto found = rows<Conversation>(**statement, to_conversation);
  if (!found) return found.error();
  if (found->empty()) return Error{errc::not_found, journal + "no conversation " + id + advice};
  if (found->size() > 1 && found->front().id != id)
    return Error{errc::invalid_argument, journal + "several conversations begin with " + id + ", such as " + found->front().id + " and " +
                                             found->back().id + "; give more of the id"};
  return std::move(found->front());
}

Result<std::vector<Response>> read_responses(Database& database, const std::string& conversation_id) {
  auto statement = database.prepare((std::string(kResponseColumns) + "WHERE conversation_id = ? ORDER BY created_ms, rowid").c_str());
  if (!statement) return statement.error();
  (*statement)->bind(1, conversation_id);
  return rows<Response>(**statement, to_response);
}

Result<Response> read_response(Database& database, const std::string& id) {
  auto statement = database.prepare((std::string(kResponseColumns) + "WHERE id = ?").c_str());
  if (!statement) return statement.error();
  (*statement)->bind(1, id);
  auto found = rows<Response>(**statement, to_response);
  if (!found) return found.error();
  if (found->empty()) return Error{errc::not_found, "journal " + database.file().string() + ": no response " + id};
  return std::move(found->front());
}

Result<std::vector<Response>> read_unfinished(Database& database) {
  auto statement =
      database.prepare((std::string(kResponseColumns) + "WHERE status IN ('queued', 'in_progress') ORDER BY created_ms, rowid").c_str());
  if (!statement) return statement.error();
  return rows<Response>(**statement, to_response);
}

Result<std::vector<Response>> read_unfinished_of(Database& database, std::int64_t owner) {
  auto statement = database.prepare(
      (std::string(kResponseColumns) + "WHERE status IN ('queued', 'in_progress') AND owner = ? ORDER BY created_ms, rowid").c_str());
  if (!statement) return statement.error();
  (*statement)->bind(1, owner);
  return rows<Response>(**statement, to_response);
}

Result<std::vector<Item>> read_items(Database& database, const std::string& conversation_id) {
  auto statement = database.prepare((std::string(kItemColumns) + "WHERE conversation_id = ? ORDER BY position").c_str());
  if (!statement) return statement.error();
  (*statement)->bind(1, conversation_id);
  return rows<Item>(**statement, to_item);
}

Result<std::vector<Item>> read_items_of_response(Database& database, const std::string& id) {
  // Copies in forked conversations name it too.
  auto statement = database.prepare((std::string(kItemColumns) +
                                     "WHERE response_id = ?1 AND conversation_id = (SELECT conversation_id FROM responses WHERE id = ?1)"
                                     " ORDER BY position")
                                        .c_str());
  if (!statement) return statement.error();
  (*statement)->bind(1, id);
  return rows<Item>(**statement, to_item);
}

Result<Item> read_item(Database& database, const std::string& id) {
  auto statement = database.prepare((std::string(kItemColumns) + "WHERE id = ?").c_str());
  if (!statement) return statement.error();
  (*statement)->bind(1, id);
  auto found = rows<Item>(**statement, to_item);
  if (!found) return found.error();
  if (found->empty()) return Error{errc::not_found, "journal " + database.file().string() + ": no item " + id};
  return std::move(found->front());
}

Result<Claim> read_claim(Database& database, const std::string& key) {
  auto statement = database.prepare("SELECT key, response_id, fingerprint FROM claims WHERE key = ?");
  if (!statement) return statement.error();
  (*statement)->bind(1, key);
  auto found = rows<Claim>(**statement, [](Statement& s) { return Claim{s.text(0), s.text(1), s.text(2)}; });
  if (!found) return found.error();
  if (found->empty()) return Error{errc::not_found, "journal " + database.file().string() + ": no key " + key};
  return std::move(found->front());
}

Result<std::vector<std::string>> read_allowed_tools(Database& database, const std::string& conversation_id) {
  auto statement = database.prepare("SELECT tool FROM allowed_tools WHERE conversation_id = ? ORDER BY tool");
  if (!statement) return statement.error();
  (*statement)->bind(1, conversation_id);
  return rows<std::string>(**statement, [](Statement& s) { return s.text(0); });
}

Result<std::vector<Event>> read_events(Database& database, const std::string& response_id, std::int64_t after) {
  auto statement = database.prepare(
      "SELECT response_id, sequence_number, type, data FROM events WHERE response_id = ? AND sequence_number > ? ORDER BY sequence_number");
  if (!statement) return statement.error();
  (*statement)->bind(1, response_id).bind(2, after);
  return rows<Event>(**statement, [](Statement& s) { return Event{s.text(0), s.number(1), s.text(2), json(s, 3)}; });
}

Result<std::vector<ToolInvocation>> read_tool_invocations(Database& database, const std::string& response_id) {
  auto statement = database.prepare(
      "SELECT id, response_id, tool, arguments, idempotency_key, status, result, started_ms, finished_ms FROM tool_invocations"
      " WHERE response_id = ? ORDER BY rowid");
  if (!statement) return statement.error();
  (*statement)->bind(1, response_id);
  return rows<ToolInvocation>(**statement, [](Statement& s) {
    return ToolInvocation{s.text(0), s.text(1), s.text(2), json(s, 3), s.text(4), s.text(5), s.text(6), s.number(7), s.number(8)};
  });
}

Result<std::vector<SearchHit>> search_items(Database& database, const std::string& words, int limit) {
  const std::string expression = search_expression(words);
  if (expression.empty()) return std::vector<SearchHit>();
  auto statement = database.prepare(
      "SELECT items.conversation_id, items.id, conversations.title, snippet(items_search, 0, '‹', '›', '…', 16), items.created_ms"
      " FROM items_search JOIN items ON items.n = items_search.rowid JOIN conversations ON conversations.id = items.conversation_id"
      " WHERE items_search MATCH ? ORDER BY bm25(items_search), items.n DESC LIMIT ?");
  if (!statement) return statement.error();
  (*statement)->bind(1, expression).bind(2, std::int64_t{std::max(limit, 0)});
  return rows<SearchHit>(**statement, [](Statement& s) { return SearchHit{s.text(0), s.text(1), s.text(2), s.text(3), s.number(4)}; });
}

}  // namespace baton::memory
