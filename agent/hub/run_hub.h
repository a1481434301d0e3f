#pragma once
// Runs that outlive the request that started them, and their listeners. A listener gets every event of a response exactly once and in
// order, whether it subscribes while the run is under way or a year later: past events are read from the journal, new ones are passed on.
#include <baton/agent/runtime/agent.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "hub_stats.h"
#include "unstored_responses.h"

namespace baton::agent {

// Events that are not in the journal (kJournalEvent, kParkedEvent, response.steer.pending, response.steer.failed, and a
// response.in_progress that is repeated) have the number of the last journal event, or the numbers after it.
struct HubEvent {
  // `fields`: those of the event beside its type and its number.
  HubEvent(std::int64_t number, std::string name, const Json& fields, bool repeats = false);

  std::int64_t sequence_number;
  std::string type;
  std::shared_ptr<const Json> data;         // {"type":.., .., "sequence_number":N}
  std::shared_ptr<const std::string> json;  // the same, serialised once for all listeners
  bool again;                               // it repeats the number of an earlier event
};

// Told to the listeners of a run when the journal cannot be written, and when it can again: {"response_id", "writable": bool, "message"}.
// The run waits meanwhile.
inline constexpr const char* kJournalEvent = "baton.journal";
// Told last if the process ends before the run does: {"response_id", "message"}. The run continues in the next process.
inline constexpr const char* kParkedEvent = "baton.parked";
// Told after the end of a steered response: {"response_id", "successor_id"}, the response that continues with the messages.
inline constexpr const char* kSuccessorEvent = "baton.successor";
// True if a kJournalEvent says that the run waits for the journal.
bool waits_for_journal(const HubEvent& event);

// Once destroyed the sink is not called again. The sink itself may destroy it.
class Subscription {
 public:
  virtual ~Subscription() = default;
  // Everything was told before subscribe() returned: the response has ended, in this or another process.
  virtual bool over() const = 0;
};

struct HubOptions {
  // Under way at the same time; one more is errc::saturated, as is one more than three quarters of them for one client.
  int max_runs = 256;
  // Listeners of a run without an event for this long, while its prompt is computed or a tool runs, get response.in_progress again, with
  // "baton.repeated": true and, for a prompt, "baton.prefill": {"done", "total"} in tokens: clients end a stream that is silent.
  std::chrono::milliseconds silence = std::chrono::seconds(20);
};

// The agent and the journal outlive the hub. Any thread.
class RunHub {
 public:
  using Sink = std::function<bool(const HubEvent&)>;

  RunHub(Agent& agent, memory::Journal& journal, HubOptions options = {});
  ~RunHub();  // shutdown without waiting
  RunHub(const RunHub&) = delete;
  RunHub& operator=(const RunHub&) = delete;

  struct Started {
    std::string response_id;
    std::string conversation_id;
    bool existed = false;                        // the same request was made before: no run was started
    std::shared_ptr<Subscription> subscription;  // of the sink, if one was given
  };
  // Errors of Agent::start, saturated, and conflict if the key belongs to another request. A repeated request returns the earlier response;
  // it is recognised by its key, or by holding only answers to approvals that one response has taken. `sink`: as for subscribe(id, -1, ..),
  // and certain to get everything, also of a run that is not stored.
  Result<Started> start(RunRequest request, Sink sink = {});

  // Events from after + 1 on: those of the journal on the caller's thread, before this returns, the rest on the run's thread. The sink must
  // not block or call the hub; if it returns false, the subscription ends. After the terminal event it ends by itself. If a response ends
  // before `after`, its terminal event is told nevertheless; if it had ended, nothing is told, and the subscription is over.
  // errc::not_found.
  Result<std::unique_ptr<Subscription>> subscribe(const std::string& response_id, std::int64_t after, Sink sink);

  // Does nothing if the response has ended already. errc::not_found, elsewhere (another process runs it), journal_unwritable (it is
  // cancelled, and its end is told when the journal can be written).
  Result<void> cancel(const std::string& response_id);

  // Messages to a run under way: it ends at its next boundary, and a successor, which continues with them, starts by itself
  // (kSuccessorEvent). If it ends waiting for the client or an approval, they wait too (an event response.steer.pending) and are put before
  // the input of the response that continues; messages that cannot be delivered are returned (response.steer.failed). These three may
  // follow a response's terminal event, to sinks that returned true for it; they are not in the journal. Returns the id of this submission.
  // errc::not_found: not under way.
  Result<std::string> steer(const std::string& response_id, std::vector<Json> input);

  // Continues the runs that a killed process left to us (Journal::adopted). A run that cannot be continued is ended as failed, which is
  // logged, and the others are continued. If there are any such runs, the hub is not ready until this was called.
  void resume();

  HubStats stats() const;

  // Whether a run could start now; the error gives the reason: saturated, journal_unwritable.
  Result<void> ready() const;

  // The socket with this RunRequest::session is closed: its unstored responses are removed.
  void end_session(const std::string& session);

  // No further runs are started. Runs have until the deadline to end; then the durable ones are parked, for the next process, and the
  // others are cancelled.
  void shutdown(std::chrono::milliseconds patience);

 private:
  struct Live;
  class Listener;
  class Held;
  Result<void> resume(const std::shared_ptr<Live>& live);
  Result<std::string> made_before(const RunRequest& request) const;
  Result<Started> give_again(const std::string& response_id, Sink sink);
  Result<Started> launch(RunRequest request, Sink sink);
  Result<void> check_room() const;
  bool may_continue_unstored(const RunRequest& request) const;
  Result<void> check_share(const std::string& share) const;
  Result<memory::Told> told(const std::string& response_id, std::int64_t after, bool live);
  Result<void> end_abandoned(const memory::Response& response);
  Result<void> end_response(memory::Response response, const std::string& reason);
  RunObserver observe(const std::shared_ptr<Live>& live);
  void count(const Live& live);
  void on_journal_state(const memory::JournalState& state);
  void tell_all(const memory::JournalState& state);
  void remove(const std::vector<UnstoredResponse>& responses);
  std::vector<std::shared_ptr<Live>> all_begun() const;
  void tell_silent();
  static void note(Live& live, const memory::Event& event);
  static void on_event(Live& live, const memory::Event& event);
  static void pass_on(Live& live, const memory::Event& event);
  void tell_end(Live& live);
  static void tell_parked(Live& live);
  static void tell(Live& live, const std::string& type, const Json& data);
  static void tell_journal_state(Live& live, const memory::JournalState& state);
  static void steer_failed(Live& live, const std::string& id, const Json& input, const char* code, const std::string& message);
  void follow(Live& live);
  void on_finished(const std::shared_ptr<Live>& live, const RunOutcome& outcome);
  void clean_up();
  void clean_up(const std::shared_ptr<Live>& live);
  std::shared_ptr<Live> find(const std::string& response_id) const;
  std::shared_ptr<RunHandle> handle_of(const std::string& response_id);

  Agent& agent_;
  memory::Journal& journal_;
  const HubOptions options_;

  mutable std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  std::map<std::string, std::shared_ptr<Live>> live_;  // by response id; an entry exists before the journal's record
  std::deque<std::shared_ptr<Live>> ended_;            // to be cleaned up
  UnstoredResponses unstored_;
  std::optional<memory::JournalState> untold_state_;  // the cleaner tells it to the listeners
  HubStats stats_;
  bool resuming_;  // until resume() has finished: an open run of ours may not be live yet
  bool closing_ = false;
  bool stop_ = false;
  std::thread cleaner_;
};

}  // namespace baton::agent
