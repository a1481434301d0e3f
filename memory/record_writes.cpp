#include <algorithm>
#include <bit>
#include <cctype>

#include "records.h"

namespace baton::memory {
namespace {

static_assert(std::endian::native == std::endian::little, "raw tokens are stored as little-endian int32");

bool deeper_than(const Json& json, int levels) {
  if (!json.is_structured()) return false;
  if (levels == 0) return true;
  for (const Json& child : json)
    if (deeper_than(child, levels - 1)) return true;
  return false;
}

Result<std::string> to_text(const Json& json) {
  if (deeper_than(json, kMaxJsonDepth))
    return Error{errc::invalid_argument, "journal: JSON nested deeper than " + std::to_string(kMaxJsonDepth) + " levels is not accepted"};
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

bool terminal(const std::string& status) {
  return status == "completed" || status == "incomplete" || status == "failed" || status == "cancelled";
}

// Breaks words of more than 4096 bytes with a space: the search tokenizer keeps a buffer of twice the longest word it has met.
std::string in_short_words(const std::string& text) {
  constexpr std::size_t kLongest = 4096;
  if (text.size() <= kLongest) return text;
  std::string out;
  out.reserve(text.size() + text.size() / kLongest);
  std::size_t length = 0;  // of the word so far
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool in_word = byte >= 0x80 || std::isalnum(byte) != 0;
    if (++length > kLongest && (byte & 0xc0) != 0x80) {
      out += ' ';
      length = 1;
    }
    if (!in_word) length = 0;
    out += c;
  }
  return out;
}

Result<void> make_searchable(Database& database, std::optional<std::int64_t>& searchable) {
  if (!searchable) return {};
  auto statement = database.prepare("INSERT INTO items_search (rowid, text) SELECT n, text FROM items WHERE n > ?");
  if (!statement) return statement.error();
  if (Result<void> done = (*statement)->bind(1, *searchable).run(); !done) return done;
  searchable.reset();
  return {};
}

class RecordVisitor {
 public:
  RecordVisitor(Database& database, const Writing& by, std::optional<std::int64_t>& searchable)
      : database_(database), by_(by), searchable_(searchable) {}

  Result<void> operator()(Conversation& c) {
    const std::int64_t now = now_ms();
    if (c.created_ms == 0) c.created_ms = now;
    if (c.updated_ms == 0) c.updated_ms = now;
    const Result<std::string> metadata = to_text(c.metadata);
    if (!metadata) return metadata.error();
    auto statement = database_.prepare(
        "INSERT INTO conversations (id, title, created_ms, updated_ms, metadata, temporary, owner) VALUES (?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (id) DO UPDATE SET title = excluded.title, updated_ms = excluded.updated_ms, metadata = excluded.metadata,"
        " temporary = excluded.temporary, owner = excluded.owner");
    if (!statement) return statement.error();
    Statement& s = **statement;
    s.bind(1, c.id).bind(2, c.title).bind(3, c.created_ms).bind(4, c.updated_ms).bind(5, *metadata);
    return s.bind(6, std::int64_t{c.temporary}).bind(7, by_.owner).run();
  }

  Result<void> operator()(Response& r) {
    if (r.created_ms == 0) r.created_ms = now_ms();
    if (r.finished_ms == 0 && terminal(r.status)) r.finished_ms = now_ms();
    const Result<std::string> request = to_text(r.request);
    if (!request) return request.error();
    const Result<std::string> usage = to_text(r.usage);
    if (!usage) return usage.error();
    const Result<std::string> metadata = to_text(r.metadata);
    if (!metadata) return metadata.error();
    auto statement = database_.prepare(
        "INSERT INTO responses (id, conversation_id, parent_id, model, status, reason, request, usage, created_ms, finished_ms, owner,"
        " metadata, durable, attempts, spent_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET"
        " parent_id = excluded.parent_id, model = excluded.model, status = excluded.status, reason = excluded.reason,"
        " request = excluded.request, usage = excluded.usage, finished_ms = excluded.finished_ms, owner = excluded.owner,"
        " metadata = excluded.metadata, durable = excluded.durable, attempts = excluded.attempts,"
        " spent_ms = excluded.spent_ms");
    if (!statement) return statement.error();
    Statement& s = **statement;
    s.bind(1, r.id).bind(2, r.conversation_id).bind(3, r.parent_id).bind(4, r.model).bind(5, r.status).bind(6, r.reason);
    s.bind(7, *request).bind(8, *usage).bind(9, r.created_ms).bind(10, r.finished_ms).bind(11, by_.owner).bind(12, *metadata);
    s.bind(13, std::int64_t{r.durable}).bind(14, std::int64_t{r.attempts}).bind(15, r.spent_ms);
    if (Result<void> done = s.run(); !done) return done;
    return terminal(r.status) ? close_invocations_of(database_, r.id) : Result<void>();
  }

  Result<void> operator()(Item& item) {
    if (item.created_ms == 0) item.created_ms = now_ms();
    const Result<std::string> content = to_text(item.content);
    if (!content) return content.error();
    if (!searchable_) {
      const Result<std::int64_t> newest = database_.number("SELECT coalesce(max(id), 0) FROM items_search_docsize");
      if (!newest) return newest.error();
      searchable_ = *newest;
    }
    auto statement = database_.prepare(
        "INSERT INTO items (id, conversation_id, response_id, position, content, text, raw_tokens, model_sha256, template_sha256,"
        " created_ms) VALUES (?1, ?2, ?3, (SELECT coalesce(max(position), -1) + 1 FROM items WHERE conversation_id = ?2), ?4, ?5, ?6,"
        " ?7, ?8, ?9)");
    if (!statement) return statement.error();
    Statement& s = **statement;
    s.bind(1, item.id).bind(2, item.conversation_id).bind(3, item.response_id).bind(4, *content).bind(5, in_short_words(item.text));
    // Never a null pointer, for which SQLite would store NULL.
    s.bind_blob(6, item.raw_tokens.empty() ? "" : static_cast<const void*>(item.raw_tokens.data()), item.raw_tokens.size() * 4);
    s.bind(7, item.model_sha256).bind(8, item.template_sha256).bind(9, item.created_ms);
    if (Result<void> done = s.run(); !done) return done;
    auto touch = database_.prepare("UPDATE conversations SET updated_ms = max(updated_ms, ?) WHERE id = ?");
    if (!touch) return touch.error();
    return (*touch)->bind(1, item.created_ms).bind(2, item.conversation_id).run();
  }

  Result<void> operator()(Event& event) {
    const Result<std::string> data = to_text(event.data);
    if (!data) return data.error();
    auto next = database_.prepare("SELECT coalesce(max(sequence_number), -1) + 1 FROM events WHERE response_id = ?");
    if (!next) return next.error();
    const Result<bool> row = (*next)->bind(1, event.response_id).step();
    if (!row) return row.error();
    event.sequence_number = (*next)->number(0);
    auto statement = database_.prepare("INSERT INTO events (response_id, sequence_number, type, data) VALUES (?, ?, ?, ?)");
    if (!statement) return statement.error();
    (*statement)->bind(1, event.response_id).bind(2, event.sequence_number).bind(3, event.type).bind(4, *data);
    Result<void> done = (*statement)->run();
    if (!done && done.error().code == errc::invalid_argument)
      return refuse(errc::invalid_argument,
                    "response " + event.response_id + " has ended already; a second event " + event.type + " is refused");
    return done;
  }

  Result<void> operator()(ToolInvocation& t) {
    if (t.started_ms == 0) t.started_ms = now_ms();
    if (t.finished_ms == 0 && t.status != "intent") t.finished_ms = now_ms();
    const Result<std::string> arguments = to_text(t.arguments);
    if (!arguments) return arguments.error();
    auto statement = database_.prepare(
        "INSERT INTO tool_invocations (id, response_id, tool, arguments, idempotency_key, status, result, started_ms, finished_ms)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (response_id, id) DO UPDATE SET tool = excluded.tool,"
        " arguments = excluded.arguments, idempotency_key = excluded.idempotency_key, status = excluded.status, result = excluded.result,"
        " finished_ms = excluded.finished_ms");
    if (!statement) return statement.error();
    Statement& s = **statement;
    s.bind(1, t.id).bind(2, t.response_id).bind(3, t.tool).bind(4, *arguments).bind(5, t.idempotency_key).bind(6, t.status);
    return s.bind(7, t.result).bind(8, t.started_ms).bind(9, t.finished_ms).run();
  }

  Result<void> operator()(Claim& claim) {
    auto known = database_.prepare("SELECT 1 FROM responses WHERE id = ?");
    if (!known) return known.error();
    const Result<bool> there = (*known)->bind(1, claim.response_id).step();
    if (!there) return there.error();
    if (!*there) return refuse(errc::not_found, "no response " + claim.response_id);
    auto statement = database_.prepare(
        "INSERT INTO claims (key, response_id, fingerprint, claimed_ms) VALUES (?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET"
        " fingerprint = excluded.fingerprint WHERE response_id = excluded.response_id RETURNING 1");
    if (!statement) return statement.error();
    (*statement)->bind(1, claim.key).bind(2, claim.response_id).bind(3, claim.fingerprint).bind(4, by_.clock_ms);
    const Result<bool> row = (*statement)->step();
    if (!row) return row.error();
    if (!*row) return refuse(errc::exists, "the key '" + claim.key + "' belongs to another response");
    return (*statement)->run();
  }

  Result<void> operator()(AllowTool& allow) {
    auto statement = database_.prepare("INSERT OR IGNORE INTO allowed_tools (conversation_id, tool) VALUES (?, ?)");
    if (!statement) return statement.error();
    return (*statement)->bind(1, allow.conversation_id).bind(2, allow.tool).run();
  }

  Result<void> operator()(Spent& spent) {
    auto statement = database_.prepare("UPDATE responses SET spent_ms = ? WHERE id = ?");
    if (!statement) return statement.error();
    return (*statement)->bind(1, spent.ms).bind(2, spent.response_id).run();
  }

  Result<void> operator()(AnswerApproval& answer) {
    auto statement = database_.prepare(
        "INSERT INTO approval_answers (approval_id, response_id, answered_ms) VALUES (?, ?, ?) ON CONFLICT (approval_id) DO UPDATE SET"
        " response_id = excluded.response_id WHERE response_id = excluded.response_id RETURNING 1");
    if (!statement) return statement.error();
    const Result<bool> row = (*statement)->bind(1, answer.approval_id).bind(2, answer.response_id).bind(3, by_.clock_ms).step();
    if (!row) return row.error();
    if (!*row) return refuse(errc::exists, "the approval " + answer.approval_id + " was answered by another response");
    return (*statement)->run();
  }

  Result<void> operator()(EndAbandoned& end) {
    auto statement = database_.prepare("SELECT 1 FROM responses WHERE id = ? AND owner = ? AND status IN ('queued', 'in_progress')");
    if (!statement) return statement.error();
    const Result<bool> row = (*statement)->bind(1, end.response_id).bind(2, end.owner).step();
    if (!row) return row.error();
    if (!*row) return refuse(errc::not_found, "response " + end.response_id + " has ended, or another process runs it");
    return end_response(database_, end.response_id);
  }

  // Triggers take the removed items out of the search index, so they must be in it.
  Result<void> operator()(RemoveConversation& remove) {
    constexpr auto kOpen = "SELECT id FROM responses WHERE conversation_id = ? AND status IN ('queued', 'in_progress') LIMIT 1";
    if (Result<void> done = expect_none_under_way(kOpen, remove.id); !done) return done;
    if (Result<void> done = make_searchable(database_, searchable_); !done) return done;
    return change_one("DELETE FROM conversations WHERE id = ? RETURNING 1",
                      "no conversation " + remove.id + "; `baton history list` lists the conversations", {remove.id});
  }

  Result<void> operator()(RemoveResponse& remove) {
    constexpr auto kOpen = "SELECT id FROM responses WHERE id = ? AND status IN ('queued', 'in_progress')";
    if (Result<void> done = expect_none_under_way(kOpen, remove.id); !done) return done;
    if (Result<void> done = make_searchable(database_, searchable_); !done) return done;
    // Copies in forked conversations name this response too, and stay.
    auto items = database_.prepare(
        "DELETE FROM items WHERE response_id = ?1 AND conversation_id = (SELECT conversation_id FROM responses WHERE id = ?1)");
    if (!items) return items.error();
    if (Result<void> done = (*items)->bind(1, remove.id).run(); !done) return done;
    // Responses that continued this one now continue its parent.
    auto children =
        database_.prepare("UPDATE responses SET parent_id = (SELECT parent_id FROM responses WHERE id = ?1) WHERE parent_id = ?1");
    if (!children) return children.error();
    if (Result<void> done = (*children)->bind(1, remove.id).run(); !done) return done;
    return change_one("DELETE FROM responses WHERE id = ? RETURNING 1", "no response " + remove.id, {remove.id});
  }

  Result<void> operator()(RemoveItem& remove) {
    if (Result<void> done = make_searchable(database_, searchable_); !done) return done;
    return change_one("DELETE FROM items WHERE id = ? RETURNING 1", "no item " + remove.id, {remove.id});
  }

  Result<void> operator()(ForkConversation& fork) {
    auto items = read_items(database_, fork.from);
    if (!items) return items.error();
    if (!fork.last_item.empty()) {
      const auto last = std::find_if(items->begin(), items->end(), [&](const Item& item) { return item.id == fork.last_item; });
      if (last == items->end()) return refuse(errc::not_found, "conversation " + fork.from + " has no item " + fork.last_item);
      items->erase(last + 1, items->end());
    }
    if (Result<void> done = (*this)(fork.to); !done) return done;
    for (Item& item : *items) {
      item.id = new_id("item_");
      item.conversation_id = fork.to.id;
      if (Result<void> done = (*this)(item); !done) return done;
    }
    return {};
  }

  Result<void> operator()(ExpectIdle& expected) {
    auto statement = database_.prepare(
        "SELECT coalesce((SELECT id FROM responses WHERE conversation_id = ?1 ORDER BY created_ms DESC, rowid DESC LIMIT 1), ''),"
        " EXISTS (SELECT 1 FROM responses WHERE conversation_id = ?1 AND status IN ('queued', 'in_progress')),"
        " EXISTS (SELECT 1 FROM conversations WHERE id = ?1)");
    if (!statement) return statement.error();
    const Result<bool> row = (*statement)->bind(1, expected.conversation_id).step();
    if (!row) return row.error();
    if ((*statement)->text(0) == expected.last_response_id && (*statement)->number(1) == 0 && (*statement)->number(2) != 0) return {};
    return refuse(errc::overtaken, "conversation " + expected.conversation_id + " was continued by another request just now");
  }

  Result<void> operator()(SetMetadata& set) {
    const Result<std::string> metadata = to_text(set.metadata);
    if (!metadata) return metadata.error();
    return change_one("UPDATE conversations SET metadata = ?2 WHERE id = ?1 RETURNING 1", "no conversation " + set.conversation_id,
                      {set.conversation_id, *metadata});
  }

  Result<void> operator()(Rate& rate) {
    if (rate.rating != "good" && rate.rating != "bad" && !rate.rating.empty())
      return Error{errc::invalid_argument, "journal: a rating must be good, bad or empty, not '" + rate.rating + "'"};
    return change_one("UPDATE responses SET rating = ?2, rating_note = ?3 WHERE id = ?1 RETURNING 1", "no response " + rate.response_id,
                      {rate.response_id, rate.rating, rate.note});
  }

  Result<void> operator()(ExpectNew& expected) {
    if (Result<void> done = expect_none("SELECT 1 FROM conversations WHERE id = ?", expected.conversation_id, "conversation"); !done)
      return done;
    for (const std::string& id : expected.response_ids)
      if (Result<void> done = expect_none("SELECT 1 FROM responses WHERE id = ?", id, "response"); !done) return done;
    return {};
  }

 private:
  Error refuse(errc code, const std::string& why) const { return journal_error(code, database_.file(), why); }

  // `sql` returns a row if there was something to change.
  Result<void> change_one(const char* sql, const std::string& otherwise, std::initializer_list<std::string_view> values) {
    auto statement = database_.prepare(sql);
    if (!statement) return statement.error();
    int index = 0;
    for (const std::string_view value : values) (*statement)->bind(++index, value);
    const Result<bool> row = (*statement)->step();
    if (!row) return row.error();
    if (!*row) return refuse(errc::not_found, otherwise);
    return (*statement)->run();
  }

  // `sql` returns the id of a running response, if there is one.
  Result<void> expect_none_under_way(const char* sql, const std::string& id) {
    auto statement = database_.prepare(sql);
    if (!statement) return statement.error();
    const Result<bool> row = (*statement)->bind(1, id).step();
    if (!row) return row.error();
    if (*row) return refuse(errc::in_use, "response " + (*statement)->text(0) + " is in progress: cancel it first");
    return {};
  }

  Result<void> expect_none(const char* sql, const std::string& id, const std::string& what) {
    auto statement = database_.prepare(sql);
    if (!statement) return statement.error();
    const Result<bool> row = (*statement)->bind(1, id).step();
    if (!row) return row.error();
    if (*row) return refuse(errc::exists, what + " " + id + " already exists");
    return {};
  }

  Database& database_;
  const Writing& by_;
  std::optional<std::int64_t>& searchable_;
};

}  // namespace

Result<void> RecordWriter::write(Write& record) { return std::visit(RecordVisitor(database_, by_, searchable_), record); }

Result<void> RecordWriter::finish() { return make_searchable(database_, searchable_); }

}  // namespace baton::memory
