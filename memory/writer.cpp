#include "writer.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace baton::memory {
namespace {

// A record that may not be written, as opposed to a file that cannot be written.
bool refused(const Error& error) {
  return error.code == errc::not_found || error.code == errc::exists || error.code == errc::invalid_argument ||
         error.code == errc::too_large || error.code == errc::overtaken || error.code == errc::in_use;
}

// These errors can pass: disk space is freed, the disk is back, the other process releases its lock.
bool cannot_write(const Error& error) {
  return error.code == errc::full || error.code == errc::io || error.code == errc::read_only || error.code == errc::locked;
}

std::int64_t count_events(const Pending& pending) {
  return std::count_if(pending.writes.begin(), pending.writes.end(), [](const Write& w) { return std::holds_alternative<Event>(w); });
}

// An exception from a callback is a bug of its owner. The other callbacks are still called, and the writer continues.
template <class Callback, class Argument>
void call(const Callback& callback, Argument&& argument) {
  try {
    callback(std::forward<Argument>(argument));
  } catch (const std::exception& e) {
    spdlog::error("a callback of the journal failed: {}", e.what());
  }
}

}  // namespace

Writer::Writer(std::shared_ptr<Connection> process, std::shared_ptr<Connection> power, std::int64_t owner, DurableClock& clock,
               std::optional<FileIdentity> file)
    : process_(std::move(process)), power_(std::move(power)), owner_(owner), clock_(clock), file_(std::move(file)), thread_([this] {
        run();
      }) {}

Writer::~Writer() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  work_.notify_all();
  thread_.join();
}

void Writer::submit(Pending pending) {
  std::unique_lock lock(mutex_);
  Admission admission = Admission::later;
  room_.wait(lock, [&] { return (admission = admit(pending)) != Admission::later; });
  if (admission == Admission::refused) {
    const Error why = *failure_;
    lock.unlock();
    pending.waiters.front().done(why);
    return;
  }
  if (admission == Admission::merged) return;
  pending.waiters.front().number = ++n_submitted_;
  if (pending.durability == Durability::power) ++queued_power_;
  queue_.push_back(std::move(pending));
  lock.unlock();
  work_.notify_one();
}

Writer::Admission Writer::admit(Pending& pending) {
  if (mode_ == Mode::holding && pending.waited_for) return Admission::refused;
  if (queue_.size() < kMaxQueued || on_writer_thread()) return Admission::queued;  // a callback must not wait for its own thread
  if (mode_ != Mode::holding) return Admission::later;
  if (merge_into_queue(pending)) return Admission::merged;
  return queue_.size() < kMaxHeld ? Admission::queued : Admission::later;
}

bool Writer::merge_into_queue(Pending& pending) {
  if (pending.delta_of.empty()) return false;
  for (auto last = queue_.rbegin(); last != queue_.rend(); ++last) {
    if (last->writes.empty()) continue;
    if (last->delta_of.empty()) return false;
    if (last->delta_of != pending.delta_of) continue;
    pending.waiters.front().number = n_submitted_ + 1;
    const bool was_power = last->durability == Durability::power;
    if (!last->take_in(pending)) return false;
    ++n_submitted_;
    if (!was_power && last->durability == Durability::power) ++queued_power_;
    return true;
  }
  return false;
}

void Writer::run() {
  while (std::optional<Group> group = next_group()) {
    try {
      write_group(*group);
    } catch (const std::exception& e) {  // a bug of ours, or out of memory: it must not end the daemon
      spdlog::error("the journal's writer failed: {}", e.what());
      tell(*group, journal_error(errc::io, process_->database->file(), std::string("its writer failed: ") + e.what()));
    }
  }
  if (mode_ != Mode::writing || stats_.transactions == 0) return;  // reading a journal does not change it
  Group clock_alone;
  (void)attempt(clock_alone);
}

std::optional<Writer::Group> Writer::next_group() {
  std::unique_lock lock(mutex_);
  in_flight_ = 0;
  if (mode_ == Mode::holding) {
    work_.wait_until(lock, retry_at_, [this] { return stopping_; });
  } else if (mode_ == Mode::failing) {
    if (!work_.wait_until(lock, retry_at_, [this] { return !queue_.empty() || stopping_; })) return Group();
  } else {
    work_.wait(lock, [this] { return !queue_.empty() || stopping_; });
  }
  if (queue_.empty()) return std::nullopt;
  if (mode_ == Mode::writing) {
    work_.wait_until(lock, queue_.front().submitted + kGroupWait,
                     [this] { return queued_power_ > 0 || queue_.size() >= kMaxGroup || stopping_; });
    // The callers of the last commit are about to submit again; without this wait, one of them would be a group of its own.
    if (power_company_ > 1) work_.wait_for(lock, kCompanyWait, [this] { return queued_power_ >= power_company_ || stopping_; });
  }
  Group group;
  power_company_ = 0;
  std::size_t records = 0;
  while (!queue_.empty() && group.size() < kMaxGroup) {
    records += queue_.front().writes.size();
    if (!group.empty() && records > kMaxGroupRecords) break;
    group.push_back(std::move(queue_.front()));
    queue_.pop_front();
    if (group.back().durability == Durability::power) ++power_company_;
  }
  queued_power_ -= power_company_;
  in_flight_ = static_cast<std::int64_t>(group.size());
  lock.unlock();
  room_.notify_all();
  return group;
}

void Writer::write_group(Group& group) {
  merge_deltas(group);
  if (mode_ == Mode::giving_up) return tell(group, failure_);  // only this thread changes either
  const Result<void> written = attempt(group);
  if (!written && cannot_write(written.error())) return hold(std::move(group), written.error());
  if (written) set_state({});
  tell(group, written ? std::nullopt : std::optional(written.error()));
}

// An empty group writes the clock's row, to test whether the file can be written.
Result<void> Writer::attempt(Group& group) {
  if (file_)
    if (Result<void> there = file_->check(); !there) return there;
  const bool power = std::any_of(group.begin(), group.end(), [](const Pending& p) { return p.durability == Durability::power; });
  Connection& connection = power ? *power_ : *process_;
  const Writing by{owner_, clock_.now_ms()};
  Result<void> written;
  const auto begun = Clock::now();
  {
    const std::lock_guard lock(connection.mutex);
    written = write_together(group, *connection.database, by);
    if (!written && group.size() > 1 && refused(written.error())) written = write_each(group, *connection.database, by);
  }
  const auto spent = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - begun);
  const std::lock_guard lock(mutex_);
  stats_.write_microseconds += spent.count();
  ++(written ? stats_.transactions : stats_.failed);
  if (!written) return written;
  in_flight_ = 0;
  for (const Pending& pending : group) {
    if (pending.error) continue;
    stats_.batches += static_cast<std::int64_t>(pending.waiters.size());
    stats_.events += count_events(pending);
  }
  return written;
}

Result<void> Writer::write_batch(Pending& pending, RecordWriter& writer) {
  try {
    for (Write& record : pending.writes)
      if (Result<void> done = writer.write(record); !done) return done;
    return {};
  } catch (const std::bad_alloc&) {
    return journal_error(errc::too_large, process_->database->file(), "there is not enough memory to write this; send less at once");
  } catch (const std::exception& e) {
    return journal_error(errc::invalid_argument, process_->database->file(), std::string("a record cannot be written: ") + e.what());
  }
}

Result<void> Writer::write_together(Group& group, Database& database, const Writing& by) {
  Transaction transaction(database);
  if (Result<void> begun = transaction.begin(); !begun) return begun;
  RecordWriter writer(database, by);
  for (Pending& pending : group)
    if (Result<void> done = write_batch(pending, writer); !done) return done;
  if (Result<void> done = writer.finish(); !done) return done;
  const bool with_clock = group.empty() || clock_.due();
  if (with_clock)
    if (Result<void> done = clock_.save(database); !done) return done;
  Result<void> done = transaction.commit();
  if (done && with_clock) clock_.saved();
  return done;
}

Result<void> Writer::write_each(Group& group, Database& database, const Writing& by) {
  Transaction transaction(database);
  if (Result<void> begun = transaction.begin(); !begun) return begun;
  for (Pending& pending : group) {
    if (pending.writes.empty()) continue;
    if (Result<void> done = database.exec("SAVEPOINT batch"); !done) return done;
    RecordWriter writer(database, by);
    Result<void> written = write_batch(pending, writer);
    if (written) written = writer.finish();
    if (!written) {
      // After a full disk or an I/O error, SQLite may have rolled back the whole transaction.
      if (cannot_write(written.error()) || !database.in_transaction()) return written;
      pending.error = written.error();
      if (Result<void> back = database.exec("ROLLBACK TO batch"); !back) return back;
    }
    if (Result<void> done = database.exec("RELEASE batch"); !done) return done;
  }
  return transaction.commit();
}

void Writer::hold(Group group, const Error& why) {
  Group failed, held;
  {
    const std::lock_guard lock(mutex_);
    for (Group* from : {&group, &queue_})
      for (Pending& pending : *from) {
        pending.error.reset();
        (pending.waited_for || stopping_ ? failed : held).push_back(std::move(pending));
      }
    queue_ = std::move(held);
    queued_power_ = static_cast<std::size_t>(
        std::count_if(queue_.begin(), queue_.end(), [](const Pending& p) { return p.durability == Durability::power; }));
    in_flight_ = 0;
    retry_at_ = Clock::now() + (mode_ == Mode::writing ? kFirstRetry : kRetry);
    mode_ = stopping_ ? Mode::giving_up : queue_.empty() ? Mode::failing : Mode::holding;
    failure_ = why;
  }
  room_.notify_all();
  set_state({false, why.code, why.public_message()});
  tell(failed, why);
}

void Writer::set_state(JournalState state) {
  {
    const std::lock_guard lock(mutex_);
    if (state.writable) mode_ = Mode::writing;
    if (state.writable == state_.writable && state.code == state_.code && state.why == state_.why) return;
    state_ = state;
  }
  room_.notify_all();
  const std::lock_guard lock(listener_mutex_);
  if (listener_) call(listener_, state);
}

void Writer::tell(Group& group, const std::optional<Error>& error) {
  struct Answer {
    Waiter* waiter;
    Pending* batch;
  };
  std::vector<Answer> answers;
  for (Pending& pending : group)
    for (Waiter& waiter : pending.waiters)
      if (waiter.done) answers.push_back({&waiter, &pending});
  std::sort(answers.begin(), answers.end(), [](const Answer& a, const Answer& b) { return a.waiter->number < b.waiter->number; });
  for (const Answer& answer : answers) {
    Pending& batch = *answer.batch;
    const Journal::Committed done = std::exchange(answer.waiter->done, nullptr);  // it is called only once
    if (error || batch.error) {
      call(done, error ? *error : *batch.error);
      continue;
    }
    std::vector<Event> events;
    if (answer.waiter == &batch.waiters.front())
      for (Write& record : batch.writes)
        if (Event* event = std::get_if<Event>(&record)) events.push_back(std::move(*event));
    call(done, std::move(events));
  }
}

JournalState Writer::state() const {
  const std::lock_guard lock(mutex_);
  return state_;
}

void Writer::on_state(std::function<void(const JournalState&)> listener) {
  const std::lock_guard lock(listener_mutex_);
  listener_ = std::move(listener);
}

JournalStats Writer::stats() const {
  const std::lock_guard lock(mutex_);
  JournalStats stats = stats_;
  stats.queued = static_cast<std::int64_t>(queue_.size()) + in_flight_;
  return stats;
}

}  // namespace baton::memory
