#include "schema.h"

namespace baton::memory {
namespace {

constexpr const char* kSteps[] = {
    R"sql(
CREATE TABLE conversations (
  id TEXT PRIMARY KEY NOT NULL,
  title TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  updated_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX conversations_by_time ON conversations (updated_ms);

CREATE TABLE responses (
  id TEXT PRIMARY KEY NOT NULL,
  conversation_id TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
  parent_id TEXT NOT NULL,
  model TEXT NOT NULL,
  status TEXT NOT NULL,
  reason TEXT NOT NULL,
  request TEXT NOT NULL,
  usage TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  finished_ms INTEGER NOT NULL,
  owner INTEGER NOT NULL  -- whose byte of the -owners file is locked while the process that runs it lives
) STRICT;
CREATE INDEX responses_by_conversation ON responses (conversation_id, created_ms);
CREATE INDEX responses_open ON responses (owner) WHERE status IN ('queued', 'in_progress');

CREATE TABLE items (
  n INTEGER PRIMARY KEY,  -- what the search index refers to
  id TEXT NOT NULL UNIQUE,
  conversation_id TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
  response_id TEXT NOT NULL,
  position INTEGER NOT NULL,
  content TEXT NOT NULL,
  text TEXT NOT NULL,
  raw_tokens BLOB NOT NULL,  -- little-endian int32
  model_sha256 TEXT NOT NULL,
  template_sha256 TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  UNIQUE (conversation_id, position)
) STRICT;

CREATE TABLE events (
  response_id TEXT NOT NULL REFERENCES responses (id) ON DELETE CASCADE,
  sequence_number INTEGER NOT NULL,
  type TEXT NOT NULL,
  data TEXT NOT NULL,
  PRIMARY KEY (response_id, sequence_number)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX one_terminal_event ON events (response_id)
  WHERE type IN ('response.completed', 'response.failed', 'response.incomplete', 'response.cancelled');

CREATE TABLE tool_invocations (
  id TEXT NOT NULL,
  response_id TEXT NOT NULL REFERENCES responses (id) ON DELETE CASCADE,
  tool TEXT NOT NULL,
  arguments TEXT NOT NULL,
  idempotency_key TEXT NOT NULL,
  status TEXT NOT NULL,
  result TEXT NOT NULL,
  started_ms INTEGER NOT NULL,
  finished_ms INTEGER NOT NULL,
  PRIMARY KEY (response_id, id)
) STRICT;
CREATE INDEX tool_invocations_open ON tool_invocations (response_id) WHERE status = 'intent';

CREATE VIRTUAL TABLE items_search USING fts5 (text, content = 'items', content_rowid = 'n', tokenize = 'unicode61 remove_diacritics 2');
CREATE TRIGGER items_search_insert AFTER INSERT ON items BEGIN
  INSERT INTO items_search (rowid, text) VALUES (new.n, new.text);
END;
CREATE TRIGGER items_search_delete AFTER DELETE ON items BEGIN
  INSERT INTO items_search (items_search, rowid, text) VALUES ('delete', old.n, old.text);
END;
CREATE TRIGGER items_search_update AFTER UPDATE OF text ON items BEGIN
  INSERT INTO items_search (items_search, rowid, text) VALUES ('delete', old.n, old.text);
  INSERT INTO items_search (rowid, text) VALUES (new.n, new.text);
END;
)sql",
    R"sql(
ALTER TABLE conversations ADD COLUMN metadata TEXT NOT NULL DEFAULT '{}';
ALTER TABLE responses ADD COLUMN metadata TEXT NOT NULL DEFAULT '{}';
ALTER TABLE responses ADD COLUMN durable INTEGER NOT NULL DEFAULT 0;
ALTER TABLE responses ADD COLUMN attempts INTEGER NOT NULL DEFAULT 1;
ALTER TABLE responses ADD COLUMN rating TEXT NOT NULL DEFAULT '';
ALTER TABLE responses ADD COLUMN rating_note TEXT NOT NULL DEFAULT '';
CREATE INDEX items_by_response ON items (response_id, position);

CREATE TABLE claims (
  key TEXT PRIMARY KEY NOT NULL,
  response_id TEXT NOT NULL REFERENCES responses (id) ON DELETE CASCADE,
  fingerprint TEXT NOT NULL
) STRICT;
CREATE INDEX claims_by_response ON claims (response_id);

CREATE TABLE allowed_tools (
  conversation_id TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
  tool TEXT NOT NULL,
  PRIMARY KEY (conversation_id, tool)
) STRICT, WITHOUT ROWID;
)sql",
    R"sql(
ALTER TABLE conversations ADD COLUMN temporary INTEGER NOT NULL DEFAULT 0;
ALTER TABLE conversations ADD COLUMN owner INTEGER NOT NULL DEFAULT 0;  -- who put it last, as in responses
DROP INDEX conversations_by_time;
CREATE INDEX conversations_by_time ON conversations (updated_ms DESC, created_ms DESC, id DESC) WHERE temporary = 0;
CREATE INDEX conversations_temporary ON conversations (owner) WHERE temporary = 1;

ALTER TABLE responses ADD COLUMN spent_ms INTEGER NOT NULL DEFAULT 0;
CREATE INDEX responses_by_parent ON responses (parent_id);

CREATE TABLE approval_answers (  -- outlives its response, so that no approval is used twice
  approval_id TEXT PRIMARY KEY NOT NULL,
  response_id TEXT NOT NULL,
  answered_ms INTEGER NOT NULL  -- by the clock below
) STRICT;
CREATE INDEX approval_answers_by_time ON approval_answers (answered_ms);

CREATE TABLE claims_that_stay (  -- as claims were, but outliving their response, so that no lost reply starts a second run
  key TEXT PRIMARY KEY NOT NULL,
  response_id TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  claimed_ms INTEGER NOT NULL  -- by the clock below; 0: before there was one
) STRICT;
INSERT INTO claims_that_stay SELECT key, response_id, fingerprint, 0 FROM claims;
DROP TABLE claims;
ALTER TABLE claims_that_stay RENAME TO claims;
CREATE INDEX claims_by_time ON claims (claimed_ms);

CREATE TABLE clock (  -- four readings of one moment
  one INTEGER PRIMARY KEY CHECK (one = 1),
  ms INTEGER NOT NULL,
  boot_id TEXT NOT NULL,
  boot_ms INTEGER NOT NULL,
  wall_ms INTEGER NOT NULL
) STRICT;
)sql",
    R"sql(
DROP TRIGGER items_search_insert;  -- records.h: new items become searchable together
)sql",
};

// The version of the file; an error if the file is not a journal that we may change.
Result<std::int64_t> checked_version(Database& database, std::int64_t newest) {
  const Result<std::int64_t> application = database.number("PRAGMA application_id");
  if (!application) return application.error();
  const Result<std::int64_t> version = database.number("PRAGMA user_version");
  if (!version) return version.error();
  const Result<std::int64_t> tables = database.number("SELECT count(*) FROM sqlite_schema");
  if (!tables) return tables.error();
  const std::filesystem::path& file = database.file();
  if (*application != kApplicationId && (*tables != 0 || *version != 0))
    return journal_error(errc::corrupt, file, "this is the database of another program; name another file");
  if (*version > newest)
    return journal_error(errc::newer_version, file,
                         "it has version " + std::to_string(*version) + " and this Baton knows versions up to " + std::to_string(newest) +
                             "; install a newer Baton, or name another file. Nothing was changed");
  return *version;
}

}  // namespace

std::span<const char* const> schema_steps() { return kSteps; }

Result<void> migrate(Database& database, std::span<const char* const> steps) {
  const auto newest = static_cast<std::int64_t>(steps.size());
  Result<std::int64_t> version = checked_version(database, newest);
  if (!version) return version.error();
  if (*version == newest) return {};
  Transaction transaction(database);
  if (Result<void> begun = transaction.begin(); !begun) return begun;
  version = checked_version(database, newest);  // another process may have been quicker
  if (!version) return version.error();
  for (std::int64_t step = *version; step < newest; ++step)
    if (Result<void> done = database.exec(steps[static_cast<std::size_t>(step)]); !done) return done;
  const std::string mark =
      "PRAGMA application_id = " + std::to_string(kApplicationId) + "; PRAGMA user_version = " + std::to_string(newest);
  if (Result<void> done = database.exec(mark.c_str()); !done) return done;
  return transaction.commit();
}

}  // namespace baton::memory
