#include "run_hub.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include <baton/agent/core/items.h>

#include "journal_error.h"
#include "request.h"

namespace baton::agent {
namespace {

std::shared_ptr<const std::string> wire(const std::string& type, Json data, std::int64_t number) {
  Json event = {{"type", type}};
  event.update(data);
  event["sequence_number"] = number;
  return std::make_shared<const std::string>(to_text(event));
}

}  // namespace

bool is_terminal(const std::string& type) {
  return type == "response.completed" || type == "response.failed" || type == "response.incomplete";
}

// Whoever listens to one response.
class RunHub::Listener {
 public:
  Listener(Sink sink, std::int64_t after) : sink_(std::make_shared<Sink>(std::move(sink))), last_(after) {}

  // False: wants no more.
  bool give(const HubEvent& event) {
    const std::scoped_lock lock(mutex_);
    const std::shared_ptr<Sink> sink = sink_;  // lives while it runs, though it may close us
    if (!sink) return false;
    // Read from the journal before. The end is told whatever number was asked for: one who gave too high a one would wait for ever.
    if (is_terminal(event.type) ? std::exchange(told_end_, true) : event.sequence_number <= last_) return true;
    last_ = std::max(last_, event.sequence_number);
    try {
      if (!(*sink)(event)) sink_ = nullptr;
    } catch (const std::exception& e) {  // a bug of the listener's: the run and the others go on
      spdlog::error("a listener broke at {}: {}", event.type, e.what());
      sink_ = nullptr;
    }
    return sink_ != nullptr;
  }
  void close() {
    const std::scoped_lock lock(mutex_);
    sink_ = nullptr;
  }

 private:
  std::recursive_mutex mutex_;  // held while the sink runs, so that close() on another thread waits for it
  std::shared_ptr<Sink> sink_;
  std::int64_t last_;
  bool told_end_ = false;
};

class RunHub::Held final : public Subscription {
 public:
  Held(std::shared_ptr<Listener> listener, bool over) : listener_(std::move(listener)), over_(over) {}
  ~Held() override { listener_->close(); }
  bool over() const override { return over_; }

 private:
  const std::shared_ptr<Listener> listener_;
  const bool over_;
};

struct RunHub::Live {
  std::string id;
  std::shared_ptr<RunHandle> handle;  // guarded by the hub's mutex; its run refers to this, so it is dropped at the end
  bool store = true;
  RunRequest request;  // of a successor: its input is replaced
  RunOutcome outcome;  // set by the end
  std::atomic<bool> steered = false;

  std::mutex mutex;  // guards the listeners, and keeps their order of events
  std::vector<std::shared_ptr<Listener>> listeners;
  bool ended = false;  // the terminal event was said; guarded by the mutex
  bool over = false;   // nothing is said any more, and what is not stored goes; guarded by the mutex
  std::int64_t last_number = -1;
  std::int64_t tools_completed = 0, tools_failed = 0;
  std::vector<std::pair<std::string, Json>> steers;  // accepted: id and input
};

RunHub::RunHub(Agent& agent, memory::Journal& journal, HubOptions options) : agent_(agent), journal_(journal), options_(options) {
  cleaner_ = std::thread([this] { clean_up(); });
}

RunHub::~RunHub() {
  shutdown(std::chrono::milliseconds(0));
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

Result<RunHub::Started> RunHub::start(RunRequest request, Sink sink) {
  if (!request.key.empty()) {
    const auto claim = journal_.claim(request.key);
    if (claim) {
      if (claim->fingerprint != request.fingerprint)
        return Error{errc::conflict, "the key '" + request.key + "' was used for another request (" + claim->response_id + ")"};
      const auto response = journal_.response(claim->response_id);
      if (!response) return from(response.error());
      Started known{claim->response_id, response->conversation_id, true, nullptr};
      if (sink) {
        auto subscription = subscribe(known.response_id, -1, std::move(sink));
        if (!subscription) return subscription.error();
        known.subscription = std::move(*subscription);
      }
      return known;
    }
    if (claim.error().code != memory::errc::not_found) return from(claim.error());
  }
  const std::string key = request.key;
  RunRequest again;
  if (!key.empty()) again = request;
  auto started = launch(std::move(request), sink);
  // Somebody else was quicker with the same key.
  if (!started && started.error().code == errc::conflict && !key.empty() && journal_.claim(key))
    return start(std::move(again), std::move(sink));
  return started;
}

Result<RunHub::Started> RunHub::launch(RunRequest request, Sink sink) {
  {
    const std::scoped_lock lock(mutex_);
    if (closing_) return Error{errc::saturated, "Baton is shutting down; try again in a moment"};
    if (static_cast<int>(live_.size()) + starting_ >= options_.max_runs)
      return Error{errc::saturated,
                   std::to_string(options_.max_runs) + " runs are under way, as many as are allowed; try again in a moment"};
    ++starting_;
  }
  auto live = std::make_shared<Live>();
  live->store = request.store;
  live->request = request;
  live->request.key.clear();
  std::shared_ptr<Subscription> held;
  if (sink) {
    auto listener = std::make_shared<Listener>(std::move(sink), -1);
    live->listeners.push_back(listener);
    held = std::make_shared<Held>(std::move(listener), false);
  }
  auto handle = agent_.start(std::move(request), observe(live));
  const std::scoped_lock lock(mutex_);
  --starting_;
  if (!handle) return handle.error();
  live->handle = std::move(*handle);
  live->id = live->handle->response_id();
  live_[live->id] = live;
  changed_.notify_all();
  return Started{live->id, live->handle->conversation_id(), false, std::move(held)};
}

void RunHub::resume(const std::vector<memory::Response>& adopted) {
  for (const memory::Response& record : adopted) {
    auto live = std::make_shared<Live>();
    live->request = request_from_json(record.request);
    live->request.model = record.model;
    live->request.durable = true;
    live->store = live->request.store;
    live->id = record.id;
    if (const auto events = journal_.events(record.id)) {
      for (const memory::Event& event : *events) note(*live, event);
    }
    auto handle = agent_.resume(record, observe(live));
    if (!handle) {
      spdlog::error("{} cannot go on: {}", record.id, handle.error().message);
      continue;
    }
    const std::scoped_lock lock(mutex_);
    live->handle = std::move(*handle);
    live_[live->id] = live;
    changed_.notify_all();
  }
}

// ---- listening

RunObserver RunHub::observe(const std::shared_ptr<Live>& live) {
  RunObserver observer;
  observer.event = [live](const memory::Event& event) { on_event(*live, event); };
  observer.finished = [this, live](const RunOutcome& outcome) { on_finished(live, outcome); };
  return observer;
}

void RunHub::note(Live& live, const memory::Event& event) {
  live.last_number = event.sequence_number;
  live.ended = live.ended || is_terminal(event.type);
  live.tools_completed += event.type == "response.mcp_call.completed";
  live.tools_failed += event.type == "response.mcp_call.failed";
  if (event.type == "response.steer.accepted") live.steers.emplace_back(string_of(event.data["steer"], "id"), event.data["baton.input"]);
}

void RunHub::on_event(Live& live, const memory::Event& event) {
  const std::scoped_lock lock(live.mutex);
  note(live, event);
  if (live.listeners.empty()) return;
  const HubEvent said{event.sequence_number, event.type, wire(event.type, event.data, event.sequence_number)};
  std::erase_if(live.listeners, [&](const auto& listener) { return !listener->give(said); });
}

void RunHub::on_finished(const std::shared_ptr<Live>& live, const RunOutcome& outcome) {
  const std::scoped_lock lock(mutex_);
  live->outcome = outcome;
  ended_.push_back(live);
  changed_.notify_all();
}

Result<std::unique_ptr<Subscription>> RunHub::subscribe(const std::string& response_id, std::int64_t after, Sink sink) {
  const std::shared_ptr<Live> live = find(response_id);
  auto listener = std::make_shared<Listener>(std::move(sink), after);
  std::unique_lock<std::mutex> lock;
  if (live) lock = std::unique_lock(live->mutex);  // what is committed meanwhile waits, and is known by its number
  const auto known = journal_.response(response_id);
  if (!known) return from(known.error());
  const auto events = journal_.events(response_id, after);
  if (!events) return from(events.error());
  const bool over = !live || live->over;
  if (over && after < 0 && events->empty())
    return Error{errc::not_found, "response " + response_id + " has ended, and was not to be stored"};
  bool more = true;
  for (const memory::Event& event : *events) {
    more = more && listener->give({event.sequence_number, event.type, wire(event.type, event.data, event.sequence_number)});
  }
  if (!over && more) live->listeners.push_back(listener);
  return std::unique_ptr<Subscription>(new Held(std::move(listener), over || live->ended));
}

// ---- while it runs

std::shared_ptr<RunHandle> RunHub::handle_of(const std::string& response_id) const {
  const std::scoped_lock lock(mutex_);
  const auto at = live_.find(response_id);
  return at == live_.end() ? nullptr : at->second->handle;
}

Result<void> RunHub::cancel(const std::string& response_id) {
  if (const auto handle = handle_of(response_id)) {
    handle->cancel();
    return {};
  }
  const auto known = journal_.response(response_id);
  if (!known) return from(known.error());
  return {};
}

Result<std::string> RunHub::steer(const std::string& response_id, std::vector<Json> input) {
  const auto handle = handle_of(response_id);
  std::string id = memory::new_id("steer_");
  if (!handle || !handle->steer(id, std::move(input)))
    return Error{errc::not_found, "response " + response_id + " is not under way; send a response.create with previous_response_id"};
  return id;
}

void RunHub::on_successor(Successor callback) {
  const std::scoped_lock lock(mutex_);
  successor_ = std::move(callback);
}

HubStats RunHub::stats() const {
  const std::scoped_lock lock(mutex_);
  HubStats stats = stats_;
  stats.active = static_cast<int>(live_.size());
  return stats;
}

Result<void> RunHub::ready() const {
  const std::scoped_lock lock(mutex_);
  if (closing_) return Error{errc::saturated, "Baton is shutting down; try again in a moment"};
  if (static_cast<int>(live_.size()) + starting_ >= options_.max_runs)
    return Error{errc::saturated, std::to_string(options_.max_runs) + " runs are under way, as many as are allowed; try again in a moment"};
  return {};
}

void RunHub::end_session(const std::string&) {}

// ---- after the end

void RunHub::clean_up() {
  std::unique_lock lock(mutex_);
  while (true) {
    // A run may end before launch() has put it into the map.
    const auto ready = [&] { return !ended_.empty() && live_.contains(ended_.front()->outcome.response_id); };
    changed_.wait(lock, [&] { return stop_ || ready(); });
    if (!ready()) return;
    const std::shared_ptr<Live> live = std::move(ended_.front());
    ended_.pop_front();
    const std::shared_ptr<RunHandle> handle = std::exchange(live->handle, nullptr);
    lock.unlock();
    handle->wait();
    clean_up(live);
    lock.lock();
    live_.erase(live->id);
    count(*live);
    changed_.notify_all();
  }
}

void RunHub::count(const Live& live) {
  if (live.outcome.status.empty()) return;  // parked
  ++stats_.finished[live.outcome.status];
  const Json& usage = live.outcome.usage;
  if (!usage.is_object()) return;
  stats_.input_tokens += usage.value("input_tokens", std::int64_t{0});
  stats_.output_tokens += usage.value("output_tokens", std::int64_t{0});
  if (const auto details = usage.find("input_tokens_details"); details != usage.end())
    stats_.cached_tokens += details->value("cached_tokens", std::int64_t{0});
  stats_.tools_completed += live.tools_completed;
  stats_.tools_failed += live.tools_failed;
}

// To those that still listen; not in the journal.
void RunHub::tell(Live& live, const std::string& type, const Json& data) {
  const std::scoped_lock lock(live.mutex);
  const std::int64_t number = ++live.last_number;
  const HubEvent said{number, type, wire(type, data, number)};
  for (const auto& listener : live.listeners) listener->give(said);
}

void RunHub::steer_failed(Live& live, const std::string& id, const Json& input, const char* code, const std::string& message) {
  tell(live, "response.steer.failed",
       {{"steer", {{"id", id}, {"previous_response_id", live.id}, {"input", input}}},
        {"error", {{"type", "invalid_request_error"}, {"code", code}, {"message", message}}}});
}

// The messages of a steered run go on in its successor.
void RunHub::follow(Live& live) {
  const RunOutcome& outcome = live.outcome;
  for (const auto& [id, input] : outcome.unsteered)
    steer_failed(live, id, input, "response_already_completed", "the response had ended; send the input with previous_response_id");
  if (live.steers.empty() || outcome.status.empty()) return;
  if (!outcome.required_input.empty()) {
    for (const auto& [id, input] : live.steers) {
      tell(live, "response.steer.pending",
           {{"steer", {{"id", id}, {"previous_response_id", live.id}}},
            {"reason", "waiting_for_required_input"},
            {"required_input", outcome.required_input}});
    }
    return;
  }
  if (outcome.status == "failed" || outcome.status == "cancelled") {
    for (const auto& [id, input] : live.steers)
      steer_failed(live, id, input, "response_not_active", "the response ended as " + outcome.status);
    return;
  }
  RunRequest request = live.request;
  request.input.clear();  // Agent::start puts the accepted messages there
  request.conversation_id.clear();
  request.previous_response_id = live.id;
  request.tool_choice = {};
  const auto started = launch(std::move(request), {});
  if (!started) {
    for (const auto& [id, input] : live.steers) steer_failed(live, id, input, "successor_creation_failed", started.error().message);
  }
  Successor successor;
  {
    const std::scoped_lock lock(mutex_);
    successor = successor_;
  }
  if (successor) successor(live.id, started);
}

void RunHub::clean_up(const std::shared_ptr<Live>& live) {
  follow(*live);
  {
    const std::scoped_lock lock(live->mutex);
    live->listeners.clear();
    live->over = true;
  }
  if (live->store || live->outcome.status.empty()) return;
  // With what was made for it alone: a conversation of its own.
  if (const auto removed = journal_.remove_conversation(live->outcome.conversation_id); !removed)
    spdlog::error("{}: {}", live->id, removed.error().message);
}

void RunHub::shutdown(std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  closing_ = true;
  const auto quiet = [&] { return live_.empty() && starting_ == 0; };
  if (changed_.wait_for(lock, patience, quiet)) return;
  for (const auto& [id, live] : live_) {
    if (!live->handle) continue;  // it has ended
    if (live->request.durable) {
      live->handle->park();
    } else {
      live->handle->cancel();
    }
  }
  changed_.wait(lock, quiet);
}

}  // namespace baton::agent
