#include "run_loop.h"

#include <baton/memory/response_end.h>

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace baton::agent {
namespace {

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};
template <class... F>
Overloaded(F...) -> Overloaded<F...>;  // clang 14 does not deduce aggregates by itself

constexpr auto kTick = std::chrono::milliseconds(200);           // how late a wall-clock budget may be noticed
constexpr auto kParkPatience = std::chrono::milliseconds(500);   // for tools that run when the process ends, after their own patience
constexpr auto kProgressPause = std::chrono::milliseconds(250);  // between two events of one call's progress: they are stored for ever

}  // namespace

RunHandle::Loop::Loop(RunParts parts, RunConfig config, memory::Response record, RunObserver observer)
    : parts_(parts), run_(std::move(config)), record_(std::move(record)), observer_(std::move(observer)) {
  outcome_.conversation_id = record_.conversation_id;
  outcome_.response_id = record_.id;
}

RunHandle::Loop::~Loop() {
  if (thread_.joinable()) thread_.join();
}

void RunHandle::Loop::start(std::vector<Json> input) {
  launch([this, input = std::move(input)]() mutable { return run_.start(std::exchange(input, {}), last_tick_); });
}

void RunHandle::Loop::resume(Interrupted left) {
  launch([this, left = std::move(left)]() mutable { return run_.resume(std::exchange(left, {}), last_tick_); });
}

void RunHandle::Loop::launch(std::function<Actions()> first) {
  try {
    thread_ = std::thread([this, first = std::move(first)] { run(first); });
  } catch (const std::system_error& e) {  // the system has no more threads: the run, which the journal has, ends as failed
    run([&]() -> Actions { throw e; });
  }
}

const RunOutcome& RunHandle::Loop::wait() {
  std::unique_lock lock(mutex_);
  ended_.wait(lock, [&] { return has_ended_; });
  return outcome_;
}

void RunHandle::Loop::run(const std::function<Actions()>& first) {
  try {
    try {
      loop(first);
    } catch (const std::exception& e) {
      broke(e.what());
    }
  } catch (const std::exception& e) {
    spdlog::error("{}: the run failed, and ending it failed as well: {}", record_.id, e.what());
  }
  end();
}

// A bug of ours, or no memory is left. The run ends here, with its committed records; the daemon and the other runs continue.
void RunHandle::Loop::broke(const char* what) {
  spdlog::error("{}: the run failed: {}", record_.id, what);
  generation_.reset();
  for (auto& [id, running] : running_) running.stop.request_stop();
  record_.status = outcome_.status = "failed";
  record_.reason = outcome_.reason = "internal error during this run; Baton's log gives the reason";
  const auto kept = parts_.journal.commit_and_wait(memory::Batch().add(memory::failed_event(record_.id, record_.reason)).put(record_),
                                                   memory::Durability::power);
  if (!kept) {  // its own end was kept before, or the next start ends it
    spdlog::error("{}: its end cannot be stored: {}", record_.id, kept.error().message);
    const auto known = parts_.journal.response(record_.id);
    if (known && kept.error().code == memory::errc::invalid_argument) {
      outcome_.status = known->status;
      outcome_.reason = known->reason;
    }
  } else if (observer_.event) {
    for (const memory::Event& event : *kept) observer_.event(event);
  }
}

void RunHandle::Loop::loop(const std::function<Actions()>& first) {
  last_tick_ = parts_.clock.now();
  perform(first());
  while (!done_) {
    std::optional<RunInput> input = queue_->pop(kTick);
    const bool quiet = !input;
    if (input) take(std::move(*input));
    const Moment now = parts_.clock.now();
    if (quiet || now.steady_ms - last_tick_.steady_ms >= kTick.count()) {
      last_tick_ = now;
      if (!parking_) perform(run_.on_tick(now));
    }
    park_if_quiet();
  }
}

void RunHandle::Loop::end() {
  generation_.reset();
  try {
    for (RunInput& input : queue_->close()) {
      if (auto* steered = std::get_if<Steered>(&input)) outcome_.unsteered.emplace_back(steered->id, steered->input);
    }
    if (observer_.finished) observer_.finished(outcome_);
  } catch (const std::exception& e) {  // callers that wait for the run are told of its end all the same
    spdlog::error("{}: the run failed at its end: {}", record_.id, e.what());
  }
  std::scoped_lock lock(mutex_);
  has_ended_ = true;
  ended_.notify_all();
}

// The process is shutting down: the run has not crashed.
void RunHandle::Loop::park_if_quiet() {
  // Waiting for a disk that cannot be written would hold up the end of the process for ever: the next process continues from the stored
  // records.
  if (parking_ && !done_ && !parts_.journal.state().writable) {
    outcome_.status.clear();  // an end that is not stored does not count
    done_ = true;
  }
  if (parking_ && !running_.empty() && std::chrono::steady_clock::now() >= park_deadline_) {
    // Their intents are kept: the next process runs an idempotent tool again, and reports "outcome unknown" for another.
    for (auto& [id, running] : running_) running.stop.request_stop();
    running_.clear();
  }
  if (!parking_ || parked_ || done_ || run_.finished() || !running_.empty() || !pending_.empty()) return;
  parked_ = true;
  --record_.attempts;
  RunStep step;
  step.batch.put(record_);
  step.durability = memory::Durability::power;
  step.last = true;
  commit(std::move(step));
}

void RunHandle::Loop::take(RunInput input) {
  const Moment now = parts_.clock.now();
  std::visit(Overloaded{
                 [&](GeneratorSaid& said) {
                   if (said.generation != generation_number_) return;
                   if (const auto* progress = std::get_if<llm::PrefillProgress>(&said.delta)) {
                     if (observer_.prefill) observer_.prefill(*progress);
                     return;
                   }
                   perform(run_.on_delta(std::move(said.delta), now));
                 },
                 [&](ToolFinished& result) { on_tool_finished(result); },
                 [&](ToolProgress& said) { on_tool_progress(said); },
                 [&](Committed& committed) { on_committed(committed); },
                 [&](Steered& steered) {
                   if (run_.finished()) outcome_.unsteered.emplace_back(steered.id, steered.input);
                   perform(run_.steer(steered.id, steered.input, now));
                 },
                 [&](CancelAsked&) {
                   if (!parking_) perform(run_.cancel(now));
                 },
                 [&](ParkAsked&) {
                   if (!std::exchange(parking_, true)) park_deadline_ = std::chrono::steady_clock::now() + kParkPatience;
                   generation_.reset();
                   ++generation_number_;  // its deltas that are still in the queue belong to a turn that will be written again
                 },
             },
             input);
}

// ---- the requests of a step

void RunHandle::Loop::perform(Actions actions, RunStep step) {
  if (actions.empty()) return;
  for (Action& action : actions) {
    std::visit(Overloaded{
                   [&](EmitEvent& e) {
                     step.batch.add(memory::Event{record_.id, 0, e.type, std::move(e.data)});
                   },
                   [&](KeepItem& item) { plan(step, item); },
                   // At once: a generation has no effect that could be lost.
                   [&](StartGeneration& g) { start_generation(std::move(g.request)); },
                   [&](CancelGeneration&) {
                     if (generation_) generation_->cancel();
                   },
                   [&](StartTool& start) { plan(step, start); },
                   [&](CancelTool& cancel) { plan(step, cancel); },
                   [&](FinishRun& finish) { plan(step, finish); },
               },
               action);
  }
  commit(std::move(step));
}

void RunHandle::Loop::plan(RunStep& step, KeepItem& item) {
  memory::Item record;
  record.id = std::move(item.id);
  record.conversation_id = record_.conversation_id;
  record.response_id = record_.id;
  record.content = std::move(item.content);
  record.text = std::move(item.text);
  record.raw_tokens = std::move(item.raw.ids);
  record.model_sha256 = std::move(item.raw.model_identity);
  record.template_sha256 = std::move(item.raw.template_sha256);
  record.created_ms = parts_.clock.now_ms();
  step.batch.add(std::move(record));
  step.durability = memory::Durability::power;
}

void RunHandle::Loop::plan(RunStep& step, StartTool& start) {
  RunningTool& running = running_[start.call.id];
  running.record.id = start.call.id;
  running.record.response_id = record_.id;
  running.record.tool = start.call.name;
  running.record.arguments = start.call.arguments;
  running.record.idempotency_key = start.idempotency_key;
  running.record.status = "intent";
  running.record.started_ms = parts_.clock.now_ms();
  step.batch.put(running.record);
  step.durability = memory::Durability::power;
  step.tools.push_back(std::move(start));
}

void RunHandle::Loop::plan(RunStep& step, const CancelTool& cancel) {
  const auto running = running_.find(cancel.call_id);
  if (running == running_.end()) return;
  running->second.stop.request_stop();
  running->second.record.status = running->second.started ? "unknown" : "error";
  running->second.record.result = running->second.started ? "cancelled while it ran" : "cancelled before it was started";
  running->second.record.finished_ms = parts_.clock.now_ms();
  step.batch.put(std::move(running->second.record));
  step.durability = memory::Durability::power;
  running_.erase(running);
}

void RunHandle::Loop::plan(RunStep& step, const FinishRun& finish) {
  record_.status = outcome_.status = finish.status;
  record_.reason = outcome_.reason = finish.reason;
  record_.usage = outcome_.usage = finish.usage;
  outcome_.required_input = finish.required_input;
  record_.finished_ms = parts_.clock.now_ms();
  step.batch.put(record_);
  step.durability = memory::Durability::power;
  step.last = true;
}

void RunHandle::Loop::commit(RunStep step) {
  if (step.durability == memory::Durability::power) step.batch.spent(record_.id, run_.spent_ms(parts_.clock.now()));
  const std::size_t number = n_steps_++;
  pending_.push_back({number, std::move(step.tools), step.last});
  if (refused_ && !step.last) {  // only the end of the run is tried once more
    queue_->push(Committed{number, std::vector<memory::Event>{}});
    return;
  }
  parts_.journal.commit(std::move(step.batch), step.durability,
                        [queue = queue_, number](memory::Result<std::vector<memory::Event>> events) {
                          queue->push(Committed{number, std::move(events)});
                        });
}

// ---- after the commit

void RunHandle::Loop::on_committed(Committed& committed) {
  const auto step = std::find_if(pending_.begin(), pending_.end(), [&](const Pending& p) { return p.number == committed.step; });
  if (step == pending_.end()) return;
  const Pending done = std::move(*step);
  pending_.erase(step);
  if (!committed.events) {
    refused(committed.events.error().message);
  } else if (observer_.event) {
    for (const memory::Event& event : *committed.events) observer_.event(event);
  }
  for (const StartTool& start : done.tools) start_tool(start);
  if (done.last) done_ = true;
}

// A full disk is not such a refusal: the journal holds the records that it cannot write.
void RunHandle::Loop::refused(const std::string& message) {
  if (std::exchange(refused_, true)) return;
  spdlog::error("{}: {}", record_.id, message);
  const std::string reason = "the journal does not accept this run's records; its conversation may have been deleted";
  perform(run_.fail(reason, parts_.clock.now()));
  outcome_.status = "failed";  // even if the run had ended before, and its end could not be kept
  outcome_.reason = reason;
}

void RunHandle::Loop::start_generation(llm::ChatRequest request) {
  generation_.reset();  // the previous generation has ended
  if (parking_) return;
  const int number = ++generation_number_;
  generation_ = parts_.generator.start(std::move(request), [queue = queue_, number](llm::Delta delta) {
    queue->push(GeneratorSaid{number, std::move(delta)});
  });
}

// ---- tools

void RunHandle::Loop::start_tool(const StartTool& start) {
  const auto running = running_.find(start.call.id);
  if (running == running_.end()) return;  // cancelled meanwhile
  running->second.started = true;
  tools::ToolCall call;
  call.name = start.call.name;
  call.arguments = start.call.arguments;
  call.call_id = start.call.id;
  call.idempotency_key = start.idempotency_key;
  call.stop = running->second.stop.get_token();
  call.progress = [queue = queue_, id = start.call.id](double fraction, std::string message) {
    queue->push(ToolProgress{id, fraction, std::move(message)});
  };
  parts_.tools.start(std::move(call), [queue = queue_, id = start.call.id](tools::ToolResult result) {
    queue->push(ToolFinished{id, std::move(result.content), result.is_error});
  });
}

void RunHandle::Loop::on_tool_progress(const ToolProgress& said) {
  const auto running = running_.find(said.call_id);
  if (running == running_.end()) return;
  if (observer_.tool_progress) observer_.tool_progress(said.call_id, said.fraction, said.message);
  const std::int64_t now = parts_.clock.steady_ms();
  if (now < running->second.next_progress) return;
  running->second.next_progress = now + kProgressPause.count();
  perform(run_.on_tool_progress(said.call_id, said.fraction, said.message));
}

void RunHandle::Loop::on_tool_finished(const ToolFinished& result) {
  // The result is durable together with what the run makes of it: a crash in between leaves the intent, and "outcome unknown".
  RunStep step;
  const auto running = running_.find(result.call_id);
  if (running != running_.end()) {
    running->second.record.status = result.is_error ? "error" : "done";
    running->second.record.result = result.content;
    running->second.record.finished_ms = parts_.clock.now_ms();
    step.batch.put(std::move(running->second.record));
    step.durability = memory::Durability::power;
    running_.erase(running);
  }
  perform(run_.on_tool_finished(result.call_id, result.content, result.is_error, parts_.clock.now()), std::move(step));
}

}  // namespace baton::agent
