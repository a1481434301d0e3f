#include "journal.h"

#include <fcntl.h>
#include <unistd.h>

#include <future>

#include "owners.h"
#include "schema.h"
#include "writer.h"

namespace baton::memory {
namespace {

using Connections = std::shared_ptr<Connection>;

Result<void> make_folder(const std::filesystem::path& file) {
  std::error_code failed;
  if (std::filesystem::is_directory(file, failed))
    return Error{errc::io, "journal " + file.string() + ": this is a folder; name a file in it"};
  const std::filesystem::path folder = std::filesystem::absolute(file, failed).parent_path();
  if (std::filesystem::is_directory(folder, failed)) return {};
  if (!std::filesystem::create_directories(folder, failed) && failed) {
    const bool denied = failed == std::errc::permission_denied || failed == std::errc::read_only_file_system;
    return Error{denied ? errc::read_only : errc::io, "journal " + file.string() + ": its folder " + folder.string() +
                                                          " cannot be made: " + failed.message() + "; make it, or name another file"};
  }
  // Conversations are private.
  std::filesystem::permissions(folder, std::filesystem::perms::owner_all, failed);
  return {};
}

// Only ever a new file: closing a descriptor of one that SQLite has open in this process would drop SQLite's locks (fcntl(2)).
void make_private_file(const std::filesystem::path& file) {
  const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (descriptor >= 0) ::close(descriptor);
}

Result<Connections> connect(const std::filesystem::path& file, JournalOptions options, const char* settings) {
  Result<std::unique_ptr<Database>> database = Database::open(file, options.busy_timeout);
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
    return Error{errc::io, "journal " + database.file().string() +
                               ": its file system has no shared memory for SQLite's WAL (journal mode is " + *mode +
                               "); name a file on a local disk"};
  return {};
}

Result<void> end_dead_runs(Database& database, const Owners& owners, bool adopt) {
  Result<std::vector<std::int64_t>> open = owners_of_open_runs(database);
  if (!open) return open.error();
  std::erase_if(*open, [&](std::int64_t owner) { return owners.alive(owner); });
  if (open->empty()) return {};
  Transaction transaction(database);
  if (Result<void> begun = transaction.begin(); !begun) return begun;
  for (const std::int64_t owner : *open) {
    if (Result<void> done = end_responses_of(database, owner); !done) return done;
    if (!adopt) continue;
    if (Result<void> done = adopt_responses_of(database, owner, owners.self()); !done) return done;
  }
  return transaction.commit();
}

}  // namespace

struct Journal::Impl {
  std::filesystem::path file;
  JournalOptions options;
  std::unique_ptr<Owners> owners;  // null for ":memory:"
  Connections process, power, reader;
  std::unique_ptr<Writer> writer;
  std::vector<Response> adopted;

  Result<void> open_memory();
  Result<void> open_file();
  Result<void> open_locked();
  ~Impl();

  // Runs one query on the reading connection.
  template <class Query>
  auto read(Query query) {
    const std::lock_guard lock(reader->mutex);
    return query(*reader->database);
  }
};

// One connection for all, as a second one would see another empty database.
Result<void> Journal::Impl::open_memory() {
  Result<Connections> all = connect(file, options, "PRAGMA foreign_keys = ON");
  if (!all) return all.error();
  if (Result<void> done = migrate(*(*all)->database, schema_steps()); !done) return done;
  process = power = reader = *all;
  writer = std::make_unique<Writer>(process, power, 1);
  return {};
}

Result<void> Journal::Impl::open_file() {
  if (Result<void> done = make_folder(file); !done) return done;
  Result<std::unique_ptr<Owners>> opened = Owners::open(file);
  if (!opened) return opened.error();
  owners = std::move(*opened);
  if (!owners->lock_opening(options.busy_timeout))
    return Error{errc::locked, "journal " + file.string() + ": another process has been opening it for " +
                                   std::to_string(options.busy_timeout.count()) + " ms; end that process, or try again"};
  Result<void> done = open_locked();
  owners->unlock_opening();
  return done;
}

Result<void> Journal::Impl::open_locked() {
  make_private_file(file);
  Result<Connections> opened = connect(file, options, "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON");
  if (!opened) return opened.error();
  power = *opened;
  Database& database = *power->database;
  if (database.read_only())
    return Error{errc::read_only, "journal " + file.string() + ": the file is read-only; make it writable, or name another file"};
  if (Result<void> done = check_for_damage(database); !done) return done;
  if (Result<void> done = migrate(database, schema_steps()); !done) return done;
  if (Result<void> done = use_wal(database); !done) return done;
  if (Result<void> done = end_dead_runs(database, *owners, options.adopt_durable); !done) return done;
  if (options.adopt_durable) {
    Result<std::vector<Response>> taken = read_unfinished_of(database, owners->self());
    if (!taken) return taken.error();
    adopted = std::move(*taken);
  }
  opened = connect(file, options, "PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON");
  if (!opened) return opened.error();
  process = *opened;
  opened = connect(file, options, "PRAGMA query_only = ON");
  if (!opened) return opened.error();
  reader = *opened;
  writer = std::make_unique<Writer>(process, power, owners->self());
  return {};
}

Journal::Impl::~Impl() {
  writer.reset();
  // The last connection to close removes the WAL; another process that opens at that moment should not meet it half removed.
  const bool locked = owners && owners->lock_opening(options.busy_timeout);
  reader.reset();
  process.reset();
  power.reset();
  if (locked) owners->unlock_opening();
}

Batch& Batch::put(Conversation conversation) & { return append(std::move(conversation)); }
Batch& Batch::put(Response response) & { return append(std::move(response)); }
Batch& Batch::add(Item item) & { return append(std::move(item)); }
Batch& Batch::add(Event event) & { return append(std::move(event)); }
Batch& Batch::put(ToolInvocation invocation) & { return append(std::move(invocation)); }
Batch& Batch::claim(std::string key, std::string response_id, std::string fingerprint) & {
  return append(Claim{std::move(key), std::move(response_id), std::move(fingerprint)});
}
Batch& Batch::allow_tool(std::string conversation_id, std::string tool) & {
  return append(AllowTool{std::move(conversation_id), std::move(tool)});
}

template <class Record>
Batch& Batch::append(Record record) {
  if (!impl_) impl_ = std::make_shared<Impl>();
  if (impl_.use_count() > 1) impl_ = std::make_shared<Impl>(*impl_);  // a copy of a batch is a batch of its own
  impl_->writes.emplace_back(std::move(record));
  return *this;
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
  const std::shared_ptr<Batch::Impl> given = std::move(batch.impl_);
  std::vector<Write> writes;
  if (given) writes = given.use_count() > 1 ? given->writes : std::move(given->writes);  // the caller may have kept a copy of the batch
  impl_->writer->submit(std::move(writes), durability, std::move(done));
}

Result<std::vector<Event>> Journal::commit_and_wait(Batch batch, Durability durability) {
  if (impl_->writer->on_writer_thread())
    return Error{errc::invalid_argument, "journal: commit_and_wait from a Committed callback would wait for itself; use commit"};
  // Shared, because the writer may still be inside set_value when the waiting thread is through.
  auto promise = std::make_shared<std::promise<Result<std::vector<Event>>>>();
  auto committed = promise->get_future();
  commit(std::move(batch), durability, [promise](Result<std::vector<Event>> result) { promise->set_value(std::move(result)); });
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

Result<Conversation> Journal::fork(const std::string& conversation_id, const std::string& item_id) {
  Result<Conversation> from = conversation(conversation_id);
  if (!from) return from.error();
  Conversation to;
  to.id = new_id("conv_");
  to.title = from->title;
  to.created_ms = to.updated_ms = now_ms();
  to.metadata = {{"baton.forked_from", from->id}};
  if (Result<void> done = write_and_wait(ForkConversation{from->id, item_id, to}); !done) return done.error();
  return to;
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
  // A connection of its own, so that nobody waits for a long copy.
  const Result<Connections> source = connect(impl_->file, impl_->options, "PRAGMA query_only = ON");
  if (!source) return source.error();
  return backup_to(*(*source)->database, to);
}

Result<Vacuumed> Journal::vacuum() {
  if (impl_->writer->on_writer_thread()) return Error{errc::invalid_argument, "journal: vacuum from a Committed callback is not possible"};
  const std::lock_guard lock(impl_->power->mutex);
  return vacuum_file(*impl_->power->database);
}

const std::vector<Response>& Journal::adopted() const { return impl_->adopted; }

Result<std::vector<Conversation>> Journal::conversations(int limit, int offset) const {
  return impl_->read([&](Database& database) { return read_conversations(database, limit, offset); });
}

Result<Conversation> Journal::conversation(const std::string& id) const {
  return impl_->read([&](Database& database) { return read_conversation(database, id); });
}

Result<std::vector<Response>> Journal::responses(const std::string& conversation_id) const {
  return impl_->read([&](Database& database) { return read_responses(database, conversation_id); });
}

Result<Response> Journal::response(const std::string& id) const {
  return impl_->read([&](Database& database) { return read_response(database, id); });
}

Result<std::vector<Item>> Journal::items(const std::string& conversation_id) const {
  return impl_->read([&](Database& database) { return read_items(database, conversation_id); });
}

Result<std::vector<Response>> Journal::unfinished() const {
  return impl_->read([&](Database& database) { return read_unfinished(database); });
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

Result<std::vector<ToolInvocation>> Journal::tool_invocations(const std::string& response_id) const {
  return impl_->read([&](Database& database) { return read_tool_invocations(database, response_id); });
}

Result<std::vector<SearchHit>> Journal::search(const std::string& words, int limit) const {
  return impl_->read([&](Database& database) { return search_items(database, words, limit); });
}

const std::filesystem::path& Journal::file() const { return impl_->file; }

}  // namespace baton::memory
