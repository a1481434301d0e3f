#pragma once
// The journal: every step of every run, in SQLite, before any client is told of it.
//
// Two classes of durability (docs/durability.md):
//   Durability::process  survives a killed process. WAL, synchronous=NORMAL; group commit: at most 20 ms of waiting, so that streamed text
//                        costs few transactions.
//   Durability::power    survives power loss. synchronous=FULL on its own connection.
// Both are written by one writer thread in the order of submission, so numbers never run backwards.
#include <baton/memory/error.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace baton::memory {

using Json = nlohmann::ordered_json;

enum class Durability { process, power };

// Times are milliseconds since 1970, UTC. Ids are given by the caller ("conv_..", "resp_..", "item_..", see new_id()).

struct Conversation {
  std::string id;
  std::string title;  // the first user message, shortened
  std::int64_t created_ms = 0;
  std::int64_t updated_ms = 0;
  Json metadata = Json::object();  // the client's own
  int n_responses = 0;             // filled by queries
  // The client did not want this run stored, so only a whole id finds it. open() removes it once its runs are over and the process that
  // wrote it has ended.
  bool temporary = false;
};

// One run of the agent. `status` is queued, in_progress, completed, incomplete, failed or cancelled.
struct Response {
  std::string id;
  std::string conversation_id;
  std::string parent_id;  // the response that this one continues; empty for the first
  std::string model;
  std::string status;
  std::string reason;             // why incomplete or failed: "interrupted", "max_turns", ...
  Json request = Json::object();  // tools, instructions, sampling, budgets: what is needed to understand or repeat the run
  Json usage = Json::object();
  std::int64_t created_ms = 0;
  std::int64_t finished_ms = 0;
  Json metadata = Json::object();  // the client's own
  bool durable = false;            // continues after a crash: open() does not end it, but leaves it for a process with adopt_durable
  int attempts = 1;                // how many processes have run it
  std::string rating;              // good, bad or empty; rate() sets it
  std::string rating_note;
  std::int64_t spent_ms = 0;  // used of its time budget, summed over the processes that ran it
  bool ours = true;           // filled by queries: this journal's process runs it, or ran it
};

// A response without its request: enough to continue it.
struct ResponseHead {
  std::string id, parent_id, status, reason;
  bool ours = true;
};

// One entry of a conversation: {"type":"message"|"function_call"|"function_call_output"|"reasoning", ...}.
struct Item {
  std::string id;
  std::string conversation_id;
  std::string response_id;               // the run that made it; for a user message the run that it started; empty: a client added it
  std::int64_t position = 0;             // in its conversation, given by the journal
  Json content;                          // the item as the protocol shows it
  std::string text;                      // what full-text search reads
  std::vector<std::int32_t> raw_tokens;  // assistant items: the model's own tokens; stored as a blob
  std::string model_sha256, template_sha256;
  std::int64_t created_ms = 0;
};

struct Event {
  std::string response_id;
  std::int64_t sequence_number = 0;  // given by the journal: rises by one within a response
  std::string type;
  Json data;
};

// The intent is stored before a tool starts, the result after it ended. An intent without a result after a crash means that nothing is
// known about whether the tool ran.
struct ToolInvocation {
  std::string id;  // the call's id
  std::string response_id;
  std::string tool;
  Json arguments;
  std::string idempotency_key;
  std::string status;  // intent, done, error, unknown
  std::string result;
  std::int64_t started_ms = 0;
  std::int64_t finished_ms = 0;
};

// A group of writes that is committed whole or not at all, in the order of the calls. `put` replaces the whole record (created_ms and
// started_ms stay those of the first). Times left 0 are filled in. Strings that are not UTF-8 get U+FFFD in place of the bad bytes.
class Batch {
 public:
  Batch& put(Conversation conversation) &;  // inserts or updates
  Batch& put(Response response) &;          // inserts or updates
  Batch& add(Item item) &;
  Batch& add(Event event) &;
  Batch& put(ToolInvocation invocation) &;  // inserts or updates
  // From now on, the key identifies this response. A key that identifies another one refuses the batch with errc::exists.
  Batch& claim(std::string key, std::string response_id, std::string fingerprint) &;
  // The user allows this tool to run in this conversation without being asked.
  Batch& allow_tool(std::string conversation_id, std::string tool) &;
  // Updates Response::spent_ms and nothing else.
  Batch& spent(std::string response_id, std::int64_t ms) &;
  // From now on, the approval is answered by this response. An approval that another response answered refuses the batch with errc::exists.
  // The answer outlives its response and its conversation; open() forgets it after 90 days.
  Batch& answer_approval(std::string approval_id, std::string response_id) &;
  // Inserts the conversation `to` with copies of the items of another, as Journal::fork does. errc::not_found.
  Batch& fork(std::string conversation_id, std::string last_item_id, Conversation to) &;
  // Refuses the batch with errc::overtaken unless this response is the conversation's last (empty: it has none) and none is open.
  Batch& expect_idle(std::string conversation_id, std::string last_response_id) &;

  // For chains that begin with a temporary: Batch().put(..).add(..) goes into commit() without being copied.
  Batch&& put(Conversation conversation) && { return std::move(put(std::move(conversation))); }
  Batch&& put(Response response) && { return std::move(put(std::move(response))); }
  Batch&& add(Item item) && { return std::move(add(std::move(item))); }
  Batch&& add(Event event) && { return std::move(add(std::move(event))); }
  Batch&& put(ToolInvocation invocation) && { return std::move(put(std::move(invocation))); }
  Batch&& claim(std::string key, std::string response_id, std::string fingerprint) && {
    return std::move(claim(std::move(key), std::move(response_id), std::move(fingerprint)));
  }
  Batch&& allow_tool(std::string conversation_id, std::string tool) && {
    return std::move(allow_tool(std::move(conversation_id), std::move(tool)));
  }
  Batch&& spent(std::string response_id, std::int64_t ms) && { return std::move(spent(std::move(response_id), ms)); }
  Batch&& answer_approval(std::string approval_id, std::string response_id) && {
    return std::move(answer_approval(std::move(approval_id), std::move(response_id)));
  }

 private:
  friend class Journal;
  struct Impl;
  template <class Record>
  Batch& append(Record record);
  std::shared_ptr<Impl> impl_;
};

struct SearchHit {
  std::string conversation_id, item_id, title;
  std::string snippet;  // the match between ‹ and ›
  std::int64_t created_ms = 0;
};

// The response that the key of an idempotent request identifies.
struct Claim {
  std::string key;
  std::string response_id;
  std::string fingerprint;  // of the request
};

struct Vacuumed {
  std::int64_t before_bytes = 0, after_bytes = 0;
};

// A conversation, read in one snapshot.
struct Thread {
  Conversation conversation;
  std::vector<ResponseHead> responses;  // oldest first
  std::vector<Item> items;              // by position
  std::vector<std::string> allowed_tools;
};

// All that the journal has about one run, read in one snapshot: enough to resume it.
struct RunRecord {
  Response response;
  Conversation conversation;
  std::vector<Item> items;  // of the whole conversation, by position
  std::vector<Event> events;
  std::vector<ToolInvocation> invocations;
  std::vector<std::string> allowed_tools;
};

// A response and its events, read in one snapshot.
struct Told {
  Response response;
  std::vector<Event> events;
};

// Whether the file can be written.
struct JournalState {
  bool writable = true;
  errc code = errc::io;  // of the last attempt, if the file is not writable
  std::string why;       // for a person, without the file's path
};

// Counted since open(), except for the last three.
struct JournalStats {
  std::int64_t batches = 0, events = 0, transactions = 0;  // committed
  std::int64_t failed = 0;                                 // transactions
  std::int64_t write_microseconds = 0;                     // the sum over all transactions
  std::int64_t queued = 0;                                 // batches that wait or are held
  std::int64_t file_bytes = 0, wal_bytes = 0;
};

// The sources of Journal::clock_ms(), replaceable by tests. Empty: the system's clocks.
struct ClockSource {
  std::function<std::int64_t()> boot_ms;  // since the system started, sleep included
  std::function<std::int64_t()> wall_ms;  // since 1970
  std::function<std::string()> boot_id;   // a different one after each start of the system
};

// The answer to an approval is remembered for this long, so no approval may wait longer.
inline constexpr std::chrono::hours kAnswersKept{90 * 24};

// The limit for the items of a thread, in bytes of the file. thread() and thread_of() refuse a larger one, because they hold it in memory
// whole.
inline constexpr std::int64_t kMaxThreadBytes = 64 << 20;

struct JournalOptions {
  std::chrono::milliseconds busy_timeout{5000};  // how long to wait for another process before errc::locked
  bool adopt_durable = false;                    // take over the durable runs of processes that ended: see adopted()
  int max_attempts = 2;                          // a durable run that has crashed this many processes is ended
  ClockSource clock = {};
};

// Threads: every member may be called from any thread. Reads see all that was committed before they were called.
//
// Several processes may have the same file open and write to it; each runs its own responses. A response belongs to the journal that put it
// last. The next open() ends the responses of a process that has ended.
class Journal {
 public:
  // Called on the writer thread, in the order of submission, after the commit (with the events and the numbers they were given) or after it
  // failed (then nothing of the batch is in the file). Must not block or destroy the journal; it may commit().
  //
  // Streamed text: adjacent events of one response whose type ends with ".delta", which wait for the same commit in batches of nothing
  // else, and which differ only in the string `delta`, become one event before they are numbered. The first of their batches gets it; the
  // others get the rest of theirs, mostly nothing. A sender that forwards the events of all callbacks therefore sends all text once, in
  // order.
  using Committed = std::function<void(Result<std::vector<Event>>)>;

  // Creates the file (mode 0600) and its folders, checks an existing one for damage (errc::corrupt), migrates an older schema, ends the
  // runs that a killed process left (status incomplete, reason "interrupted", with a terminal event) and marks their open tool invocations
  // unknown. Durable runs are left as they are, or taken over. The files -wal and -shm (SQLite's) and -owners (which processes are alive)
  // are in the same folder. Read permission of other users is removed; errc::read_only where that is not allowed. ":memory:" keeps nothing.
  static Result<std::unique_ptr<Journal>> open(const std::filesystem::path& file, JournalOptions options = {});
  ~Journal();  // commits the queue

  // The ids of the durable runs that this open() took over, oldest first. They now belong to this journal, `attempts` is one higher
  // (committed before anything else of them was read), and their tool invocations are unchanged. A run that has crashed
  // JournalOptions::max_attempts processes is not among them: open() ended it as failed, with one terminal event.
  const std::vector<std::string>& adopted() const;

  // The queue is bounded: the call blocks when 4096 batches wait for the disk.
  //
  // A file that cannot be written (errc::full, io, read_only, locked) fails no batch of commit(): they are held and tried again, first
  // after 100 ms and then once a second, in their order, until they are written. commit() does not wait for the disk meanwhile: beyond 4096
  // held batches a batch of nothing but deltas is merged into the last held batch of its response, if only deltas came after that one. Its
  // callback is then called with that batch's, before those of other responses that came earlier. Other batches are held as well, up to
  // 16384; beyond that, commit() blocks until the file can be written. ~Journal() tries once more, then fails the held batches.
  void commit(Batch batch, Durability durability, Committed done = {});
  // The same, waiting for the commit. Must not be called from a callback. Fails at once if the file cannot be written, and without an
  // attempt while batches are held.
  Result<std::vector<Event>> commit_and_wait(Batch batch, Durability durability);

  JournalState state() const;
  JournalState state_now() const;  // also not writable if the file was deleted or replaced since it was last written
  // Called on the writer thread whenever the state changes, before the callbacks of the batches that it concerns. There is one listener;
  // empty: none. on_state() waits for a running call of the previous listener, so the listener must not call it, and must not block or
  // destroy the journal.
  void on_state(std::function<void(const JournalState&)> listener);
  JournalStats stats() const;

  // A clock in milliseconds for deadlines and budgets that outlive the process. It never runs backwards and does not follow changes of the
  // wall clock. It runs while the system sleeps; the time between two starts of the system is taken from the wall clock, once. All
  // processes that have the file open see the same time. It began as the wall clock of the first open().
  std::int64_t clock_ms() const;

  Result<std::vector<Conversation>> conversations(int limit, int offset = 0) const;   // newest first; no temporary ones
  Result<Conversation> conversation(const std::string& id) const;                     // an id, or a unique prefix of one, or "last"
  Result<std::vector<Response>> responses(const std::string& conversation_id) const;  // oldest first
  Result<Response> response(const std::string& id) const;
  Result<std::vector<Item>> items(const std::string& conversation_id) const;  // by position
  Result<std::vector<Response>> unfinished() const;                           // queued or in progress, oldest first
  Result<std::vector<Item>> items_of_response(const std::string& id) const;   // by position
  Result<Item> item(const std::string& id) const;
  Result<Claim> claim(const std::string& key) const;  // errc::not_found. Its response may have been removed
  Result<std::vector<std::string>> allowed_tools(const std::string& conversation_id) const;
  Result<std::vector<Event>> events(const std::string& response_id,
                                    std::int64_t after = -1) const;  // numbers from after + 1; the first is 0
  Result<std::vector<Event>> events_of_type(const std::string& response_id, const std::string& type) const;
  Result<std::vector<ToolInvocation>> tool_invocations(const std::string& response_id) const;
  Result<std::string> approval_answer(const std::string& approval_id) const;  // the response that answered it; errc::not_found

  // Each of these reads in one snapshot of the file.
  Result<Thread> thread(const std::string& conversation_id) const;  // an id, a unique prefix of one, or "last"
  Result<Thread> thread_of(const std::string& response_id) const;   // the conversation of a response; errc::not_found
  // errc::thread_too_large if the conversation's items would exceed kMaxThreadBytes with `more` bytes. It sums over all items, so it must
  // not run on the writer's thread.
  Result<void> check_room(const std::string& conversation_id, std::int64_t more) const;
  Result<RunRecord> run_record(const std::string& response_id) const;
  Result<Told> told(const std::string& response_id, std::int64_t after = -1) const;  // with the events from after + 1
  // The items with these ids, in this order, repeated as often as named. Their bytes in the file are summed before any item is read, an
  // item named twice counting twice: errc::too_large names the sum and max_bytes. errc::not_found names the id.
  Result<std::vector<Item>> items_by_id(const std::vector<std::string>& ids, std::size_t max_bytes) const;

  // Items that hold all the words or words that begin with them, the best match first. No words, no hits.
  Result<std::vector<SearchHit>> search(const std::string& words, int limit) const;
  // With its responses, items, events and tool invocations, after all that was submitted before. A whole id, no prefix. errc::in_use: one
  // of its responses is under way.
  Result<void> remove_conversation(const std::string& id);

  // A response with its items, events and tool invocations; one item. After all that was submitted before. Whole ids. errc::in_use: the
  // response is under way.
  Result<void> remove_response(const std::string& id);
  Result<void> remove_item(const std::string& id);
  // A new conversation with copies, under new ids, of the items up to and with `item_id` (empty: all). Their content, with the ids in it,
  // and the responses that they name stay the same.
  Result<Conversation> fork(const std::string& conversation_id, const std::string& item_id, bool temporary = false);
  // Ends an open response whose process has ended, durable or not, as the next open() ends one that is not durable. True: it was ended;
  // false: it is over already, or its process is alive.
  Result<bool> end_if_abandoned(const std::string& response_id);

  // Replaces only the metadata of a conversation. Takes a whole id. errc::not_found.
  Result<void> set_metadata(const std::string& conversation_id, Json metadata);
  // The user's rating of an answer: good, bad, or empty to withdraw it. It stays when the response is put again.
  Result<void> rate(const std::string& response_id, const std::string& rating, const std::string& note);

  // A conversation as one JSON value, whole: responses with events and tool invocations, items with raw tokens. Claims and allowed tools
  // belong to this journal and are left out.
  Result<Json> export_conversation(const std::string& id) const;
  // Imports the result of export_conversation() under the same ids. Runs that were open then have ended here as interrupted. Errors:
  // errc::invalid_argument for anything but an export, errc::newer_version for an export of a newer Baton, errc::exists for a conversation
  // that exists already.
  Result<Conversation> import_conversation(const Json& exported);
  // Writes a copy of the whole journal as of this moment, while it is in use. It is durable when this returns. Never replaces a file:
  // errc::exists.
  Result<void> backup(const std::filesystem::path& to) const;
  // Returns the space of removed records to the disk. Commits wait meanwhile.
  Result<Vacuumed> vacuum();

  const std::filesystem::path& file() const;

 private:
  struct Impl;
  explicit Journal(std::unique_ptr<Impl> impl);
  template <class Record>
  Result<void> write_and_wait(Record record);
  std::unique_ptr<Impl> impl_;
};

// A new id: the prefix, then 24 characters of time and randomness, sorting by time.
std::string new_id(const std::string& prefix);
std::int64_t now_ms();

}  // namespace baton::memory
