// The steps after a run: counting it, starting its successor, removing unstored responses; and a full disk of the journal, and the end of
// the process.
#include <baton/agent/core/items.h>
#include <baton/memory/response_end.h>
#include <spdlog/spdlog.h>

#include <utility>

#include "run_hub_live.h"

namespace baton::agent {
namespace {

std::int64_t tokens_of(const Json& usage, const char* key) { return usage.is_object() ? usage.value(key, std::int64_t{0}) : 0; }

}  // namespace

void RunHub::clean_up() {
  const std::chrono::milliseconds pause = std::min<std::chrono::milliseconds>(std::chrono::seconds(10), options_.silence / 2);
  auto next_look = std::chrono::steady_clock::now() + pause;
  std::unique_lock lock(mutex_);
  // The following steps are done whatever fails.
  const auto unlocked = [&lock](const char* what, const auto& job) {
    lock.unlock();
    try {
      job();
    } catch (const std::exception& e) {
      spdlog::error("{}: {}", what, e.what());
    }
    lock.lock();
  };
  while (true) {
    // A run may end before launch() has its handle.
    const auto ready = [&] { return !ended_.empty() && !ended_.front()->starting; };
    changed_.wait_until(lock, next_look, [&] { return stop_ || ready() || untold_state_; });
    if (const auto now = std::chrono::steady_clock::now(); now >= next_look) {
      next_look = now + pause;
      unlocked("reporting that runs are in progress", [this] { tell_silent(); });
    }
    if (const auto state = std::exchange(untold_state_, std::nullopt)) unlocked("reporting the journal's state", [&] { tell_all(*state); });
    if (auto expired = unstored_.expired(UnstoredResponses::Clock::now()); !expired.empty())
      unlocked("removing unstored responses", [&] { remove(expired); });
    if (!ready() && !stop_) continue;
    if (!ready()) return;
    const std::shared_ptr<Live> live = std::move(ended_.front());
    ended_.pop_front();
    const std::shared_ptr<RunHandle> handle = std::exchange(live->handle, nullptr);
    unlocked(live->id.c_str(), [&] {
      handle->wait();
      clean_up(live);
    });
    live_.erase(live->id);
    count(*live);
    changed_.notify_all();
  }
}

void RunHub::count(const Live& live) {
  if (live.outcome.status.empty()) return;  // parked
  const std::int64_t run_ms = milliseconds_since(live.began);
  ++stats_.finished[live.outcome.status];
  if (live.outcome.status == "failed") ++stats_.failed[live.error_code.empty() ? "server_error" : live.error_code];
  stats_.run_ms.add(run_ms);
  if (live.first_token_ms >= 0) stats_.first_token_ms.add(live.first_token_ms);
  const Json& usage = live.outcome.usage;
  if (!usage.is_object()) return;
  stats_.input_tokens += usage.value("input_tokens", std::int64_t{0});
  stats_.output_tokens += usage.value("output_tokens", std::int64_t{0});
  if (const auto details = usage.find("input_tokens_details"); details != usage.end())
    stats_.cached_tokens += details->value("cached_tokens", std::int64_t{0});
  stats_.tools_completed += live.tools_completed;
  stats_.tools_failed += live.tools_failed;
}

// To the current listeners; not in the journal.
void RunHub::tell(Live& live, const std::string& type, const Json& data) {
  const std::scoped_lock lock(live.mutex);
  const std::int64_t number = ++live.last_number;
  const HubEvent said(number, type, data);
  for (const auto& listener : live.listeners) listener->give(said);
}

void RunHub::tell_silent() {
  for (const auto& live : all_begun()) {
    const std::scoped_lock lock(live->mutex);
    const auto now = std::chrono::steady_clock::now();
    if (live->ended || live->in_progress.is_null() || now - live->told < options_.silence) continue;
    live->told = now;
    Json data = live->in_progress;
    data["baton.repeated"] = true;
    if (live->prefill.total > 0) data["baton.prefill"] = {{"done", live->prefill.done}, {"total", live->prefill.total}};
    const HubEvent said(live->last_number, kInProgress, data, true);
    std::erase_if(live->listeners, [&](const auto& listener) { return !listener->give(said); });
  }
}

void RunHub::steer_failed(Live& live, const std::string& id, const Json& input, const char* code, const std::string& message) {
  tell(live, "response.steer.failed",
       {{"steer", {{"id", id}, {"previous_response_id", live.id}, {"input", input}}},
        {"error", {{"type", "invalid_request_error"}, {"code", code}, {"message", message}}}});
}

// Tells the listeners of a run its end if the journal refused the terminal event. First come the events that the journal has and the run
// has not told. If the response is still open there, it is ended as failed. If the journal does not have the response any more, the
// listeners get a response.failed that is not stored.
void RunHub::tell_end(Live& live) {
  const std::scoped_lock lock(live.mutex);
  if (live.ended) return;
  auto known = journal_.told(live.id, live.last_number);
  if (known && memory::is_open_status(known->response.status) && end_response(known->response, live.outcome.reason))
    known = journal_.told(live.id, live.last_number);
  if (known) {
    for (const memory::Event& event : known->events) pass_on(live, event);
  }
  if (live.ended) return;
  memory::Event end = memory::failed_event(live.id, live.outcome.reason);
  if (live.in_progress.contains("response")) {
    Json whole = live.in_progress["response"];
    whole.update(end.data["response"]);
    end.data["response"] = std::move(whole);
  }
  end.sequence_number = live.last_number + 1;
  pass_on(live, end);
}

// The messages of a steered run continue in its successor.
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
  request.turn.tool_choice = {};
  const auto started = launch(std::move(request), {});
  if (started) return tell(live, kSuccessorEvent, {{"response_id", live.id}, {"successor_id", started->response_id}});
  for (const auto& [id, input] : live.steers) steer_failed(live, id, input, "successor_creation_failed", started.error().message);
}

void RunHub::clean_up(const std::shared_ptr<Live>& live) {
  const RunOutcome& outcome = live->outcome;
  if (!outcome.status.empty())
    spdlog::info("run ended: id={} status={} reason={} ms={} first_token_ms={} input_tokens={} output_tokens={} calls={}", live->id,
                 outcome.status, to_text(outcome.reason), milliseconds_since(live->began), live->first_token_ms,
                 tokens_of(outcome.usage, "input_tokens"), tokens_of(outcome.usage, "output_tokens"),
                 live->tools_completed + live->tools_failed);
  if (!outcome.status.empty()) tell_end(*live);
  follow(*live);
  {
    const std::scoped_lock lock(live->mutex);
    if (outcome.status.empty()) tell_parked(*live);
    // Closed as well: a sink may hold its own subscription until it gets the end, which a parked run never tells.
    for (const auto& listener : live->listeners) listener->close();
    live->listeners.clear();
    live->over = true;
  }
  if (live->store || outcome.status.empty()) return;
  const UnstoredResponse unstored{live->id, outcome.conversation_id, live->request.session, live->request.client};
  std::vector<UnstoredResponse> gone;
  {
    const std::scoped_lock lock(mutex_);
    const bool kept = live->request.storage == Storage::continuable && !live->session_over && outcome.status != "failed";
    gone = kept ? unstored_.add(unstored, UnstoredResponses::Clock::now()) : std::vector<UnstoredResponse>{unstored};
  }
  remove(gone);
}

void RunHub::tell_parked(Live& live) {
  const char* what = live.request.durable ? "the daemon stops; the response continues when it starts again"
                                          : "the daemon stops, and the response ends with its next start";
  const Json data = {{"response_id", live.id}, {"message", what}};
  const HubEvent said(live.last_number, kParkedEvent, data, true);
  for (const auto& listener : live.listeners) listener->give(said);
}

// Each with the conversation that was made for it alone.
void RunHub::remove(const std::vector<UnstoredResponse>& responses) {
  for (const UnstoredResponse& response : responses) {
    const auto removed = journal_.remove_conversation(response.conversation_id);
    if (!removed && removed.error().code != memory::errc::not_found) spdlog::error("{}: {}", response.response_id, removed.error().message);
  }
}

void RunHub::end_session(const std::string& session) {
  if (session.empty()) return;
  std::vector<UnstoredResponse> gone;
  {
    const std::scoped_lock lock(mutex_);
    for (const auto& [id, live] : live_) live->session_over = live->session_over || live->request.session == session;
    gone = unstored_.end_session(session);
  }
  remove(gone);
}

// ---- a journal that cannot be written

void RunHub::tell_journal_state(Live& live, const memory::JournalState& state) {
  const Json data = {{"response_id", live.id},
                     {"writable", state.writable},
                     {"message", state.writable ? "the journal is written again; the run continues"
                                                : "the run waits, because the journal cannot be written: " + state.why}};
  const HubEvent said(live.last_number, kJournalEvent, data, true);
  std::erase_if(live.listeners, [&](const auto& listener) { return !listener->give(said); });
}

// On the writer's thread, which must not wait for a listener: one of them may be waiting for a commit.
void RunHub::on_journal_state(const memory::JournalState& state) {
  if (state.writable) {
    spdlog::warn("the journal can be written again");
  } else {
    spdlog::error("the journal cannot be written, and all runs wait: {}", state.why);
  }
  const std::scoped_lock lock(mutex_);
  untold_state_ = state;
  changed_.notify_all();
}

std::vector<std::shared_ptr<RunHub::Live>> RunHub::all_begun() const {
  std::vector<std::shared_ptr<Live>> all;
  const std::scoped_lock lock(mutex_);
  for (const auto& [id, live] : live_) {
    if (!live->starting) all.push_back(live);
  }
  return all;
}

// launch() tells the runs that are starting, if they start at all.
void RunHub::tell_all(const memory::JournalState& state) {
  for (const auto& live : all_begun()) {
    const std::scoped_lock lock(live->mutex);
    tell_journal_state(*live, state);
  }
}

// ---- the end of the process

void RunHub::shutdown(std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  closing_ = true;
  const auto quiet = [&] { return live_.empty(); };
  // In a loop, because the journal may become unwritable meanwhile: then nothing can be kept any more, and nothing is waited for.
  for (auto wait = patience; !changed_.wait_for(lock, wait, quiet); wait = std::chrono::milliseconds(500)) {
    const bool writable = journal_.state().writable;
    for (const auto& [id, live] : live_) {
      if (!live->handle) continue;  // it has ended
      if (live->request.durable || !writable) {
        live->handle->park();
      } else {
        live->handle->cancel();
      }
    }
  }
  const auto gone = unstored_.all();  // not before: a run that was starting may continue one of them
  lock.unlock();
  remove(gone);
}

}  // namespace baton::agent
