#pragma once
// Runs that outlive whoever started them, and those who listen to them. A listener gets every event of a response exactly once and in
// order, whether it comes while the run is under way or a year later: what was is read from the journal, what comes is passed on.
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

// Events that are not of the journal (kJournalEvent, kParkedEvent, response.steer.pending, response.steer.failed, and a
// response.in_progress that is told again) bear the number of the last one that is, or the ones after it.
struct HubEvent {
  std::int64_t sequence_number = 0;
  std::string type;
  std::shared_ptr<const std::string> json;  // {"type":.., .., "sequence_number":N}
  bool again = false;                       // it bears the number of one that was told
};

// Completed, failed or incomplete: the last event of a response, but for response.steer.pending.
bool is_terminal(const std::string& event_type);

// Told to whoever listens to a run when the journal cannot be written, and when it can again: {"response_id", "writable": bool,
// "message"}. The run waits meanwhile.
inline constexpr const char* kJournalEvent = "baton.journal";
// Told last when the process ends before the run does: {"response_id", "message"}. The run continues in the next process.
inline constexpr const char* kParkedEvent = "baton.parked";
// Of such an event: the run waits for the journal.
bool waits_for_journal(const HubEvent& event);

// Once destroyed the sink is not called again. The sink itself may destroy it.
class Subscription {
 public:
  virtual ~Subscription() = default;
  // Everything was told before subscribe() returned: the response has ended, here or in another process.
  virtual bool over() const = 0;
};

struct HubOptions {
  // Under way at the same time; one more is errc::saturated, as is one more than three quarters of them for one client.
  int max_runs = 256;
  // Whoever listens to a run of which nothing was told for this long, as its prompt is computed or a tool runs, is told
  // response.in_progress again, with "baton.repeated": true and, of a prompt, "baton.prefill": {"done", "total"} in tokens: clients end a
  // stream that is silent.
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
    bool existed = false;                        // the same request was made before: nothing was started
    std::shared_ptr<Subscription> subscription;  // of the sink, if one was given
  };
  // Errors of Agent::start, saturated, and conflict when the key stands for another request. A request that was made before, by its key or
  // because it holds nothing but answers to approvals that one response has taken, gives that response. `sink`: as of
  // subscribe(id, -1, ..), and sure to get everything, also of a run that is not stored.
  Result<Started> start(RunRequest request, Sink sink = {});

  // Events from after + 1 on: what the journal has on the caller's thread, before this returns, the rest on the run's. The sink must not
  // block or call the hub; false from it ends the subscription. After the terminal event it ends by itself. Where a response ends before
  // `after`, its terminal event is told nevertheless; where it had ended, nothing is, and the subscription is over. errc::not_found.
  Result<std::unique_ptr<Subscription>> subscribe(const std::string& response_id, std::int64_t after, Sink sink);

  // Nothing where the response has ended already. errc::not_found, elsewhere (another process runs it), journal_unwritable (it is
  // cancelled, and its end is told when the journal can be written).
  Result<void> cancel(const std::string& response_id);

  // Messages to a run under way: it ends at its next boundary, and a successor, which goes on with them, starts by itself (on_successor).
  // Where it ends waiting for the client or an approval, they wait too (an event response.steer.pending) and are put before the input of
  // the response that goes on; what cannot be delivered comes back (response.steer.failed). These two may follow a response's terminal
  // event, to sinks that said true to that; they are not in the journal. Gives the id of this submission. errc::not_found: not under way.
  Result<std::string> steer(const std::string& response_id, std::vector<Json> input);
  using Successor = std::function<void(const std::string& response_id, const Result<Started>& successor)>;
  void on_successor(Successor callback);  // on a thread of the hub's; it may subscribe

  // Continues the runs that a killed process left to us (Journal::adopted). One that cannot be continued is ended as failed, which the log
  // says, and the others are continued. Until this was called, the hub is not ready where there are any.
  void resume();

  HubStats stats() const;

  // Whether a run could start now; the error says why not: saturated, journal_unwritable.
  Result<void> ready() const;

  // The socket with this RunRequest::session is gone: its unstored responses go.
  void end_session(const std::string& session);

  // No more runs are started. Runs have until the deadline to end; then the durable ones are parked, for the next process, and the others
  // are cancelled.
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
  std::map<std::string, std::shared_ptr<Live>> live_;  // by response id; before the journal knows it
  std::deque<std::shared_ptr<Live>> ended_;            // to be cleaned up
  UnstoredResponses unstored_;
  std::optional<memory::JournalState> untold_state_;  // the cleaner tells it to those that listen
  Successor successor_;
  HubStats stats_;
  bool resuming_;  // until resume() is through: a run of ours that is open may not be live yet
  bool closing_ = false;
  bool stop_ = false;
  std::thread cleaner_;
};

}  // namespace baton::agent
