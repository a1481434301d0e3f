#include "run_hub.h"

#include <baton/agent/core/items.h>
#include <baton/memory/response_end.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <limits>
#include <utility>

#include <baton/agent/runtime/journal_error.h>
#include <baton/agent/runtime/request.h>
#include "run_hub_live.h"

namespace baton::agent {
HubEvent::HubEvent(std::int64_t number, std::string name, const Json& fields, bool repeats)
    : sequence_number(number), type(std::move(name)), again(repeats) {
  Json event = {{"type", type}};
  event.update(fields);
  event["sequence_number"] = number;
  json = std::make_shared<const std::string>(to_text(event));
  data = std::make_shared<const Json>(std::move(event));
}

bool waits_for_journal(const HubEvent& event) { return event.type == kJournalEvent && !event.data->value("writable", true); }

RunHub::RunHub(Agent& agent, memory::Journal& journal, HubOptions options) : agent_(agent), journal_(journal), options_(options) {
  resuming_ = !journal_.adopted().empty();
  journal_.on_state([this](const memory::JournalState& state) { on_journal_state(state); });
  cleaner_ = std::thread([this] { clean_up(); });
}

RunHub::~RunHub() {
  shutdown(std::chrono::milliseconds(0));
  journal_.on_state({});
  {
    const std::scoped_lock lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  cleaner_.join();
}

std::shared_ptr<RunHub::Live> RunHub::find(const std::string& response_id) const {
  const std::scoped_lock lock(mutex_);
  const auto at = live_.find(response_id);
  return at == live_.end() ? nullptr : at->second;
}

// ---- starting

// The response that an earlier identical request has started. errc::not_found: there is none.
Result<std::string> RunHub::made_before(const RunRequest& request) const {
  if (!request.key.empty()) {
    const auto claim = journal_.claim(request.key);
    if (claim && claim->fingerprint != request.fingerprint)
      return Error{errc::conflict, "the key '" + request.key + "' was used for another request (" + claim->response_id + ")"};
    if (claim) return claim->response_id;
    if (claim.error().code != memory::errc::not_found) return from_journal(claim.error());
  }
  const auto is_answer = [](const Json& item) { return string_of(item, "type") == "mcp_approval_response"; };
  const Error none{errc::not_found, ""};
  if (request.input.empty() || !std::all_of(request.input.begin(), request.input.end(), is_answer)) return none;
  std::string by;
  for (const std::string& approval : answered_approvals(request.input)) {
    const auto answer = journal_.approval_answer(approval);
    if (!answer && answer.error().code != memory::errc::not_found) return from_journal(answer.error());
    if (!answer || (!by.empty() && by != *answer)) return none;
    by = *answer;
  }
  return by.empty() ? Result<std::string>(none) : by;
}

Result<RunHub::Started> RunHub::give_again(const std::string& response_id, Sink sink) {
  const Error gone{errc::answered,
                   "response " + response_id +
                       " has already answered this request, and was deleted since or never stored; use a new key to run it again"};
  const auto response = journal_.response(response_id);
  if (!response && response.error().code == memory::errc::not_found) return gone;
  if (!response) return from_journal(response.error());
  Started known{response_id, response->conversation_id, true, nullptr};
  if (!sink) return known;
  auto subscription = subscribe(response_id, -1, std::move(sink));
  if (!subscription) return subscription.error().code == errc::not_found ? gone : subscription.error();
  known.subscription = std::move(*subscription);
  return known;
}

Result<RunHub::Started> RunHub::start(RunRequest request, Sink sink) {
  const auto before = made_before(request);
  if (!before && before.error().code != errc::not_found) return before.error();
  if (before) return give_again(*before, std::move(sink));
  const bool may_be_made_twice = !request.key.empty() || !answered_approvals(request.input).empty();
  RunRequest again;
  if (may_be_made_twice) again = request;
  auto started = launch(std::move(request), sink);
  if (started || !may_be_made_twice) return started;
  if (started.error().code != errc::conflict && started.error().code != errc::answered) return started;
  const auto other = made_before(again);  // another thread was first with the same request
  return other ? give_again(*other, std::move(sink)) : started;
}

// With the mutex held.
Result<void> RunHub::check_room() const {
  if (closing_) return Error{errc::saturated, "Baton is shutting down; try again in a moment"};
  if (static_cast<int>(live_.size()) < options_.max_runs) return {};
  return Error{errc::saturated, std::to_string(options_.max_runs) + " runs are in progress, which is the maximum; try again in a moment"};
}

// With the mutex held. A client that asks for very much leaves some places to the others.
Result<void> RunHub::check_share(const std::string& share) const {
  if (share.empty()) return {};
  const auto own = std::count_if(live_.begin(), live_.end(), [&](const auto& live) { return live.second->share == share; });
  const auto most = std::max(1, options_.max_runs - options_.max_runs / 4);
  if (own < most) return {};
  return Error{errc::saturated,
               std::to_string(own) + " runs of this client are in progress, which is the maximum for one client; try again in a moment"};
}

// With the mutex held. A client that has seen the end of its response may continue it before clean_up() has stored it away.
bool RunHub::may_continue_unstored(const RunRequest& request) const {
  const std::string& id = request.previous_response_id;
  if (const auto at = live_.find(id); at != live_.end()) {
    const Live& live = *at->second;
    if (live.store || live.session_over || live.starting) return false;
    return live.request.session.empty() ? live.request.client == request.client : live.request.session == request.session;
  }
  return unstored_.may_continue(id, request.session, request.client);
}

Result<void> RunHub::ready() const {
  const memory::JournalState state = journal_.state_now();
  if (!state.writable) return Error{errc::journal_unwritable, "the journal cannot be written: " + state.why};
  const std::scoped_lock lock(mutex_);
  if (resuming_) return Error{errc::saturated, "the runs of the previous process are being continued; try again in a moment"};
  return check_room();
}

Result<RunHub::Started> RunHub::launch(RunRequest request, Sink sink) {
  if (const memory::JournalState state = journal_.state_now(); !state.writable)
    return Error{errc::journal_unwritable, "no run is started while the journal cannot be written: " + state.why};
  auto live = std::make_shared<Live>();
  live->store = request.storage == Storage::stored;
  live->share = request.share.empty() ? request.client : request.share;
  std::vector<Json> input = std::exchange(request.input, {});
  live->request = request;
  live->request.key.clear();
  {
    const std::scoped_lock lock(mutex_);
    if (const Result<void> room = check_room(); !room) return room.error();
    if (const Result<void> room = check_share(live->share); !room) return room.error();
    if (!request.previous_response_id.empty()) request.continues_unstored = may_continue_unstored(request);
    live->id = request.response_id = memory::new_id("resp_");
    live_[live->id] = live;
  }
  bool begun = false;
  // Runs on every way out.
  const auto no_longer_starting = [&](void*) {
    const std::scoped_lock lock(mutex_);
    live->starting = false;
    if (!begun) live_.erase(live->id);
    changed_.notify_all();
  };
  const std::unique_ptr<void, decltype(no_longer_starting)> starting(this, no_longer_starting);
  request.input = std::move(input);
  std::shared_ptr<Subscription> held;
  if (sink) {
    auto listener = std::make_shared<Listener>(std::move(sink), -1);
    live->listeners.push_back(listener);
    held = std::make_shared<Held>(std::move(listener), false);
  }
  auto handle = agent_.start(std::move(request), observe(live));
  if (!handle) return handle.error();
  spdlog::info("run started: id={} conversation={} stored={} client={}", live->id, (*handle)->conversation_id(), live->store,
               live->request.client);
  Started started{live->id, (*handle)->conversation_id(), false, std::move(held)};
  {
    const std::scoped_lock lock(mutex_);
    live->handle = std::move(*handle);
    live->starting = false;
    begun = true;
  }
  if (const memory::JournalState state = journal_.state(); !state.writable) {
    const std::scoped_lock lock(live->mutex);
    tell_journal_state(*live, state);
  }
  return started;
}

void RunHub::resume() {
  for (const std::string& id : journal_.adopted()) {
    auto live = std::make_shared<Live>();
    live->id = id;
    {
      const std::scoped_lock lock(mutex_);
      live_[id] = live;
    }
    Result<void> resumed = Error{errc::io, ""};
    try {
      resumed = resume(live);
    } catch (const std::exception& e) {  // whatever it holds: the others are continued
      resumed = Error{errc::io, e.what()};
    }
    if (!resumed) spdlog::error("{} cannot be continued: {}", id, resumed.error().message);
    const std::scoped_lock lock(mutex_);
    live->starting = false;
    if (live->handle) ++stats_.adopted;
    if (!live->handle) live_.erase(id);
    changed_.notify_all();
  }
  const std::scoped_lock lock(mutex_);
  resuming_ = false;
}

Result<void> RunHub::resume(const std::shared_ptr<Live>& live) {
  const auto record = journal_.response(live->id);
  if (!record) return from_journal(record.error());
  const auto steered = journal_.events_of_type(live->id, "response.steer.accepted");
  if (!steered) return from_journal(steered.error());
  for (const memory::Event& event : *steered) note(*live, event);
  auto handle = agent_.resume(*record, observe(live));
  if (!handle) return handle.error();
  RunRequest request = request_from_json(record->request);
  request.input.clear();
  request.model = record->model;
  request.durable = true;
  if (request.storage == Storage::continuable) request.storage = Storage::temporary;  // the client that made it is no longer known
  spdlog::info("run continued: id={} attempt={}", live->id, record->attempts);
  const std::scoped_lock lock(mutex_);
  live->store = request.storage == Storage::stored;
  live->request = std::move(request);
  live->handle = std::move(*handle);
  return {};
}

// ---- listening

RunObserver RunHub::observe(const std::shared_ptr<Live>& live) {
  RunObserver observer;
  observer.event = [live](const memory::Event& event) { on_event(*live, event); };
  observer.prefill = [live](const llm::PrefillProgress& progress) {
    const std::scoped_lock lock(live->mutex);
    live->prefill = progress;
  };
  observer.finished = [this, live](const RunOutcome& outcome) { on_finished(live, outcome); };
  return observer;
}

void RunHub::note(Live& live, const memory::Event& event) {
  live.last_number = event.sequence_number;
  live.told = std::chrono::steady_clock::now();
  live.prefill = {};
  if (event.type == kInProgress) live.in_progress = event.data;
  live.ended = live.ended || memory::is_terminal_event(event.type);
  live.tools_completed += event.type == "response.mcp_call.completed";
  live.tools_failed += event.type == "response.mcp_call.failed";
  if (live.first_token_ms < 0 && (event.type == "response.output_item.added" || event.type.ends_with(".delta")))
    live.first_token_ms = milliseconds_since(live.began);
  if (event.type == "response.failed") live.error_code = string_of(event.data["response"]["error"], "code");
  if (event.type == "response.steer.accepted") live.steers.emplace_back(string_of(event.data["steer"], "id"), event.data["baton.input"]);
}

void RunHub::on_event(Live& live, const memory::Event& event) {
  const std::scoped_lock lock(live.mutex);
  pass_on(live, event);
}

// With its mutex held.
void RunHub::pass_on(Live& live, const memory::Event& event) {
  note(live, event);
  if (live.listeners.empty()) return;
  const HubEvent said(event.sequence_number, event.type, event.data);
  std::erase_if(live.listeners, [&](const auto& listener) { return !listener->give(said); });
}

void RunHub::on_finished(const std::shared_ptr<Live>& live, const RunOutcome& outcome) {
  const std::scoped_lock lock(mutex_);
  live->outcome = outcome;
  ended_.push_back(live);
  changed_.notify_all();
}

// The journal's records of a response, which is over unless it is live.
Result<memory::Told> RunHub::told(const std::string& response_id, std::int64_t after, bool live) {
  auto told = journal_.told(response_id, after);
  if (!told) return from_journal(told.error());
  const memory::Response& response = told->response;
  if (live || !memory::is_open_status(response.status)) return std::move(*told);
  if (response.ours) {
    const std::scoped_lock lock(mutex_);
    if (resuming_) return Error{errc::saturated, "response " + response_id + " is being continued after a restart; try again in a moment"};
  }
  if (const Result<void> ended = end_abandoned(response); !ended) return ended.error();
  told = journal_.told(response_id, after);
  if (!told) return from_journal(told.error());
  return std::move(*told);
}

// Ends a response that is open, and that no run of this process continues.
Result<void> RunHub::end_abandoned(const memory::Response& response) {
  if (!response.ours) {
    const auto ended = journal_.end_if_abandoned(response.id);
    if (!ended) return from_journal(ended.error());
    if (*ended) return {};
    return Error{errc::elsewhere,
                 "response " + response.id + " is run by another process with the same journal; send the request to that process"};
  }
  return end_response(response, "internal error during this run; Baton's log gives the reason");
}

Result<void> RunHub::end_response(memory::Response response, const std::string& reason) {
  response.status = "failed";
  response.reason = reason;
  const auto kept =
      journal_.commit_and_wait(memory::Batch().add(memory::failed_event(response.id, reason)).put(response), memory::Durability::power);
  // The run has told its end just now.
  if (!kept && kept.error().code != memory::errc::invalid_argument) return from_journal(kept.error());
  return {};
}

Result<std::unique_ptr<Subscription>> RunHub::subscribe(const std::string& response_id, std::int64_t after, Sink sink) {
  const std::shared_ptr<Live> live = find(response_id);
  auto listener = std::make_shared<Listener>(std::move(sink), after);
  std::unique_lock<std::mutex> lock;
  if (live) lock = std::unique_lock(live->mutex);  // events that are committed meanwhile wait, and are recognised by their number
  const auto known = told(response_id, after, live != nullptr);
  if (!known) return known.error();
  const bool over = !live || live->over;
  if (over && after < 0 && known->events.empty())
    return Error{errc::not_found, "response " + response_id + " has ended, and was not stored"};
  bool more = true;
  for (const memory::Event& event : known->events) {
    more = more && listener->give({event.sequence_number, event.type, event.data});
  }
  if (!over && more) {
    live->listeners.push_back(listener);
    if (const memory::JournalState state = journal_.state(); !state.writable) tell_journal_state(*live, state);
  }
  return std::unique_ptr<Subscription>(new Held(std::move(listener), over || live->ended));
}

// ---- while it runs

// Returns null if the run is over, or not in this process.
std::shared_ptr<RunHandle> RunHub::handle_of(const std::string& response_id) {
  std::unique_lock lock(mutex_);
  const auto at = live_.find(response_id);
  if (at == live_.end()) return nullptr;
  const std::shared_ptr<Live> live = at->second;
  changed_.wait(lock, [&] { return !live->starting; });
  return live->handle;
}

Result<void> RunHub::cancel(const std::string& response_id) {
  if (const auto handle = handle_of(response_id)) {
    handle->cancel();
    if (const memory::JournalState state = journal_.state(); !state.writable)
      return Error{errc::journal_unwritable,
                   "response " + response_id + " is cancelled; its end will be stored when the journal can be written: " + state.why};
    return {};
  }
  const auto known = told(response_id, std::numeric_limits<std::int64_t>::max(), find(response_id) != nullptr);
  if (!known) return known.error();
  return {};
}

Result<std::string> RunHub::steer(const std::string& response_id, std::vector<Json> input) {
  const auto handle = handle_of(response_id);
  std::string id = memory::new_id("steer_");
  if (!handle || !handle->steer(id, std::move(input)))
    return Error{errc::not_found, "response " + response_id + " is not in progress; send a response.create with previous_response_id"};
  return id;
}

HubStats RunHub::stats() const {
  const std::scoped_lock lock(mutex_);
  HubStats stats = stats_;
  stats.active = static_cast<int>(live_.size());
  stats.unstored = static_cast<int>(unstored_.size());
  return stats;
}

}  // namespace baton::agent
