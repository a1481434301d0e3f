#include "clock.h"

#include <algorithm>
#include <ctime>
#include <fstream>

namespace baton::memory {
namespace {

std::int64_t system_boot_ms() {
  timespec now = {};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return std::int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

std::string system_boot_id() {
  std::ifstream in("/proc/sys/kernel/random/boot_id");
  std::string id;
  in >> id;
  return id;
}

struct Row {
  std::int64_t ms = 0;
  std::string boot_id;
  std::int64_t boot_ms = 0, wall_ms = 0;
};

Result<std::optional<Row>> read_row(Database& database) {
  auto select = database.prepare("SELECT ms, boot_id, boot_ms, wall_ms FROM clock WHERE one = 1");
  if (!select) return select.error();
  const Result<bool> row = (*select)->step();
  if (!row) return row.error();
  if (!*row) return std::optional<Row>();
  return std::optional<Row>({(*select)->number(0), (*select)->text(1), (*select)->number(2), (*select)->number(3)});
}

}  // namespace

DurableClock::DurableClock(ClockSource source) : source_(std::move(source)) {
  if (!source_.boot_ms) source_.boot_ms = system_boot_ms;
  if (!source_.wall_ms) source_.wall_ms = memory::now_ms;
  if (!source_.boot_id) source_.boot_id = system_boot_id;
}

Result<void> DurableClock::start(Database& database) {
  const Result<std::optional<Row>> found = read_row(database);
  if (!found) return found.error();
  boot_id_ = source_.boot_id();
  base_boot_ms_ = source_.boot_ms();
  if (const std::optional<Row>& row = *found) {
    // A container may see a time since the start that is before the one it saw last.
    if (!boot_id_.empty() && row->boot_id == boot_id_ && row->boot_ms <= base_boot_ms_) {
      base_ms_ = row->ms;
      base_boot_ms_ = saved_boot_ms_ = row->boot_ms;
      return {};
    }
    base_ms_ = row->ms + std::max<std::int64_t>(source_.wall_ms() - row->wall_ms, 0);
  } else {
    base_ms_ = source_.wall_ms();
  }
  Transaction transaction(database);
  if (Result<void> begun = transaction.begin(); !begun) return begun;
  if (Result<void> done = save(database); !done) return done;
  if (Result<void> done = transaction.commit(); !done) return done;
  saved();
  return {};
}

std::int64_t DurableClock::now_ms() const {
  const std::int64_t now = base_ms_ + source_.boot_ms() - base_boot_ms_;
  std::int64_t last = last_ms_.load();
  while (last < now && !last_ms_.compare_exchange_weak(last, now)) continue;
  return std::max(last, now);
}

bool DurableClock::due() const { return source_.boot_ms() - saved_boot_ms_ >= kSaveEveryMs; }

Result<void> DurableClock::save(Database& database) {
  saving_boot_ms_ = source_.boot_ms();
  auto statement = database.prepare(
      "INSERT INTO clock (one, ms, boot_id, boot_ms, wall_ms) VALUES (1, ?, ?, ?, ?) ON CONFLICT (one) DO UPDATE SET"
      " ms = excluded.ms, boot_id = excluded.boot_id, boot_ms = excluded.boot_ms, wall_ms = excluded.wall_ms");
  if (!statement) return statement.error();
  (*statement)->bind(1, base_ms_ + saving_boot_ms_ - base_boot_ms_).bind(2, boot_id_).bind(3, saving_boot_ms_);
  return (*statement)->bind(4, source_.wall_ms()).run();
}

void DurableClock::saved() { saved_boot_ms_ = saving_boot_ms_; }

}  // namespace baton::memory
