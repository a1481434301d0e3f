#include "agent.h"

#include <baton/agent/core/items.h>
#include <baton/llm/json_schema/json_schema.h>
#include <baton/tools/text.h>

#include <algorithm>

#include "request.h"
#include "restore.h"
#include "run_loop.h"

namespace baton::agent {
namespace {

Error from(const memory::Error& error) { return {error.code == memory::errc::not_found ? errc::not_found : errc::io, error.message}; }

Result<std::map<std::string, llm::Schema>> read_schemas(const std::vector<llm::ToolSpec>& specs) {
  std::map<std::string, llm::Schema> schemas;
  for (const llm::ToolSpec& spec : specs) {
    auto schema = llm::Schema::parse(spec.parameters);
    if (!schema) return Error{errc::invalid_argument, "tool '" + spec.name + "': " + schema.error().message};
    schemas.emplace(spec.name, std::move(*schema));
  }
  return schemas;
}

// What the journal gives back is what the model read: other bytes than UTF-8 would not come back.
void make_valid_utf8(RunRequest& request) {
  for (std::string* text : {&request.user_text, &request.instructions, &request.after_tools}) *text = tools::valid_utf8(std::move(*text));
}

}  // namespace

RunHandle::RunHandle(std::shared_ptr<Loop> loop) : loop_(std::move(loop)) {}

RunHandle::~RunHandle() {
  cancel();
  loop_->wait();
}

const RunOutcome& RunHandle::wait() { return loop_->wait(); }
void RunHandle::cancel() { loop_->push(CancelAsked{}); }
bool RunHandle::send(std::string user_text, Delivery delivery) {
  return loop_->push(UserSaid{tools::valid_utf8(std::move(user_text)), delivery == Delivery::interrupt});
}
const std::string& RunHandle::response_id() const { return loop_->outcome().response_id; }
const std::string& RunHandle::conversation_id() const { return loop_->outcome().conversation_id; }

Agent::Agent(Generator& generator, tools::ToolSet& tools, memory::Journal& journal, const Clock& clock)
    : generator_(generator), tools_(tools), journal_(journal), clock_(clock) {}

Result<std::unique_ptr<RunHandle>> Agent::start(RunRequest request, RunObserver observer) {
  make_valid_utf8(request);
  auto specs = offered_tools(tools_, request);
  if (!specs) return specs.error();
  if (const Result<void> sound = check_request(request, *specs); !sound) return sound.error();
  auto schemas = read_schemas(*specs);
  if (!schemas) return schemas.error();

  const std::scoped_lock lock(mutex_);
  RunConfig config = config_from(request, *specs);
  memory::Conversation conversation;
  if (request.conversation_id.empty()) {
    conversation.id = memory::new_id("conv_");
    conversation.title = title_of(request.user_text);
    conversation.created_ms = clock_.now_ms();
  } else {
    auto found = continue_conversation(request.conversation_id, config);
    if (!found) return found.error();
    conversation = std::move(*found);
  }
  conversation.updated_ms = clock_.now_ms();

  memory::Response record;
  record.id = memory::new_id("resp_");
  record.conversation_id = conversation.id;
  record.parent_id = config.parent_id;
  record.model = generator_.model_name();
  record.status = "in_progress";
  record.request = request_json(request, *specs);
  record.created_ms = clock_.now_ms();
  const auto kept = journal_.commit_and_wait(memory::Batch().put(conversation).put(record), memory::Durability::power);
  if (!kept) return from(kept.error());

  config.response_id = record.id;
  config.conversation_id = conversation.id;
  config.model = record.model;
  config.new_id = memory::new_id;
  auto loop = std::make_shared<RunHandle::Loop>(RunParts{generator_, tools_, journal_, clock_}, std::move(config), std::move(record),
                                                std::move(conversation), std::move(*schemas), std::move(observer));
  loop->start(std::move(request.user_text));
  return std::unique_ptr<RunHandle>(new RunHandle(std::move(loop)));
}

// Fills in what was said before.
Result<memory::Conversation> Agent::continue_conversation(const std::string& id, RunConfig& config) {
  auto conversation = journal_.conversation(id);
  if (!conversation) return from(conversation.error());
  const auto responses = journal_.responses(conversation->id);
  if (!responses) return from(responses.error());
  for (const memory::Response& response : *responses) {
    if (response.status == "in_progress" || response.status == "queued") {
      return Error{errc::invalid_argument,
                   "conversation " + conversation->id + " has a run under way (" + response.id + "): wait for its end, or cancel it"};
    }
  }
  if (!responses->empty()) config.parent_id = responses->back().id;
  if (const Result<void> restored = keep_cut_items(journal_, conversation->id); !restored) return restored.error();
  const auto items = journal_.items(conversation->id);
  if (!items) return from(items.error());
  std::vector<StoredItem> stored;
  for (const memory::Item& item : *items) {
    stored.push_back({item.response_id, item.content, {item.raw_tokens, item.model_sha256, item.template_sha256}});
  }
  config.history = messages_from_items(stored);
  return std::move(*conversation);
}

}  // namespace baton::agent
