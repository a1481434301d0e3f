#include "agent.h"

#include <baton/agent/core/items.h>
#include <baton/agent/model_loader.h>
#include <baton/agent/runtime/agent.h>

#include <map>
#include <optional>
#include <utility>

#include "message_run.h"

namespace baton::agent {

struct LocalAgent::State {
  LocalAgentOptions options;
  std::unique_ptr<memory::Journal> journal;
  std::unique_ptr<EmbeddedGenerator> generator;
  std::optional<JournalClock> clock;
  std::unique_ptr<Agent> agent;
};

namespace {

// Turns events into callbacks, and remembers the text of the last message.
class Teller {
 public:
  explicit Teller(const Callbacks& callbacks) : callbacks_(callbacks) {}

  RunObserver observer() {
    RunObserver observer;
    observer.event = [this](const memory::Event& event) { on_event(event); };
    return observer;
  }
  const std::string& text() const { return text_; }

 private:
  void on_event(const memory::Event& event) {
    const Json& data = event.data;
    if (event.type == "response.output_text.delta") {
      const std::string piece = string_of(data, "delta");
      if (callbacks_.text) callbacks_.text(piece);
    } else if (event.type == "response.output_item.added") {
      names_[string_of(data["item"], "id")] = string_of(data["item"], "name");
    } else if (event.type == "response.mcp_call_arguments.done") {
      if (callbacks_.call) callbacks_.call(names_[string_of(data, "item_id")], string_of(data, "arguments"));
    } else if (event.type == "response.output_item.done") {
      const Json& item = data["item"];
      if (string_of(item, "type") == "message") text_ = text_of_message(item);
      if (string_of(item, "type") == "mcp_call" && callbacks_.result)
        callbacks_.result(string_of(item, "name"), result_of_call_item(item), call_item_failed(item));
    }
  }

  const Callbacks& callbacks_;
  std::map<std::string, std::string> names_;
  std::string text_;
};

RunRequest request_of(const LocalAgentOptions& options, const std::string& conversation_id) {
  RunRequest request;
  request.conversation_id = conversation_id;
  request.instructions = options.instructions;
  request.after_tools = options.after_tools;
  request.turn.sampling.temperature = options.temperature;
  request.turn.max_output_tokens = options.max_output_tokens;
  request.budgets.max_turns = options.max_turns;
  return request;
}

}  // namespace

Result<std::unique_ptr<LocalAgent>> LocalAgent::open(LocalAgentOptions options, tools::ToolSet& tools) {
  auto state = std::make_unique<State>();
  auto journal = memory::Journal::open(options.journal);
  if (!journal) return Error{errc::io, journal.error().message};
  state->journal = std::move(*journal);
  auto generator = load_generator(options.model);
  if (!generator) return generator.error();
  state->generator = std::move(*generator);
  state->clock.emplace(*state->journal);
  state->agent = std::make_unique<Agent>(*state->generator, tools, *state->journal, *state->clock);
  state->options = std::move(options);
  return std::unique_ptr<LocalAgent>(new LocalAgent(std::move(state)));
}

LocalAgent::LocalAgent(std::unique_ptr<State> state) : state_(std::move(state)) {}
LocalAgent::~LocalAgent() = default;

Result<LocalAnswer> LocalAgent::ask(const std::string& message, const Callbacks& callbacks, const std::string& conversation_id,
                                    std::stop_token stop) {
  RunRequest request = request_of(state_->options, conversation_id);
  request.input = {user_message_item("", message)};
  std::string text;  // of the last response
  MessageRun run;
  run.respond = [&](RunRequest next) -> Result<RunOutcome> {
    Teller teller(callbacks);
    auto handle = state_->agent->start(std::move(next), teller.observer());
    if (!handle) return handle.error();
    const std::stop_callback on_stop(stop, [&] { (*handle)->cancel(); });
    RunOutcome outcome = (*handle)->wait();
    text = teller.text();
    return outcome;
  };
  run.approve = [&](const Json& call) {
    return approval_answer(call, callbacks.approve && callbacks.approve(string_of(call, "name"), string_of(call, "arguments")));
  };
  const auto outcome = run_message(state_->agent->tools(), *state_->journal, *state_->clock, std::move(request), run);
  if (!outcome) return outcome.error();
  return LocalAnswer{text, outcome->status, outcome->reason, outcome->conversation_id};
}

}  // namespace baton::agent
