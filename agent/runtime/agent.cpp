#include "agent.h"

#include <baton/agent/core/items.h>
#include <baton/llm/json_schema/json_schema.h>

#include <algorithm>

#include "run_loop.h"

namespace baton::agent {
namespace {

constexpr std::size_t kTitleBytes = 80;

std::string title_of(const std::string& text) {
  std::string title = text.substr(0, text.find('\n'));
  if (title.size() <= kTitleBytes) return title;
  std::size_t end = kTitleBytes;
  while (end > 0 && (static_cast<unsigned char>(title[end]) & 0xc0) == 0x80) --end;  // never inside a character
  return title.substr(0, end) + "…";
}

Result<std::vector<llm::ToolSpec>> offered_tools(const tools::ToolSet& set, const RunRequest& request) {
  std::vector<llm::ToolSpec> specs;
  for (const tools::ToolSpec* spec : set.specs()) {
    const bool named = std::find(request.tools.begin(), request.tools.end(), spec->name) != request.tools.end();
    if (request.all_tools || named) specs.push_back({spec->name, spec->description, spec->parameters});
  }
  for (const std::string& name : request.tools) {
    if (!set.find(name)) return Error{errc::not_found, "there is no tool '" + name + "': `baton tools` lists those there are"};
  }
  return specs;
}

Result<std::map<std::string, llm::Schema>> read_schemas(const std::vector<llm::ToolSpec>& specs) {
  std::map<std::string, llm::Schema> schemas;
  for (const llm::ToolSpec& spec : specs) {
    auto schema = llm::Schema::parse(spec.parameters);
    if (!schema) return Error{errc::invalid_argument, "tool '" + spec.name + "': " + schema.error().message};
    schemas.emplace(spec.name, std::move(*schema));
  }
  return schemas;
}

Error from(const memory::Error& error) {
  return {error.code == memory::errc::not_found ? errc::not_found : errc::io, error.message};
}

Json request_json(const RunRequest& request, const std::vector<llm::ToolSpec>& specs) {
  Json tools = Json::array();
  for (const llm::ToolSpec& spec : specs) {
    tools.push_back({{"type", "function"}, {"name", spec.name}, {"description", spec.description}, {"parameters", spec.parameters}});
  }
  return {{"instructions", request.instructions},
          {"tools", std::move(tools)},
          {"max_output_tokens", request.max_output_tokens},
          {"temperature", request.sampling.temperature},
          {"top_p", request.sampling.top_p},
          {"seed", request.sampling.seed},
          {"max_turns", request.budgets.max_turns},
          {"max_tool_calls", request.budgets.max_tool_calls}};
}

}  // namespace

RunHandle::RunHandle(std::shared_ptr<Loop> loop) : loop_(std::move(loop)) {}

RunHandle::~RunHandle() {
  cancel();
  loop_->wait();
}

const RunOutcome& RunHandle::wait() { return loop_->wait(); }
void RunHandle::cancel() { loop_->push(CancelAsked{}); }
void RunHandle::send(std::string user_text, Delivery delivery) { loop_->push(UserSaid{std::move(user_text), delivery == Delivery::interrupt}); }
const std::string& RunHandle::response_id() const { return loop_->outcome().response_id; }
const std::string& RunHandle::conversation_id() const { return loop_->outcome().conversation_id; }

Agent::Agent(Generator& generator, tools::ToolSet& tools, memory::Journal& journal, const Clock& clock)
    : generator_(generator), tools_(tools), journal_(journal), clock_(clock) {}

Result<std::unique_ptr<RunHandle>> Agent::start(RunRequest request, RunObserver observer) {
  auto specs = offered_tools(tools_, request);
  if (!specs) return specs.error();
  auto schemas = read_schemas(*specs);
  if (!schemas) return schemas.error();

  RunConfig config;
  memory::Conversation conversation;
  const bool is_new = request.conversation_id.empty();
  if (is_new) {
    conversation.id = memory::new_id("conv_");
    conversation.title = title_of(request.user_text);
    conversation.created_ms = clock_.now_ms();
  } else {
    auto found = journal_.conversation(request.conversation_id);
    if (!found) return from(found.error());
    conversation = std::move(*found);
    const auto items = journal_.items(conversation.id);
    if (!items) return from(items.error());
    std::vector<StoredItem> stored;
    for (const memory::Item& item : *items) {
      stored.push_back({item.response_id, item.content, {item.raw_tokens, item.model_sha256, item.template_sha256}});
    }
    config.history = messages_from_items(stored);
    const auto responses = journal_.responses(conversation.id);
    if (!responses) return from(responses.error());
    if (!responses->empty()) config.parent_id = responses->back().id;
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

  config.response_id = record.id;
  config.conversation_id = conversation.id;
  config.model = record.model;
  config.instructions = request.instructions;
  config.tools = std::move(*specs);
  config.tool_choice = request.tool_choice;
  config.parallel_tool_calls = request.parallel_tool_calls;
  config.sampling = request.sampling;
  config.max_output_tokens = request.max_output_tokens;
  config.history_form = request.history_form;
  config.after_tools = request.after_tools;
  config.budgets = request.budgets;
  config.new_id = memory::new_id;

  auto loop = std::make_shared<RunHandle::Loop>(RunParts{generator_, tools_, journal_, clock_}, std::move(config), std::move(record),
                                                std::move(conversation), is_new, std::move(*schemas), std::move(observer));
  loop->start(std::move(request.user_text));
  return std::unique_ptr<RunHandle>(new RunHandle(std::move(loop)));
}

}  // namespace baton::agent
