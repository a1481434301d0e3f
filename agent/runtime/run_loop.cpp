#include "run_loop.h"

#include <spdlog/spdlog.h>

#include <utility>

namespace baton::agent {
namespace {

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};

constexpr auto kTick = std::chrono::milliseconds(200);  // how late a wall-clock budget may be noticed

}  // namespace

RunHandle::Loop::Loop(RunParts parts, RunConfig config, memory::Response record, memory::Conversation conversation, bool new_conversation,
                      std::map<std::string, llm::Schema> schemas, RunObserver observer)
    : parts_(parts),
      run_(std::move(config)),
      record_(std::move(record)),
      conversation_(std::move(conversation)),
      new_conversation_(new_conversation),
      schemas_(std::move(schemas)),
      observer_(std::move(observer)) {
  outcome_.conversation_id = conversation_.id;
  outcome_.response_id = record_.id;
}

RunHandle::Loop::~Loop() {
  if (thread_.joinable()) thread_.join();
}

void RunHandle::Loop::start(std::string user_text) {
  thread_ = std::thread([this, text = std::move(user_text)] { loop(text); });
}

const RunOutcome& RunHandle::Loop::wait() {
  std::unique_lock lock(mutex_);
  ended_.wait(lock, [&] { return has_ended_; });
  return outcome_;
}

void RunHandle::Loop::loop(const std::string& user_text) {
  perform(run_.start(user_text, parts_.clock.now_ms()));
  while (!done_) {
    if (std::optional<RunInput> input = queue_->pop(kTick)) {
      take(std::move(*input));
    } else {
      perform(run_.on_tick(parts_.clock.now_ms()));
    }
  }
  generation_.reset();
  if (observer_.finished) observer_.finished(outcome_);
  std::scoped_lock lock(mutex_);
  has_ended_ = true;
  ended_.notify_all();
}

void RunHandle::Loop::take(RunInput input) {
  const std::int64_t now = parts_.clock.now_ms();
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
                 [&](ToolProgress& p) {
                   if (observer_.tool_progress) observer_.tool_progress(p.call_id, p.fraction, p.message);
                 },
                 [&](Committed& committed) { on_committed(committed); },
                 [&](UserSaid& said) {
                   perform(run_.on_user_message(said.text, said.interrupt ? Delivery::interrupt : Delivery::queue, now));
                 },
                 [&](CancelAsked&) { perform(run_.cancel(now)); },
             },
             input);
}

// One step: its records in one batch, its effects after the commit. A generation starts at once: it has no effect that could be lost.
void RunHandle::Loop::perform(Actions actions) {
  if (actions.empty()) return;
  memory::Batch batch;
  memory::Durability durability = memory::Durability::process;
  std::vector<StartTool> tools;
  bool last = false;
  if (std::exchange(new_conversation_, false)) batch.put(conversation_);
  if (n_steps_ == 0) {
    batch.put(record_);
    durability = memory::Durability::power;
  }
  for (Action& action : actions) {
    std::visit(Overloaded{
                   [&](EmitEvent& e) { batch.add(memory::Event{record_.id, 0, e.type, std::move(e.data)}); },
                   [&](KeepItem& item) {
                     durability = memory::Durability::power;
                     add(batch, std::move(item));
                   },
                   [&](StartGeneration& g) { start_generation(std::move(g.request)); },
                   [&](CancelGeneration&) {
                     if (generation_) generation_->cancel();
                   },
                   [&](StartTool& start) {
                     durability = memory::Durability::power;
                     record_intent(batch, start);
                     tools.push_back(std::move(start));
                   },
                   [&](CancelTool& cancel) {
                     const auto running = running_.find(cancel.call_id);
                     if (running != running_.end()) running->second.stop.request_stop();
                   },
                   [&](FinishRun& finish) {
                     durability = memory::Durability::power;
                     last = true;
                     record_.status = outcome_.status = finish.status;
                     record_.reason = outcome_.reason = finish.reason;
                     record_.usage = outcome_.usage = finish.usage;
                     record_.finished_ms = conversation_.updated_ms = parts_.clock.now_ms();
                     batch.put(record_);
                     batch.put(conversation_);
                   },
               },
               action);
  }
  commit(std::move(batch), durability, std::move(tools), last);
}

void RunHandle::Loop::add(memory::Batch& batch, KeepItem item) {
  memory::Item record;
  record.id = std::move(item.id);
  record.conversation_id = conversation_.id;
  record.response_id = record_.id;
  record.content = std::move(item.content);
  record.text = std::move(item.text);
  record.raw_tokens = std::move(item.raw.ids);
  record.model_sha256 = std::move(item.raw.model_sha256);
  record.template_sha256 = std::move(item.raw.template_sha256);
  record.created_ms = parts_.clock.now_ms();
  batch.add(std::move(record));
}

void RunHandle::Loop::commit(memory::Batch batch, memory::Durability durability, std::vector<StartTool> tools, bool last) {
  const std::size_t number = n_steps_++;
  steps_.push_back({number, std::move(tools), last});
  if (journal_broken_) {  // nothing more can be kept; what is left of the run only ends it
    queue_->push(Committed{number, std::vector<memory::Event>{}});
    return;
  }
  parts_.journal.commit(std::move(batch), durability, [queue = queue_, number](memory::Result<std::vector<memory::Event>> events) {
    queue->push(Committed{number, std::move(events)});
  });
}

void RunHandle::Loop::on_committed(Committed& committed) {
  // Within one class commits come back in order; a durable step may overtake none of the earlier ones either: one writer, one queue.
  const auto step = std::find_if(steps_.begin(), steps_.end(), [&](const Step& s) { return s.number == committed.step; });
  if (step == steps_.end()) return;
  const Step done = std::move(*step);
  steps_.erase(step);
  if (!committed.events) {
    journal_failed(committed.events.error().message);
  } else if (observer_.event) {
    for (const memory::Event& event : *committed.events) observer_.event(event);
  }
  for (const StartTool& start : done.tools) {
    if (!run_.finished()) start_tool(start);
  }
  if (done.last) done_ = true;
}

void RunHandle::Loop::journal_failed(const std::string& message) {
  spdlog::error("journal: {}", message);
  if (std::exchange(journal_broken_, true)) return;
  perform(run_.fail("the journal cannot be written: " + message, parts_.clock.now_ms()));
  outcome_.status = "failed";
  outcome_.reason = "the journal cannot be written: " + message;
}

void RunHandle::Loop::start_generation(llm::ChatRequest request) {
  generation_.reset();  // the one before has said its last
  const int number = ++generation_number_;
  generation_ = parts_.generator.start(std::move(request), [queue = queue_, number](llm::Delta delta) {
    queue->push(GeneratorSaid{number, std::move(delta)});
  });
}

void RunHandle::Loop::record_intent(memory::Batch& batch, const StartTool& start) {
  RunningTool& running = running_[start.call.id];
  running.record.id = start.call.id;
  running.record.response_id = record_.id;
  running.record.tool = start.call.name;
  running.record.arguments = start.call.arguments;
  running.record.idempotency_key = start.idempotency_key;
  running.record.status = "intent";
  running.record.started_ms = parts_.clock.now_ms();
  batch.put(running.record);
}

void RunHandle::Loop::start_tool(const StartTool& start) {
  const auto schema = schemas_.find(start.call.name);
  if (schema != schemas_.end()) {
    const llm::Result<void> valid = schema->second.check(start.call.arguments);
    if (!valid) {
      on_tool_finished({start.call.id, "the arguments do not fit the tool's schema:\n" + valid.error().message, true});
      return;
    }
  }
  tools::ToolCall call;
  call.name = start.call.name;
  call.arguments = start.call.arguments;
  call.call_id = start.call.id;
  call.idempotency_key = start.idempotency_key;
  call.stop = running_[start.call.id].stop.get_token();
  call.progress = [queue = queue_, id = start.call.id](double fraction, std::string message) {
    queue->push(ToolProgress{id, fraction, std::move(message)});
  };
  parts_.tools.start(std::move(call), [queue = queue_, id = start.call.id](tools::ToolResult result) {
    queue->push(ToolFinished{id, std::move(result.content), result.is_error});
  });
}

void RunHandle::Loop::on_tool_finished(const ToolFinished& result) {
  const auto running = running_.find(result.call_id);
  if (running == running_.end()) return;
  // The result is durable together with what the run makes of it: a crash in between leaves the intent, and "outcome unknown".
  memory::Batch batch;
  running->second.record.status = result.is_error ? "error" : "done";
  running->second.record.result = result.content;
  running->second.record.finished_ms = parts_.clock.now_ms();
  batch.put(running->second.record);
  running_.erase(running);
  commit(std::move(batch), memory::Durability::power, {}, false);
  perform(run_.on_tool_finished(result.call_id, result.content, result.is_error, parts_.clock.now_ms()));
}

}  // namespace baton::agent
