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

// JSON that we wrote. A hand-made row that is not JSON is shown as text, rather than hiding the conversation.
Json json(const Statement& statement, int column) {
  const std::string text = statement.text(column);
  Json parsed = Json::parse(text, nullptr, false);
  return parsed.is_discarded() ? Json(text) : parsed;
}

constexpr const char* kConversationColumns =
    "SELECT id, title, created_ms, updated_ms, metadata, (SELECT count(*) FROM responses WHERE conversation_id = conversations.id),"
    " temporary FROM conversations ";

Conversation to_conversation(Statement& s) {
  return {s.text(0), s.text(1), s.number(2), s.number(3), json(s, 4), static_cast<int>(s.number(5)), s.number(6) != 0};
}

constexpr const char* kResponseColumns =
    "SELECT id, conversation_id, parent_id, model, status, reason, request, usage, created_ms, finished_ms, metadata, durable,"
    " attempts, rating, rating_note, spent_ms, owner FROM responses ";

// Reads a response; `self` is the owner whose responses are ours.
auto to_response(std::int64_t self) {
  return [self](Statement& s) {
    Response r;
    r.id = s.text(0);
    r.conversation_id = s.text(1);
    r.parent_id = s.text(2);
    r.model = s.text(3);
    r.status = s.text(4);
    r.reason = s.text(5);
    r.request = json(s, 6);
    r.usage = json(s, 7);
    r.created_ms = s.number(8);
    r.finished_ms = s.number(9);
    r.metadata = json(s, 10);
    r.durable = s.number(11) != 0;
    r.attempts = static_cast<int>(s.number(12));
    r.rating = s.text(13);
    r.rating_note = s.text(14);
    r.spent_ms = s.number(15);
    r.ours = s.number(16) == self;
    return r;
  };
}

constexpr const char* kItemColumns =
    "SELECT id, conversation_id, response_id, position, content, text, raw_tokens, model_sha256, template_sha256, created_ms FROM items ";

Item to_item(Statement& s) {
  const std::string_view blob = s.blob(6);
  std::vector<std::int32_t> tokens(blob.size() / sizeof(std::int32_t));
  if (!tokens.empty()) std::memcpy(tokens.data(), blob.data(), tokens.size() * sizeof(std::int32_t));
  return Item{s.text(0), s.text(1), s.text(2), s.number(3), json(s, 4), s.text(5), std::move(tokens), s.text(7), s.text(8), s.number(9)};
}

// The one row that a look-up by key finds; errc::not_found names `what` as missing.
template <class T, class Read>
Result<T> one_row(Database& database, const char* sql, const std::string& key, const std::string& what, Read read) {
  auto statement = database.prepare(sql);
  if (!statement) return statement.error();
  const Result<bool> row = (*statement)->bind(1, key).step();
  if (!row) return row.error();
  if (!*row) return journal_error(errc::not_found, database.file(), what);
  return Result<T>(boost::system::in_place_value, read(**statement));
}

// Each word is quoted, so that nothing a user types is an operator of the query language, and is matched as the beginning of a word.
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
  static const std::string kNewest =
      std::string(kConversationColumns) + "WHERE temporary = 0 ORDER BY updated_ms DESC, created_ms DESC, id DESC LIMIT ? OFFSET ?";
  auto statement = database.prepare(kNewest.c_str());
  if (!statement) return statement.error();
  (*statement)->bind(1, std::int64_t{std::max(limit, 0)}).bind(2, std::int64_t{std::max(offset, 0)});
  return rows<Conversation>(**statement, to_conversation);
}

Result<Conversation> read_conversation(Database& database, const std::string& id) {
  const std::filesystem::path& file = database.file();
  const std::string advice = "; `baton history list` lists the conversations";
  if (id == "last") {
    auto newest = read_conversations(database, 1, 0);
    if (!newest) return newest.error();
    if (newest->empty()) return journal_error(errc::not_found, file, "it holds no conversation yet");
    return std::move(newest->front());
  }
  if (id.empty()) return journal_error(errc::invalid_argument, file, "the conversation's id is empty" + advice);
  static const std::string kWhole = std::string(kConversationColumns) + "WHERE id = ?";
  Result<Conversation> whole = one_row<Conversation>(database, kWhole.c_str(), id, "no conversation " + id + advice, to_conversation);
  if (whole || whole.error().code != errc::not_found) return whole;
  // All strings with this prefix lie between the prefix and the prefix followed by the last character of Unicode. Two rows tell whether it
  // is unique.
  static const std::string kPrefix =
      std::string(kConversationColumns) + "WHERE id >= ?1 AND id < ?1 || char(0x10ffff) AND temporary = 0 ORDER BY id LIMIT 2";
  auto statement = database.prepare(kPrefix.c_str());
  if (!statement) return statement.error();
  (*statement)->bind(1, id);
  auto found = rows<Conversation>(**statement, to_conversation);
  if (!found) return found.error();
  if (found->empty()) return whole;
  if (found->size() > 1)
    return journal_error(
        errc::invalid_argument, file,
        "several conversations begin with " + id + ", such as " + found->front().id + " and " + found->back().id + "; give more of the id");
  return std::move(found->front());
}

Result<std::vector<Response>> read_responses(Database& database, const std::string& conversation_id, std::int64_t self) {
  static const std::string kOfConversation = std::string(kResponseColumns) + "WHERE conversation_id = ? ORDER BY created_ms, rowid";
  auto statement = database.prepare(kOfConversation.c_str());
  if (!statement) return statement.error();
  (*statement)->bind(1, conversation_id);
  return rows<Response>(**statement, to_response(self));
}

Result<Response> read_response(Database& database, const std::string& id, std::int64_t self) {
  static const std::string kWhole = std::string(kResponseColumns) + "WHERE id = ?";
  return one_row<Response>(database, kWhole.c_str(), id, "no response " + id, to_response(self));
}

Result<std::vector<Response>> read_unfinished(Database& database, std::int64_t self) {
  static const std::string kOpen = std::string(kResponseColumns) + "WHERE status IN ('queued', 'in_progress') ORDER BY created_ms, rowid";
  auto statement = database.prepare(kOpen.c_str());
  if (!statement) return statement.error();
  return rows<Response>(**statement, to_response(self));
}

Result<std::string> read_conversation_id_of(Database& database, const std::string& response_id) {
  return one_row<std::string>(database, "SELECT conversation_id FROM responses WHERE id = ?", response_id, "no response " + response_id,
                              [](Statement& s) { return s.text(0); });
}

Result<std::int64_t> read_owner_of_open(Database& database, const std::string& response_id) {
  return one_row<std::int64_t>(database,
                               "SELECT CASE WHEN status IN ('queued', 'in_progress') THEN owner ELSE 0 END FROM responses WHERE id = ?",
                               response_id, "no response " + response_id, [](Statement& s) { return s.number(0); });
}

Result<std::vector<ResponseHead>> read_response_heads(Database& database, const std::string& conversation_id, std::int64_t self) {
  auto statement =
      database.prepare("SELECT id, parent_id, status, reason, owner FROM responses WHERE conversation_id = ? ORDER BY created_ms, rowid");
  if (!statement) return statement.error();
  (*statement)->bind(1, conversation_id);
  return rows<ResponseHead>(**statement, [self](Statement& s) {
    return ResponseHead{s.text(0), s.text(1), s.text(2), s.text(3), s.number(4) == self};
  });
}

Result<std::vector<Item>> read_items(Database& database, const std::string& conversation_id) {
  static const std::string kOfConversation = std::string(kItemColumns) + "WHERE conversation_id = ? ORDER BY position";
  auto statement = database.prepare(kOfConversation.c_str());
  if (!statement) return statement.error();
  (*statement)->bind(1, conversation_id);
  return rows<Item>(**statement, to_item);
}

Result<std::vector<Item>> read_items_of_response(Database& database, const std::string& id) {
  // Copies in forked conversations name this response too.
  static const std::string kOfResponse =
      std::string(kItemColumns) +
      "WHERE response_id = ?1 AND conversation_id = (SELECT conversation_id FROM responses WHERE id = ?1) ORDER BY position";
  auto statement = database.prepare(kOfResponse.c_str());
  if (!statement) return statement.error();
  (*statement)->bind(1, id);
  return rows<Item>(**statement, to_item);
}

Result<Item> read_item(Database& database, const std::string& id) {
  static const std::string kWhole = std::string(kItemColumns) + "WHERE id = ?";
  return one_row<Item>(database, kWhole.c_str(), id, "no item " + id, to_item);
}

Result<std::int64_t> read_item_bytes(Database& database, const std::string& id) {
  return one_row<std::int64_t>(
      database, "SELECT length(CAST(content AS BLOB)) + length(CAST(text AS BLOB)) + length(raw_tokens) FROM items WHERE id = ?", id,
      "no item " + id, [](Statement& s) { return s.number(0); });
}

Result<void> check_thread_bytes(Database& database, const std::string& conversation_id, std::int64_t more) {
  const auto bytes =
      one_row<std::int64_t>(database,
                            "SELECT coalesce(sum(length(CAST(content AS BLOB)) + length(CAST(text AS BLOB)) + length(raw_tokens)), 0)"
                            " FROM items WHERE conversation_id = ?",
                            conversation_id, "no conversation " + conversation_id, [](Statement& s) { return s.number(0); });
  if (!bytes) return bytes.error();
  if (*bytes + more <= kMaxThreadBytes) return {};
  return journal_error(errc::thread_too_large, database.file(),
                       "conversation " + conversation_id + (more > 0 ? " would have " : " has ") + std::to_string(*bytes + more) +
                           " bytes of items, and " + std::to_string(kMaxThreadBytes) +
                           " are allowed; delete some of its items, or begin another one");
}

Result<Claim> read_claim(Database& database, const std::string& key) {
  return one_row<Claim>(database, "SELECT key, response_id, fingerprint FROM claims WHERE key = ?", key, "no key " + key, [](Statement& s) {
    return Claim{s.text(0), s.text(1), s.text(2)};
  });
}

Result<std::string> read_approval_answer(Database& database, const std::string& approval_id) {
  return one_row<std::string>(database, "SELECT response_id FROM approval_answers WHERE approval_id = ?", approval_id,
                              "the approval " + approval_id + " was not answered", [](Statement& s) { return s.text(0); });
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

Result<std::vector<Event>> read_events_of_type(Database& database, const std::string& response_id, const std::string& type) {
  auto statement = database.prepare(
      "SELECT response_id, sequence_number, type, data FROM events WHERE response_id = ? AND type = ? ORDER BY sequence_number");
  if (!statement) return statement.error();
  (*statement)->bind(1, response_id).bind(2, type);
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
      " WHERE items_search MATCH ? AND conversations.temporary = 0 ORDER BY bm25(items_search), items.n DESC LIMIT ?");
  if (!statement) return statement.error();
  (*statement)->bind(1, expression).bind(2, std::int64_t{std::max(limit, 0)});
  return rows<SearchHit>(**statement, [](Statement& s) { return SearchHit{s.text(0), s.text(1), s.text(2), s.text(3), s.number(4)}; });
}

}  // namespace baton::memory
