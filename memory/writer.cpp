#include "writer.h"

#include <algorithm>
#include <map>

namespace baton::memory {
namespace {

// A piece of streamed text or arguments: {"type": "response.output_text.delta", "delta": "...", ...}.
bool is_delta(const Event& event) {
  return event.type.size() > 6 && event.type.compare(event.type.size() - 6, 6, ".delta") == 0 && event.data.is_object() &&
         event.data.contains("delta") && event.data["delta"].is_string();
}

bool same_but_for_delta(const Event& a, const Event& b) {
  if (a.type != b.type || a.data.size() != b.data.size()) return false;
  return std::equal(a.data.items().begin(), a.data.items().end(), b.data.items().begin(),
                    [](const auto& x, const auto& y) { return x.key() == y.key() && (x.key() == "delta" || x.value() == y.value()); });
}

// A record that may not be written, rather than a file that cannot be.
bool refused(const Error& error) {
  return error.code == errc::not_found || error.code == errc::exists || error.code == errc::invalid_argument;
}

// The response, when the batch is nothing but deltas of one; such a batch can only fail together with its neighbours.
const std::string* delta_response(const std::vector<Write>& writes) {
  const std::string* response = nullptr;
  for (const Write& write : writes) {
    const Event* event = std::get_if<Event>(&write);
    if (!event || !is_delta(*event) || (response && *response != event->response_id)) return nullptr;
    response = &event->response_id;
  }
  return response;
}

}  // namespace

Writer::Writer(std::shared_ptr<Connection> process, std::shared_ptr<Connection> power, std::int64_t owner)
    : process_(std::move(process)), power_(std::move(power)), owner_(owner), thread_([this] { run(); }) {}

Writer::~Writer() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  work_.notify_all();
  thread_.join();
}

void Writer::submit(std::vector<Write> writes, Durability durability, Journal::Committed done) {
  {
    std::unique_lock lock(mutex_);
    // The writer itself, in a callback, must not wait for itself.
    if (!on_writer_thread()) room_.wait(lock, [this] { return queue_.size() < kMaxQueued; });
    queue_.push_back({std::move(writes), durability, std::move(done), Clock::now(), std::nullopt, 0});
    if (durability == Durability::power) ++queued_power_;
  }
  work_.notify_one();
}

void Writer::run() {
  while (true) {
    std::vector<Pending> group = next_group();
    if (group.empty()) return;
    commit(group);
  }
}

std::vector<Writer::Pending> Writer::next_group() {
  std::unique_lock lock(mutex_);
  work_.wait(lock, [this] { return !queue_.empty() || stopping_; });
  if (queue_.empty()) return {};
  work_.wait_until(lock, queue_.front().submitted + kGroupWait,
                   [this] { return queued_power_ > 0 || queue_.size() >= kMaxGroup || stopping_; });
  // Those who were told of the last commit are about to come again; without this, one of them would be a group of its own.
  if (power_company_ > 1) work_.wait_for(lock, kCompanyWait, [this] { return queued_power_ >= power_company_ || stopping_; });
  std::vector<Pending> group;
  power_company_ = 0;
  while (!queue_.empty() && group.size() < kMaxGroup) {
    group.push_back(std::move(queue_.front()));
    queue_.pop_front();
    if (group.back().durability == Durability::power) ++power_company_;
  }
  queued_power_ -= power_company_;
  lock.unlock();
  room_.notify_all();
  return group;
}

void Writer::merge_deltas(std::vector<Pending>& group) {
  std::map<std::string, std::size_t> open;  // response -> the batch whose last event takes the next delta
  for (std::size_t i = 0; i < group.size(); ++i) {
    group[i].merged_into = i;
    const std::string* response = delta_response(group[i].writes);
    if (!response) {
      if (!group[i].writes.empty()) open.clear();  // keeps the order relative to items and other events
      continue;
    }
    const auto [target, fresh] = open.try_emplace(*response, i);
    std::vector<Write> rest;
    for (Write& write : group[i].writes) {
      Event& event = std::get<Event>(write);
      std::vector<Write>& into = fresh || !rest.empty() ? rest : group[target->second].writes;
      Event* last = into.empty() ? nullptr : &std::get<Event>(into.back());
      if (last && same_but_for_delta(*last, event) && last->data["delta"].get_ref<const std::string&>().size() < kMaxMergedBytes) {
        last->data["delta"].get_ref<std::string&>() += event.data["delta"].get_ref<const std::string&>();
      } else {
        rest.push_back(std::move(write));
      }
    }
    group[i].writes = std::move(rest);
    if (group[i].writes.empty())
      group[i].merged_into = target->second;
    else
      target->second = i;
  }
}

Result<void> Writer::write_together(std::vector<Pending>& group, Database& database) {
  Transaction transaction(database);
  if (Result<void> begun = transaction.begin(); !begun) return begun;
  for (Pending& pending : group)
    for (Write& record : pending.writes)
      if (Result<void> done = write(database, record, owner_); !done) return done;
  return transaction.commit();
}

Result<void> Writer::write_each(std::vector<Pending>& group, Database& database) {
  Transaction transaction(database);
  if (Result<void> begun = transaction.begin(); !begun) return begun;
  for (Pending& pending : group) {
    if (pending.writes.empty()) continue;
    if (Result<void> done = database.exec("SAVEPOINT batch"); !done) return done;
    for (Write& record : pending.writes) {
      const Result<void> done = write(database, record, owner_);
      if (done) continue;
      pending.error = done.error();
      // After a full disk or an I/O error SQLite may have given up the whole transaction.
      if (!database.in_transaction()) return done.error();
      if (Result<void> back = database.exec("ROLLBACK TO batch"); !back) return back;
      break;
    }
    if (Result<void> done = database.exec("RELEASE batch"); !done) return done;
  }
  return transaction.commit();
}

void Writer::commit(std::vector<Pending>& group) {
  merge_deltas(group);
  const bool power = std::any_of(group.begin(), group.end(), [](const Pending& p) { return p.durability == Durability::power; });
  Connection& connection = power ? *power_ : *process_;
  Result<void> written;
  {
    const std::lock_guard lock(connection.mutex);
    written = write_together(group, *connection.database);
    if (!written && group.size() > 1 && refused(written.error())) written = write_each(group, *connection.database);
  }
  for (std::size_t i = 0; i < group.size(); ++i) {
    Pending& pending = group[i];
    if (!written) pending.error = written.error();
    if (pending.merged_into != i) pending.error = group[pending.merged_into].error;
    if (!pending.done) continue;
    if (pending.error) {
      pending.done(*pending.error);
      continue;
    }
    std::vector<Event> events;
    for (Write& record : pending.writes)
      if (Event* event = std::get_if<Event>(&record)) events.push_back(std::move(*event));
    pending.done(std::move(events));
  }
}

}  // namespace baton::memory
