#include "agent.h"

#include <baton/agent/core/items.h>
#include <baton/llm/json_schema/json_schema.h>
#include <baton/tools/text.h>

#include <algorithm>
#include <utility>

#include "journal_error.h"
#include "request.h"
#include "restore.h"
#include "run_loop.h"

namespace baton::agent {
namespace {

// How many processes a run may bring down.
constexpr int kMaxCrashes = 2;

using Schemas = std::map<std::string, llm::Schema>;

Result<std::shared_ptr<const Schemas>> read_schemas(const std::vector<llm::ToolSpec>& specs) {
  auto schemas = std::make_shared<Schemas>();
  for (const llm::ToolSpec& spec : specs) {
    auto schema = llm::Schema::parse(spec.parameters);
    if (!schema) return Error{errc::invalid_argument, "tool '" + spec.name + "': " + schema.error().message};
    schemas->emplace(spec.name, std::move(*schema));
  }
  return std::shared_ptr<const Schemas>(std::move(schemas));
}

// What the journal gives back is what the model read: other bytes than UTF-8 would not come back.
void make_valid_utf8(RunRequest& request) {
  for (std::string* text : {&request.instructions, &request.after_tools}) *text = tools::valid_utf8(std::move(*text));
  for (Json& item : request.input) item = Json::parse(to_text(item));
}

StoredItem stored(const memory::Item& item) {
  return {item.response_id, item.content, {item.raw_tokens, item.model_sha256, item.template_sha256}};
}

// Messages that were sent to a response that had ended, or was about to: the first response that goes on from it takes them.
std::vector<Json> steering_of(const std::vector<memory::Event>& events) {
  std::vector<Json> input;
  for (const memory::Event& event : events) {
    if (event.type != "response.steer.accepted" || !event.data.contains("baton.input")) continue;
    for (const Json& item : event.data["baton.input"]) input.push_back(item);
  }
  return input;
}

Permission stricter(Permission a, Permission b) { return std::max(a, b); }

}  // namespace

RunHandle::RunHandle(std::shared_ptr<Loop> loop) : loop_(std::move(loop)) {}

RunHandle::~RunHandle() {
  cancel();
  loop_->wait();
}

const RunOutcome& RunHandle::wait() { return loop_->wait(); }
void RunHandle::cancel() { loop_->push(CancelAsked{}); }
void RunHandle::park() { loop_->push(ParkAsked{}); }
bool RunHandle::send(std::string user_text, Delivery delivery) {
  return loop_->push(UserSaid{tools::valid_utf8(std::move(user_text)), delivery == Delivery::interrupt});
}
bool RunHandle::steer(std::string steer_id, std::vector<Json> input) { return loop_->push(Steered{std::move(steer_id), std::move(input)}); }
const std::string& RunHandle::response_id() const { return loop_->outcome().response_id; }
const std::string& RunHandle::conversation_id() const { return loop_->outcome().conversation_id; }

Agent::Agent(Generator& generator, tools::ToolSet& tools, memory::Journal& journal, const Clock& clock, AgentOptions options)
    : generator_(generator), tools_(tools), journal_(journal), clock_(clock), options_(std::move(options)) {}

Permission Agent::permission(const tools::ToolSpec& tool) const {
  const auto configured = options_.permissions.find(tool.name);
  if (configured != options_.permissions.end()) return configured->second;
  return tool.traits.effect == tools::Effect::reads ? Permission::allow : Permission::ask;
}

// What does not depend on the conversation.
struct Agent::Prepared {
  RunConfig config;
  std::vector<llm::ToolSpec> specs;
};

Result<Agent::Prepared> Agent::prepare(const RunRequest& request) {
  auto specs = offered_tools(*this, request);
  if (!specs) return specs.error();
  specs->insert(specs->end(), request.client_tools.begin(), request.client_tools.end());
  if (const Result<void> sound = check_request(request, *specs); !sound) return sound.error();
  const auto schemas = read_schemas(*specs);
  if (!schemas) return schemas.error();
  RunConfig config = config_from(request, *specs);
  for (const llm::ToolSpec& spec : *specs) {
    const tools::Tool* tool = tools_.find(spec.name);
    if (!tool || config.client_tools.contains(spec.name)) continue;
    const auto asked = request.permissions.find(spec.name);
    const Permission wanted = asked == request.permissions.end() ? Permission::allow : asked->second;
    if (stricter(permission(tool->spec()), wanted) != Permission::allow) config.ask_before.insert(spec.name);
  }
  config.approval_lifetime_ms = options_.approval_lifetime.count();
  config.why_refused = [schemas = *schemas](const llm::ToolCall& call) -> std::optional<std::string> {
    const auto schema = schemas->find(call.name);
    if (schema == schemas->end()) return std::nullopt;
    const llm::Result<void> valid = schema->second.check(call.arguments);
    if (valid) return std::nullopt;
    return "the arguments do not fit the tool's schema:\n" + valid.error().message;
  };
  config.model = request.model.empty() ? generator_.model_name() : request.model;
  config.new_id = memory::new_id;
  return Prepared{std::move(config), std::move(*specs)};
}

Result<std::unique_ptr<RunHandle>> Agent::start(RunRequest request, RunObserver observer) {
  make_valid_utf8(request);
  if (!request.conversation_id.empty() && !request.previous_response_id.empty())
    return Error{errc::invalid_argument, "conversation and previous_response_id exclude each other: give one of them"};
  if (!request.conversation_id.empty() && !request.store)
    return Error{errc::invalid_argument, "store: false does not go with a conversation, which keeps its items"};
  const std::scoped_lock lock(mutex_);
  RunConfig found;  // history and parent
  auto conversation = find_conversation(request, found);
  if (!conversation) return conversation.error();
  if (!request.previous_response_id.empty()) {
    const auto events = journal_.events(request.previous_response_id);
    const auto responses = journal_.responses(conversation->id);
    if (!events || !responses) return from(events ? responses.error() : events.error());
    const bool taken = std::any_of(responses->begin(), responses->end(),
                                   [&](const memory::Response& r) { return r.parent_id == request.previous_response_id; });
    std::vector<Json> steering = taken ? std::vector<Json>{} : steering_of(*events);
    request.input.insert(request.input.begin(), steering.begin(), steering.end());
  }
  auto prepared = prepare(request);
  if (!prepared) return prepared.error();
  if (const Result<void> fits = check_answers(found.history, request.input, clock_.now_ms()); !fits) return fits.error();
  const auto allowed = journal_.allowed_tools(conversation->id);
  if (!allowed) return from(allowed.error());

  RunConfig& config = prepared->config;
  for (const std::string& tool : *allowed) config.ask_before.erase(tool);
  config.history = std::move(found.history);
  config.parent_id = found.parent_id;
  config.response_id = memory::new_id("resp_");
  config.conversation_id = conversation->id;
  conversation->updated_ms = clock_.now_ms();
  if (conversation->created_ms == 0) conversation->created_ms = conversation->updated_ms;
  if (conversation->title.empty()) conversation->title = title_of(request.input);

  memory::Response record;
  record.id = config.response_id;
  record.conversation_id = conversation->id;
  record.parent_id = config.parent_id;
  record.model = config.model;
  record.status = "in_progress";
  record.request = request_json(request, prepared->specs);
  record.metadata = request.metadata;
  record.durable = request.durable;
  record.created_ms = clock_.now_ms();
  memory::Batch batch;
  batch.put(*conversation).put(record);
  if (!request.key.empty()) batch.claim(request.key, record.id, request.fingerprint);
  for (const Json& item : request.input) {
    if (string_of(item, "type") != "mcp_approval_response" || item.value("approve", Json()) != true ||
        item.value("baton.remember", Json()) != true)
      continue;
    for (const StoredItem& earlier : config.history) {
      if (string_of(earlier.content, "id") != string_of(item, "approval_request_id")) continue;
      batch.allow_tool(conversation->id, string_of(earlier.content, "name"));
      config.ask_before.erase(string_of(earlier.content, "name"));
    }
  }
  const auto kept = journal_.commit_and_wait(std::move(batch), memory::Durability::power);
  if (!kept) return from(kept.error());

  auto loop = std::make_shared<RunHandle::Loop>(RunParts{generator_, tools_, journal_, clock_}, std::move(config), std::move(record),
                                                std::move(*conversation), std::move(observer));
  loop->start(std::move(request.input));
  return std::unique_ptr<RunHandle>(new RunHandle(std::move(loop)));
}

Result<std::unique_ptr<RunHandle>> Agent::resume(memory::Response record, RunObserver observer) {
  RunRequest request = request_from_json(record.request);
  std::erase_if(request.tools, [&](const std::string& name) { return !tools_.find(name); });
  request.metadata = record.metadata;
  request.model = record.model;
  const std::scoped_lock lock(mutex_);
  auto conversation = journal_.conversation(record.conversation_id);
  if (!conversation) return from(conversation.error());
  const auto items = journal_.items(record.conversation_id);
  const auto events = journal_.events(record.id);
  const auto invocations = journal_.tool_invocations(record.id);
  const auto allowed = journal_.allowed_tools(record.conversation_id);
  if (!items) return from(items.error());
  if (!events) return from(events.error());
  if (!invocations) return from(invocations.error());
  if (!allowed) return from(allowed.error());
  auto prepared = prepare(request);
  if (!prepared) return prepared.error();

  Interrupted left;
  left.input = std::move(request.input);
  RunConfig& config = prepared->config;
  for (const std::string& tool : *allowed) config.ask_before.erase(tool);
  for (const memory::Item& item : *items) (item.response_id == record.id ? left.kept : config.history).push_back(stored(item));
  for (const memory::Event& event : *events) left.events.push_back({event.type, event.data});
  for (const memory::ToolInvocation& call : *invocations) {
    const tools::Tool* tool = tools_.find(call.tool);
    const bool finished = call.status == "done" || call.status == "error";
    const bool again = call.status == "intent" && tool && tool->spec().traits.idempotent;
    left.calls[call.id] = {finished, call.status == "error", call.result, again};
  }
  config.response_id = record.id;
  config.conversation_id = record.conversation_id;
  config.parent_id = record.parent_id;
  const bool hopeless = record.attempts > kMaxCrashes;
  auto loop = std::make_shared<RunHandle::Loop>(RunParts{generator_, tools_, journal_, clock_}, std::move(config), std::move(record),
                                                std::move(*conversation), std::move(observer));
  loop->resume(
      std::move(left),
      hopeless ? "this run was under way when Baton was killed, " + std::to_string(kMaxCrashes) + " times; it is not tried again" : "");
  return std::unique_ptr<RunHandle>(new RunHandle(std::move(loop)));
}

Result<void> Agent::check_idle(const std::string& conversation_id) const {
  const auto responses = journal_.responses(conversation_id);
  if (!responses) return from(responses.error());
  for (const memory::Response& response : *responses) {
    if (response.status == "in_progress" || response.status == "queued") {
      return Error{errc::busy,
                   "conversation " + conversation_id + " has a run under way (" + response.id + "): wait for its end, or cancel it"};
    }
  }
  return {};
}

// Fills in what was said before.
Result<memory::Conversation> Agent::find_conversation(const RunRequest& request, RunConfig& config) {
  if (request.conversation_id.empty() && request.previous_response_id.empty()) {
    memory::Conversation fresh;
    fresh.id = memory::new_id("conv_");
    return fresh;
  }
  Result<memory::Conversation> conversation = request.previous_response_id.empty() ? [&]() -> Result<memory::Conversation> {
    auto found = journal_.conversation(request.conversation_id);
    if (!found) return from(found.error());
    if (const Result<void> idle = check_idle(found->id); !idle) return idle.error();
    const auto responses = journal_.responses(found->id);
    if (!responses) return from(responses.error());
    if (!responses->empty()) config.parent_id = responses->back().id;
    return std::move(*found);
  }()
      : continue_response(request, config);
  if (!conversation) return conversation.error();
  if (const Result<void> restored = keep_cut_items(journal_, conversation->id); !restored) return restored.error();
  const auto items = journal_.items(conversation->id);
  if (!items) return from(items.error());
  for (const memory::Item& item : *items) config.history.push_back(stored(item));
  return conversation;
}

Result<memory::Conversation> Agent::continue_response(const RunRequest& request, RunConfig& config) {
  const auto previous = journal_.response(request.previous_response_id);
  if (!previous) return from(previous.error());
  if (previous->status == "in_progress" || previous->status == "queued")
    return Error{errc::busy, "response " + previous->id + " is still under way: wait for its end, cancel it, or steer it"};
  config.parent_id = previous->id;
  const auto responses = journal_.responses(previous->conversation_id);
  if (!responses) return from(responses.error());
  const auto items = journal_.items(previous->conversation_id);
  if (!items) return from(items.error());
  const bool last = responses->back().id == previous->id && (items->empty() || items->back().response_id == previous->id);
  if (last && request.store) {
    auto conversation = journal_.conversation(previous->conversation_id);
    if (!conversation) return from(conversation.error());
    return std::move(*conversation);
  }
  if (const Result<void> restored = keep_cut_items(journal_, previous->conversation_id); !restored) return restored.error();
  const auto own = journal_.items_of_response(previous->id);
  if (!own) return from(own.error());
  if (own->empty()) return Error{errc::not_found, "response " + previous->id + " has no items to go on from"};
  auto fork = journal_.fork(previous->conversation_id, own->back().id);
  if (!fork) return from(fork.error());
  return std::move(*fork);
}

}  // namespace baton::agent
