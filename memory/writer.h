#pragma once
// The one thread that writes. Batches are committed in groups: what waits is written in one transaction, in the order of submission. When
// one is refused, the group is written again with each batch under a savepoint of its own, so that it takes nobody with it. Savepoints
// from the start would cost a copy of each changed page and a segment of the search index for each batch.
#include <condition_variable>
#include <deque>
#include <thread>

#include "batch.h"
#include "records.h"

namespace baton::memory {

class Writer {
 public:
  static constexpr std::size_t kMaxQueued = 4096;  // batches
  static constexpr std::size_t kMaxGroup = 1024;   // batches of one transaction
  static constexpr std::chrono::milliseconds kGroupWait{20};
  static constexpr std::chrono::microseconds kCompanyWait{200};  // a power batch for those that came with the last one
  static constexpr std::size_t kMaxMergedBytes = 64 * 1024;      // of the text of one merged event

  // The connections: synchronous=NORMAL and synchronous=FULL. May be the same one (":memory:"), and may be shared with readers.
  Writer(std::shared_ptr<Connection> process, std::shared_ptr<Connection> power, std::int64_t owner);
  ~Writer();  // writes what is queued

  void submit(std::vector<Write> writes, Durability durability, Journal::Committed done);
  bool on_writer_thread() const { return std::this_thread::get_id() == thread_.get_id(); }

 private:
  using Clock = std::chrono::steady_clock;
  struct Pending {
    std::vector<Write> writes;
    Durability durability = Durability::process;
    Journal::Committed done;
    Clock::time_point submitted;
    std::optional<Error> error;
    std::size_t merged_into;  // index in its group: its own, or that of the batch that carries its text
  };

  void run();
  std::vector<Pending> next_group();  // empty: the end
  void commit(std::vector<Pending>& group);
  Result<void> write_together(std::vector<Pending>& group, Database& database);  // the first error is that of all
  Result<void> write_each(std::vector<Pending>& group, Database& database);
  static void merge_deltas(std::vector<Pending>& group);

  std::shared_ptr<Connection> process_, power_;
  const std::int64_t owner_;

  std::mutex mutex_;
  std::condition_variable work_, room_;
  std::deque<Pending> queue_;
  std::size_t queued_power_ = 0;
  std::size_t power_company_ = 0;  // power batches of the last group
  bool stopping_ = false;

  std::thread thread_;  // last: it uses all of the above
};

}  // namespace baton::memory
