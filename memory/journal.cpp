#include "journal.h"

#include <future>

#include <baton/memory/sqlite/journal_file.h>
#include <baton/memory/sqlite/schema.h>
#include "clock.h"
#include "owners.h"
#include "writer.h"

namespace baton::memory {
namespace {

using Connections = std::shared_ptr<Connection>;

Result<Connections> connect(const std::filesystem::path& file, std::chrono::milliseconds patience, const char* settings) {
  Result<std::unique_ptr<Database>> database = Database::open(file, patience);
  if (!database) return database.error();
  auto connection = std::make_shared<Connection>();
  connection->database = std::move(*database);
  if (Result<void> done = connection->database->exec(settings); !done) return done.error();
  return connection;
}

Result<void> use_wal(Database& database) {
  const Result<std::string> mode = database.text("PRAGMA journal_mode = WAL");
  if (!mode) return mode.error();
  if (*mode != "wal")
    return journal_error(
        errc::io, database.file(),
        "its file system has no shared memory for SQLite's WAL (journal mode is " + *mode + "); name a file on a local disk");
  return {};
}

// The caller may have kept a copy of the batch.
template <class Shared>
std::vector<Write> writes_of(const Shared& batch) {
  if (!batch) return {};
  return batch.use_count() > 1 ? batch->writes : std::move(batch->writes);
}

}  // namespace

struct Journal::Impl {
  std::filesystem::path file;
  JournalOptions options;
  std::unique_ptr<Owners> owners;  // null for ":memory:"
  std::int64_t self = 1;
  std::optional<FileIdentity> identity;
  Connections process, power, reader;
  std::optional<DurableClock> clock;
  std::unique_ptr<Writer> writer;
  std::vector<std::string> adopted;

  Result<void> open_memory();
  Result<void> open_file();
  Result<void> open_locked();
  Result<void> tidy(Database& database);
  ~Impl();

  // Runs one query on the reading connection.
  template <class Query>
  auto read(Query query) {
    const std::lock_guard lock(reader->mutex);
    return query(*reader->database);
  }
};

// One connection serves all users, because a second one would see another empty database.
Result<void> Journal::Impl::open_memory() {
  Result<Connections> all = connect(file, options.busy_timeout, "PRAGMA foreign_keys = ON");
  if (!all) return all.error();
  if (Result<void> done = migrate(*(*all)->database, schema_steps()); !done) return done;
  process = power = reader = *all;
  clock.emplace(options.clock);
  if (Result<void> done = clock->start(*(*all)->database); !done) return done;
  writer = std::make_unique<Writer>(process, power, self, *clock, std::nullopt);
  return {};
}

Result<void> Journal::Impl::open_file() {
  if (Result<void> done = make_folder_of(file); !done) return done;
  Result<std::unique_ptr<Owners>> opened = Owners::open(file);
  if (!opened) return opened.error();
  owners = std::move(*opened);
  self = owners->self();
  if (!owners->lock_opening(options.busy_timeout))
    return journal_error(
        errc::locked, file,
        "another process has been opening it for " + std::to_string(options.busy_timeout.count()) + " ms; end that process, or try again");
  Result<void> done = open_locked();
  owners->unlock_opening();
  return done;
}

Result<void> Journal::Impl::open_locked() {
  make_private_file(file);
  for (const char* suffix : {"", "-wal", "-shm", "-owners"})
    if (Result<void> done = keep_private(file, file.string() + suffix); !done) return done;
  identity.emplace(file);
  Result<Connections> opened = connect(file, options.busy_timeout, "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON");
  if (!opened) return opened.error();
  power = *opened;
  Database& database = *power->database;
  if (database.read_only()) return journal_error(errc::read_only, file, "the file is read-only; make it writable, or name another file");
  if (Result<void> done = check_for_damage(database); !done) return done;
  if (Result<void> done = migrate(database, schema_steps()); !done) return done;
  if (Result<void> done = use_wal(database); !done) return done;
  clock.emplace(options.clock);
  if (Result<void> done = clock->start(database); !done) return done;
  if (Result<void> done = tidy(database); !done) return done;
  opened = connect(file, options.busy_timeout, "PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON");
  if (!opened) return opened.error();
  process = *opened;
  opened = connect(file, options.busy_timeout, "PRAGMA query_only = ON");
  if (!opened) return opened.error();
  reader = *opened;
  if (Result<void> same = identity->check(); !same) return same;
  writer = std::make_unique<Writer>(process, power, self, *clock, identity);
  return {};
}

// Cleans up after processes that have ended.
Result<void> Journal::Impl::tidy(Database& database) {
  const Alive alive = [this](std::int64_t owner) { return owners->alive(owner); };
  // Committed before anything of these runs is read, so that a run that kills the process reading it is counted as well.
  if (Result<void> done = end_dead_runs(database, alive, options.adopt_durable ? std::optional(self) : std::nullopt); !done) return done;
  if (options.adopt_durable) {
    if (Result<void> done = give_up_runs_of(database, self, options.max_attempts); !done) return done;
    Result<std::vector<std::string>> ids = open_run_ids_of(database, self);
    if (!ids) return ids.error();
    adopted = std::move(*ids);
  }
  if (Result<void> done = remove_dead_temporaries(database, alive); !done) return done;
  return forget_answers(database, clock->now_ms() - std::chrono::milliseconds(kAnswersKept).count());
}

Journal::Impl::~Impl() {
  writer.reset();
  // The last connection to close removes the WAL, and another process that opens at that moment must not find it half removed.
  const bool locked = owners && owners->lock_opening(options.busy_timeout);
  reader.reset();
  process.reset();
  power.reset();
  if (locked) owners->unlock_opening();
}

Result<std::unique_ptr<Journal>> Journal::open(const std::filesystem::path& file, JournalOptions options) {
  auto impl = std::make_unique<Impl>();
  impl->file = file;
  impl->options = options;
  if (Result<void> done = file == ":memory:" ? impl->open_memory() : impl->open_file(); !done) return done.error();
  return std::unique_ptr<Journal>(new Journal(std::move(impl)));
}

Journal::Journal(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Journal::~Journal() = default;

void Journal::commit(Batch batch, Durability durability, Committed done) {
  impl_->writer->submit({writes_of(batch.impl_), durability, std::move(done)});
}

Result<std::vector<Event>> Journal::commit_and_wait(Batch batch, Durability durability) {
  if (impl_->writer->on_writer_thread())
    return Error{errc::invalid_argument, "journal: commit_and_wait from a Committed callback would wait for itself; use commit"};
  // Shared, because the writer may still be inside set_value when the waiting thread returns.
  auto promise = std::make_shared<std::promise<Result<std::vector<Event>>>>();
  auto committed = promise->get_future();
  Pending pending(writes_of(batch.impl_), durability,
                  [promise](Result<std::vector<Event>> result) { promise->set_value(std::move(result)); });
  pending.waited_for = true;
  impl_->writer->submit(std::move(pending));
  return committed.get();
}

template <class Record>
Result<void> Journal::write_and_wait(Record record) {
  Batch batch;
  batch.append(std::move(record));
  const Result<std::vector<Event>> done = commit_and_wait(std::move(batch), Durability::power);
  if (!done) return done.error();
  return {};
}

Result<void> Journal::remove_conversation(const std::string& id) { return write_and_wait(RemoveConversation{id}); }
Result<void> Journal::remove_response(const std::string& id) { return write_and_wait(RemoveResponse{id}); }
Result<void> Journal::remove_item(const std::string& id) { return write_and_wait(RemoveItem{id}); }

Result<Conversation> Journal::fork(const std::string& conversation_id, const std::string& item_id, bool temporary) {
  Result<Conversation> from = conversation(conversation_id);
  if (!from) return from.error();
  Conversation to;
  to.id = new_id("conv_");
  to.title = from->title;
  to.created_ms = to.updated_ms = now_ms();
  to.metadata = {{"baton.forked_from", from->id}};
  to.temporary = temporary;
  if (Result<void> done = write_and_wait(ForkConversation{from->id, item_id, to}); !done) return done.error();
  return to;
}

Result<bool> Journal::end_if_abandoned(const std::string& response_id) {
  const Result<std::int64_t> owner = impl_->read([&](Database& database) { return read_owner_of_open(database, response_id); });
  if (!owner) return owner.error();
  if (*owner == 0 || *owner == impl_->self || !impl_->owners || impl_->owners->alive(*owner)) return false;
  const Result<void> done = write_and_wait(EndAbandoned{response_id, *owner});
  if (done) return true;
  if (done.error().code == errc::not_found) return false;  // another process was quicker
  return done.error();
}

Result<void> Journal::set_metadata(const std::string& conversation_id, Json metadata) {
  return write_and_wait(SetMetadata{conversation_id, std::move(metadata)});
}

Result<void> Journal::rate(const std::string& response_id, const std::string& rating, const std::string& note) {
  return write_and_wait(Rate{response_id, rating, rating.empty() ? "" : note});
}

Result<Json> Journal::export_conversation(const std::string& id) const {
  return impl_->read([&](Database& database) { return read_export(database, id); });
}

Result<Conversation> Journal::import_conversation(const Json& exported) {
  Result<Imported> imported = from_export(exported);
  if (!imported) return imported.error();
  Batch batch;
  batch.impl_ = std::make_shared<Batch::Impl>();
  batch.impl_->writes = std::move(imported->writes);
  const Result<std::vector<Event>> done = commit_and_wait(std::move(batch), Durability::power);
  if (!done) return done.error();
  return conversation(imported->conversation.id);
}

Result<void> Journal::backup(const std::filesystem::path& to) const {
  if (impl_->power == impl_->reader) return impl_->read([&](Database& database) { return backup_to(database, to); });
  // A connection of its own, so that no other caller waits for a long copy.
  const Result<Connections> source = connect(impl_->file, impl_->options.busy_timeout, "PRAGMA query_only = ON");
  if (!source) return source.error();
  return backup_to(*(*source)->database, to);
}

Result<Vacuumed> Journal::vacuum() {
  if (impl_->writer->on_writer_thread()) return Error{errc::invalid_argument, "journal: vacuum from a Committed callback is not possible"};
  if (impl_->identity)
    if (const Result<void> there = impl_->identity->check(); !there) return there.error();
  const std::lock_guard lock(impl_->power->mutex);
  return vacuum_file(*impl_->power->database);
}

const std::vector<std::string>& Journal::adopted() const { return impl_->adopted; }

JournalState Journal::state() const { return impl_->writer->state(); }

JournalState Journal::state_now() const {
  const JournalState state = impl_->writer->state();
  if (!state.writable || !impl_->identity) return state;
  const Result<void> there = impl_->identity->check();
  return there ? state : JournalState{false, there.error().code, there.error().public_message()};
}

void Journal::on_state(std::function<void(const JournalState&)> listener) { impl_->writer->on_state(std::move(listener)); }

JournalStats Journal::stats() const {
  JournalStats stats = impl_->writer->stats();
  if (!impl_->identity) return stats;
  const auto bytes_of = [](const std::filesystem::path& file) {
    std::error_code failed;
    const auto size = std::filesystem::file_size(file, failed);
    return failed ? std::int64_t{0} : static_cast<std::int64_t>(size);
  };
  stats.file_bytes = bytes_of(impl_->file);
  stats.wal_bytes = bytes_of(impl_->file.string() + "-wal");
  return stats;
}

std::int64_t Journal::clock_ms() const { return impl_->clock->now_ms(); }

Result<std::vector<Conversation>> Journal::conversations(int limit, int offset) const {
  return impl_->read([&](Database& database) { return read_conversations(database, limit, offset); });
}

Result<Conversation> Journal::conversation(const std::string& id) const {
  return impl_->read([&](Database& database) { return read_conversation(database, id); });
}

Result<std::vector<Response>> Journal::responses(const std::string& conversation_id) const {
  return impl_->read([&](Database& database) { return read_responses(database, conversation_id, impl_->self); });
}

Result<Response> Journal::response(const std::string& id) const {
  return impl_->read([&](Database& database) { return read_response(database, id, impl_->self); });
}

Result<std::vector<Item>> Journal::items(const std::string& conversation_id) const {
  return impl_->read([&](Database& database) { return read_items(database, conversation_id); });
}

Result<std::vector<Response>> Journal::unfinished() const {
  return impl_->read([&](Database& database) { return read_unfinished(database, impl_->self); });
}

Result<std::vector<Item>> Journal::items_of_response(const std::string& id) const {
  return impl_->read([&](Database& database) { return read_items_of_response(database, id); });
}

Result<Item> Journal::item(const std::string& id) const {
  return impl_->read([&](Database& database) { return read_item(database, id); });
}

Result<Claim> Journal::claim(const std::string& key) const {
  return impl_->read([&](Database& database) { return read_claim(database, key); });
}

Result<std::vector<std::string>> Journal::allowed_tools(const std::string& conversation_id) const {
  return impl_->read([&](Database& database) { return read_allowed_tools(database, conversation_id); });
}

Result<std::vector<Event>> Journal::events(const std::string& response_id, std::int64_t after) const {
  return impl_->read([&](Database& database) { return read_events(database, response_id, after); });
}

Result<std::vector<Event>> Journal::events_of_type(const std::string& response_id, const std::string& type) const {
  return impl_->read([&](Database& database) { return read_events_of_type(database, response_id, type); });
}

Result<std::vector<ToolInvocation>> Journal::tool_invocations(const std::string& response_id) const {
  return impl_->read([&](Database& database) { return read_tool_invocations(database, response_id); });
}

Result<std::string> Journal::approval_answer(const std::string& approval_id) const {
  return impl_->read([&](Database& database) { return read_approval_answer(database, approval_id); });
}

Result<Thread> Journal::thread(const std::string& conversation_id) const {
  return impl_->read([&](Database& database) { return read_thread(database, conversation_id, impl_->self); });
}

Result<void> Journal::check_room(const std::string& conversation_id, std::int64_t more) const {
  return impl_->read([&](Database& database) { return check_thread_bytes(database, conversation_id, more); });
}

Result<Thread> Journal::thread_of(const std::string& response_id) const {
  return impl_->read([&](Database& database) { return read_thread_of(database, response_id, impl_->self); });
}

Result<RunRecord> Journal::run_record(const std::string& response_id) const {
  return impl_->read([&](Database& database) { return read_run_record(database, response_id, impl_->self); });
}

Result<Told> Journal::told(const std::string& response_id, std::int64_t after) const {
  return impl_->read([&](Database& database) { return read_told(database, response_id, after, impl_->self); });
}

Result<std::vector<Item>> Journal::items_by_id(const std::vector<std::string>& ids, std::size_t max_bytes) const {
  return impl_->read([&](Database& database) { return read_items_by_id(database, ids, max_bytes); });
}

Result<std::vector<SearchHit>> Journal::search(const std::string& words, int limit) const {
  return impl_->read([&](Database& database) { return search_items(database, words, limit); });
}

const std::filesystem::path& Journal::file() const { return impl_->file; }

}  // namespace baton::memory
