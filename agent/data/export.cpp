#include "export.h"

#include <baton/agent/core/items.h>

#include <algorithm>
#include <limits>

namespace baton::agent {
namespace {

const char* role_name(llm::Role role) {
  switch (role) {
    case llm::Role::system:
      return "system";
    case llm::Role::user:
      return "user";
    case llm::Role::assistant:
      return "assistant";
    case llm::Role::tool:
      return "tool";
  }
  return "";
}

Json message_json(const llm::Message& message, ExportFormat format) {
  Json out = {{"role", role_name(message.role)}, {"content", message.content}};
  if (message.role == llm::Role::tool) {
    out["tool_call_id"] = message.tool_call_id;
    out["name"] = message.name;
  }
  if (message.tool_calls.empty()) return out;
  out["tool_calls"] = Json::array();
  for (const llm::ToolCall& call : message.tool_calls) {
    Json arguments = call.arguments;
    if (format == ExportFormat::openai) arguments = call.arguments.dump();
    out["tool_calls"].push_back(
        {{"id", call.id}, {"type", "function"}, {"function", {{"name", call.name}, {"arguments", std::move(arguments)}}}});
  }
  return out;
}

// The journal keeps a tool flat, as the Responses protocol has it; training formats nest it.
Json tools_json(const Json& request) {
  Json tools = Json::array();
  if (!request.contains("tools")) return tools;
  for (const Json& tool : request["tools"]) {
    tools.push_back({{"type", "function"},
                     {"function",
                      {{"name", tool.value("name", "")},
                       {"description", tool.value("description", "")},
                       {"parameters", tool.value("parameters", Json::object())}}}});
  }
  return tools;
}

// Empty when the conversation can be exported.
std::string reason_to_skip(const std::vector<memory::Response>& responses, const std::vector<llm::Message>& messages,
                           bool only_with_calls) {
  if (responses.empty()) return "holds no run";
  for (const memory::Response& response : responses) {
    if (response.status != "completed") return "a run is " + response.status;
  }
  const bool calls = std::any_of(messages.begin(), messages.end(), [](const llm::Message& m) { return !m.tool_calls.empty(); });
  return only_with_calls && !calls ? "no tool call" : "";
}

}  // namespace

Result<ExportReport> export_runs(const memory::Journal& journal, const ExportOptions& options, std::ostream& out) {
  std::vector<memory::Conversation> conversations;
  if (options.conversations.empty()) {
    auto all = journal.conversations(std::numeric_limits<int>::max());
    if (!all) return Error{errc::io, all.error().message};
    conversations = std::move(*all);
    std::reverse(conversations.begin(), conversations.end());  // the oldest first: a longer journal only adds lines
  }
  for (const std::string& id : options.conversations) {
    auto one = journal.conversation(id);
    if (!one) return Error{errc::not_found, one.error().message};
    conversations.push_back(std::move(*one));
  }
  ExportReport report;
  for (const memory::Conversation& conversation : conversations) {
    const auto responses = journal.responses(conversation.id);
    const auto items = journal.items(conversation.id);
    if (!responses) return Error{errc::io, responses.error().message};
    if (!items) return Error{errc::io, items.error().message};
    std::vector<StoredItem> stored;
    for (const memory::Item& item : *items) stored.push_back({item.response_id, item.content, {}});
    const std::vector<llm::Message> messages = messages_from_items(stored);
    if (const std::string reason = reason_to_skip(*responses, messages, options.only_with_calls); !reason.empty()) {
      ++report.skipped[reason];
      continue;
    }
    const Json& request = responses->back().request;
    Json record = {{"messages", Json::array()}};
    const std::string instructions = request.value("instructions", "");
    if (!instructions.empty()) record["messages"].push_back({{"role", "system"}, {"content", instructions}});
    for (const llm::Message& message : messages) record["messages"].push_back(message_json(message, options.format));
    record["tools"] = tools_json(request);
    if (options.format == ExportFormat::trl) record["tools"] = record["tools"].dump();
    out << record.dump(-1, ' ', false, Json::error_handler_t::replace) << '\n';
    ++report.exported;
  }
  if (!out.flush()) return Error{errc::io, "the records could not be written: is the disk full?"};
  return report;
}

}  // namespace baton::agent
