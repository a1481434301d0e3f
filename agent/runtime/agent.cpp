#include "agent.h"

#include <baton/agent/core/items.h>
#include <baton/llm/json_schema/json_schema.h>
#include <baton/memory/response_end.h>
#include <baton/tools/text.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "continuation.h"
#include "journal_error.h"
#include "request.h"
#include "run_loop.h"
#include "text_length.h"

namespace baton::agent {
namespace {

// Another request may continue a conversation first; then the conversation is read again.
constexpr int kMaxOvertaken = 8;

// Reads the schemas of the daemon's own tools. A tool with an unreadable one is left out: it must not cost a run the others.
void keep_readable(std::vector<llm::ToolSpec>& specs) {
  std::erase_if(specs, [&](llm::ToolSpec& spec) {
    auto schema = llm::schema_of(spec);
    if (schema) {
      spec.schema = std::move(*schema);
    } else {
      spdlog::warn("the tool '{}' is not offered: its parameters: {}", spec.name, schema.error().message);
    }
    return !schema;
  });
}

// A client's own tool with an unreadable schema is refused by its name.
Result<void> read_schemas(std::vector<llm::ToolSpec>& specs) {
  for (llm::ToolSpec& spec : specs) {
    auto schema = llm::schema_of(spec);
    if (!schema) return Error{errc::invalid_argument, "tool '" + spec.name + "': " + schema.error().message};
    spec.schema = std::move(*schema);
  }
  return {};
}

bool holds_valid_utf8(const Json& json) {
  if (json.is_string()) return tools::is_valid_utf8(json.get_ref<const std::string&>());
  if (json.is_array()) return std::all_of(json.begin(), json.end(), holds_valid_utf8);
  if (!json.is_object()) return true;
  const auto& members = json.get_ref<const Json::object_t&>();
  return std::all_of(members.begin(), members.end(),
                     [](const auto& member) { return tools::is_valid_utf8(member.first) && holds_valid_utf8(member.second); });
}

// The journal must return exactly the text that the model read: bytes that are not UTF-8 would change.
void make_valid_utf8(RunRequest& request) {
  for (std::string* text : {&request.instructions, &request.after_tools}) *text = tools::valid_utf8(std::move(*text));
  for (Json& item : request.input) {
    if (!holds_valid_utf8(item)) item = Json::parse(to_text(item));
  }
}

std::string answered_message(const std::string& approval, const std::string& response_id) {
  return "the approval '" + approval + "' was answered before, by response " + response_id +
         ": an approval runs its call once; continue with previous_response_id " + response_id;
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

// The parts that do not depend on the conversation.
struct Agent::Prepared {
  RunConfig config;
  std::vector<llm::ToolSpec> specs;
};

Result<Agent::Prepared> Agent::prepare(const RunRequest& request) const {
  auto specs = offered_tools(*this, request);
  if (!specs) return specs.error();
  keep_readable(*specs);
  specs->insert(specs->end(), request.client_tools.begin(), request.client_tools.end());
  if (const Result<void> sound = check_request(request, *specs); !sound) return sound.error();
  if (const Result<void> read = read_schemas(*specs); !read) return read.error();
  auto made = config_from(request, *specs);
  if (!made) return made.error();
  RunConfig config = std::move(*made);
  for (const llm::ToolSpec& spec : *specs) {
    const tools::Tool* tool = tools_.find(spec.name);
    if (!tool || config.client_tools.contains(spec.name)) continue;
    const auto asked = request.permissions.find(spec.name);
    const Permission wanted = asked == request.permissions.end() ? Permission::allow : asked->second;
    if (stricter(permission(tool->spec()), wanted) != Permission::allow) config.ask_before.insert(spec.name);
  }
  config.approval_lifetime_ms = options_.approval_lifetime.count();
  std::map<std::string, llm::Schema> schemas;
  for (const llm::ToolSpec& spec : *specs) schemas.emplace(spec.name, *spec.schema);
  config.why_refused = [schemas = std::move(schemas)](const llm::ToolCall& call) -> std::optional<std::string> {
    const auto schema = schemas.find(call.name);
    if (schema == schemas.end()) return std::nullopt;
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
  if (!request.turn.sampling.seed) request.turn.sampling.seed = llm::draw_seed();
  if (!request.conversation_id.empty() && !request.previous_response_id.empty())
    return Error{errc::invalid_argument, "conversation and previous_response_id exclude each other: give only one"};
  if (!request.conversation_id.empty() && request.storage != Storage::stored)
    return Error{errc::invalid_argument, "store: false cannot be combined with a conversation, which keeps its items"};
  if (const Result<void> fits = check_text_lengths(request, generator_.facts()); !fits) return fits.error();
  const auto prepared = prepare(request);
  if (!prepared) return prepared.error();
  for (int attempt = 1;; ++attempt) {
    auto started = try_start(request, *prepared, observer);
    if (!started || *started) return started;
    if (attempt == kMaxOvertaken) return Error{errc::busy, "other requests keep continuing this conversation; try again in a moment"};
  }
}

Result<llm::ChatRequest> Agent::preview(RunRequest request) const {
  make_valid_utf8(request);
  auto prepared = prepare(request);
  if (!prepared) return prepared.error();
  auto found = find_continuation(journal_, request);
  if (!found) return found.error();
  if (const Result<void> fits = check_answers(found->history, request.input, clock_.now()); !fits) return fits.error();
  prepared->config.history = std::move(found->history);
  prepared->config.response_id = "resp_preview";
  Run run(std::move(prepared->config));
  Actions actions = run.start(std::move(request.input), clock_.now());
  for (Action& action : actions) {
    if (auto* generation = std::get_if<StartGeneration>(&action)) return std::move(generation->request);
  }
  if (run.finished()) return llm::ChatRequest{};  // the model would not be asked
  return Error{errc::invalid_argument, "tool calls run before the model reads its prompt, so the prompt's length is not known yet"};
}

// Returns null if another request has continued the conversation meanwhile.
Result<std::unique_ptr<RunHandle>> Agent::try_start(RunRequest& request, const Prepared& prepared, const RunObserver& observer) {
  auto found = find_continuation(journal_, request);
  if (!found) return found.error();
  if (found->steering.empty()) {
    if (const Result<void> asks = check_asks(request); !asks) return asks.error();
  }
  if (const Result<void> fits = check_answers(found->history, request.input, clock_.now()); !fits) return fits.error();
  const std::vector<std::string> approvals = answered_approvals(request.input);

  RunConfig config = prepared.config;
  config.history = std::move(found->history);
  config.parent_id = found->parent_id;
  config.response_id = request.response_id.empty() ? memory::new_id("resp_") : request.response_id;
  config.conversation_id = found->conversation.id;
  config.created_ms = clock_.now_ms();
  for (const std::string& tool : found->allowed_tools) config.ask_before.erase(tool);
  std::vector<Json> input = std::move(found->steering);
  input.insert(input.end(), request.input.begin(), request.input.end());
  memory::Conversation& conversation = found->conversation;

  memory::Response record;
  record.id = config.response_id;
  record.conversation_id = conversation.id;
  record.parent_id = config.parent_id;
  record.model = config.model;
  record.status = "in_progress";
  record.request = request_json(request, prepared.specs);
  record.request["input"] = input;
  record.metadata = request.metadata;
  record.durable = request.durable;
  record.created_ms = config.created_ms;
  memory::Batch batch;
  conversation.updated_ms = config.created_ms;
  found->titled = conversation.title.empty();
  if (found->titled) conversation.title = title_of(input);
  found->put_into(batch);
  batch.put(record);
  if (!request.key.empty()) batch.claim(request.key, record.id, request.fingerprint);
  for (const std::string& approval : approvals) batch.answer_approval(approval, record.id);
  for (const std::string& tool : remembered_tools(config.history, request.input)) {
    batch.allow_tool(conversation.id, tool);
    config.ask_before.erase(tool);
  }
  if (const auto kept = journal_.commit_and_wait(std::move(batch), memory::Durability::power); !kept) {
    if (kept.error().code == memory::errc::overtaken) return std::unique_ptr<RunHandle>();
    if (kept.error().code == memory::errc::not_found && !request.previous_response_id.empty())
      return Error{errc::previous_not_found, "previous_response_id: response '" + request.previous_response_id + "' was deleted just now"};
    for (const std::string& approval : approvals) {
      if (const auto by = journal_.approval_answer(approval); by && kept.error().code == memory::errc::exists)
        return Error{errc::answered, answered_message(approval, *by)};
    }
    return from_journal(kept.error());
  }

  auto loop =
      std::make_shared<RunHandle::Loop>(RunParts{generator_, tools_, journal_, clock_}, std::move(config), std::move(record), observer);
  loop->start(std::move(input));
  return std::unique_ptr<RunHandle>(new RunHandle(std::move(loop)));
}

Result<std::unique_ptr<RunHandle>> Agent::resume(const memory::Response& response, RunObserver observer) {
  Result<std::unique_ptr<RunHandle>> resumed = Error{errc::io, "it could not be read"};
  try {
    auto record = journal_.run_record(response.id);
    resumed = record ? continue_run(std::move(*record), std::move(observer)) : from_journal(record.error());
  } catch (const std::exception& e) {  // whatever it holds: the other runs continue
    resumed = Error{errc::io, std::string("it failed while it was being read (") + e.what() + ")"};
  }
  if (resumed) return resumed;
  const std::string reason = "this run was under way when Baton ended, and cannot be continued: " + resumed.error().message;
  memory::Response ended = response;
  ended.status = "failed";
  ended.reason = reason;
  const auto kept = journal_.commit_and_wait(memory::Batch().add(memory::failed_event(response.id, reason)).put(std::move(ended)),
                                             memory::Durability::power);
  if (!kept) return from_journal(kept.error());
  return resumed;
}

Result<std::unique_ptr<RunHandle>> Agent::continue_run(memory::RunRecord record, RunObserver observer) {
  memory::Response& response = record.response;
  RunRequest request = request_from_json(response.request);
  const auto offered = [&](const std::string& name) {
    const tools::Tool* tool = tools_.find(name);
    return tool && permission(tool->spec()) != Permission::deny;
  };
  std::erase_if(request.tools, [&](const std::string& name) { return !offered(name); });
  request.metadata = response.metadata;
  request.model = response.model;
  auto prepared = prepare(request);
  if (!prepared) return prepared.error();

  Interrupted left;
  left.input = std::move(request.input);
  RunConfig& config = prepared->config;
  for (const std::string& tool : record.allowed_tools) config.ask_before.erase(tool);
  for (memory::Item& item : record.items) {
    std::vector<StoredItem>& items = item.response_id == response.id ? left.kept : config.history;
    items.push_back({item.response_id, std::move(item.content), {std::move(item.raw_tokens), item.model_sha256, item.template_sha256}});
  }
  for (memory::Event& event : record.events) left.events.push_back({std::move(event.type), std::move(event.data)});
  for (const memory::ToolInvocation& call : record.invocations) {
    const bool finished = call.status == "done" || call.status == "error";
    const bool again = call.status == "intent" && offered(call.tool) && tools_.find(call.tool)->spec().traits.idempotent;
    left.calls[call.id] = {finished, call.status == "error", call.result, again};
  }
  config.response_id = response.id;
  config.conversation_id = response.conversation_id;
  config.parent_id = response.parent_id;
  config.spent_ms = response.spent_ms;
  config.created_ms = response.created_ms;
  auto loop = std::make_shared<RunHandle::Loop>(RunParts{generator_, tools_, journal_, clock_}, std::move(config), std::move(response),
                                                std::move(observer));
  loop->resume(std::move(left));
  return std::unique_ptr<RunHandle>(new RunHandle(std::move(loop)));
}

}  // namespace baton::agent
