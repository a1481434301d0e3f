#pragma once
// The only thread that writes. Batches are committed in groups: all waiting batches are written in one transaction, in the order of
// submission. If one is refused, the group is written again with each batch under a savepoint of its own, so that the others are not
// affected. Savepoints from the start would cost a copy of each changed page and a segment of the search index for each batch.
//
// A group that cannot be written to the file goes back to the front of the queue and is tried again (Journal::commit).
#include <condition_variable>
#include <thread>

#include <baton/memory/sqlite/journal_file.h>
#include "clock.h"
#include "pending.h"
#include "records.h"

namespace baton::memory {

class Writer {
 public:
  static constexpr std::size_t kMaxQueued = 4096;        // batches
  static constexpr std::size_t kMaxHeld = 16384;         // batches, while the file cannot be written
  static constexpr std::size_t kMaxGroup = 1024;         // batches of one transaction
  static constexpr std::size_t kMaxGroupRecords = 4096;  // records of one transaction of several batches: a large one delays few others
  static constexpr std::chrono::milliseconds kGroupWait{20};
  static constexpr std::chrono::microseconds kCompanyWait{200};  // how long a power batch waits for the callers of the previous group
  static constexpr std::chrono::milliseconds kFirstRetry{100}, kRetry{1000};

  // The connections: synchronous=NORMAL and synchronous=FULL. They may be the same one (":memory:"), and may be shared with readers.
  // `file`: the open file; none for ":memory:".
  Writer(std::shared_ptr<Connection> process, std::shared_ptr<Connection> power, std::int64_t owner, DurableClock& clock,
         std::optional<FileIdentity> file);
  ~Writer();  // writes the queue

  void submit(Pending batch);
  bool on_writer_thread() const { return std::this_thread::get_id() == thread_.get_id(); }

  JournalState state() const;
  void on_state(std::function<void(const JournalState&)> listener);
  JournalStats stats() const;  // without the sizes of the files

 private:
  using Clock = std::chrono::steady_clock;
  using Group = std::deque<Pending>;
  enum class Admission { later, queued, merged, refused };
  enum class Mode {
    writing,
    failing,    // the last transaction failed, and no batch waits for another
    holding,    // the front of the queue is tried again at retry_at_
    giving_up,  // at the end, after the last attempt failed
  };

  void run();
  std::optional<Group> next_group();  // null: the end. Empty: time to test whether the file can be written again
  void write_group(Group& group);     // an exception from it is reported to every waiter of the group that was not told yet
  Result<void> attempt(Group& group);
  Result<void> write_batch(Pending& pending, RecordWriter& writer);
  Result<void> write_together(Group& group, Database& database, const Writing& by);  // the first error applies to all
  Result<void> write_each(Group& group, Database& database, const Writing& by);
  void hold(Group group, const Error& why);
  void set_state(JournalState state);
  static void tell(Group& group, const std::optional<Error>& error);
  // Called with mutex_ held:
  Admission admit(Pending& pending);
  bool merge_into_queue(Pending& pending);

  std::shared_ptr<Connection> process_, power_;
  const std::int64_t owner_;
  DurableClock& clock_;
  const std::optional<FileIdentity> file_;

  mutable std::mutex mutex_;
  std::condition_variable work_, room_;
  Group queue_;
  std::uint64_t n_submitted_ = 0;
  std::size_t queued_power_ = 0;
  std::size_t power_company_ = 0;  // power batches in the last group
  bool stopping_ = false;
  Mode mode_ = Mode::writing;
  std::optional<Error> failure_;  // of the last attempt, unless the mode is writing
  Clock::time_point retry_at_;
  JournalState state_;
  JournalStats stats_;
  std::int64_t in_flight_ = 0;  // batches of the group that is being written

  std::mutex listener_mutex_;
  std::function<void(const JournalState&)> listener_;

  std::thread thread_;  // the last member, because it uses all of the above
};

}  // namespace baton::memory
