#include "agent.h"

#include <baton/agent/core/items.h>
#include <baton/agent/model_loader.h>
#include <baton/agent/runtime/agent.h>

#include <map>
#include <optional>
#include <utility>

namespace baton::agent {

struct LocalAgent::State {
  LocalAgentOptions options;
  std::unique_ptr<memory::Journal> journal;
  std::unique_ptr<EmbeddedGenerator> generator;
  std::optional<JournalClock> clock;
  std::unique_ptr<Agent> agent;
};

namespace {

// Turns events into callbacks, and remembers what was said last.
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
  request.sampling.temperature = options.temperature;
  request.max_output_tokens = options.max_output_tokens;
  request.budgets.max_turns = options.max_turns;
  return request;
}

std::vector<Json> answers(const Json& output, const Callbacks& callbacks) {
  std::vector<Json> input;
  for (const Json& item : output) {
    if (string_of(item, "type") != "mcp_approval_request") continue;
    const bool yes = callbacks.approve && callbacks.approve(string_of(item, "name"), string_of(item, "arguments"));
    input.push_back({{"type", "mcp_approval_response"}, {"approval_request_id", item["id"]}, {"approve", yes}});
  }
  return input;
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
  std::vector<Json> input{user_message_item("", message)};
  std::string id = conversation_id;
  while (true) {
    Teller teller(callbacks);
    RunRequest request = request_of(state_->options, id);
    request.input = std::move(input);
    Json output;
    RunObserver observer = teller.observer();
    observer.event = [&, tell = std::move(observer.event)](const memory::Event& event) {
      tell(event);
      if (event.data.contains("response")) output = event.data["response"].value("output", Json::array());
    };
    auto run = state_->agent->start(std::move(request), std::move(observer));
    if (!run) return run.error();
    const std::stop_callback on_stop(stop, [&] { (*run)->cancel(); });
    const RunOutcome& outcome = (*run)->wait();
    id = outcome.conversation_id;
    if (outcome.required_input.empty()) return LocalAnswer{teller.text(), outcome.status, outcome.reason, id};
    input = answers(output, callbacks);
  }
}

}  // namespace baton::agent
