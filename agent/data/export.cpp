#include "export.h"

#include <baton/agent/core/items.h>

#include <algorithm>
#include <limits>
#include <set>
#include <utility>

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

Json call_json(const llm::ToolCall& call, ExportFormat format) {
  Json arguments = call.arguments;
  if (format == ExportFormat::openai) arguments = to_text(call.arguments);
  return {{"id", call.id}, {"type", "function"}, {"function", {{"name", call.name}, {"arguments", std::move(arguments)}}}};
}

Json message_json(const llm::Message& message, ExportFormat format) {
  const bool trl = format == ExportFormat::trl;
  Json out = {{"role", role_name(message.role)}, {"content", message.content}};
  if (trl && !message.reasoning.empty()) out["reasoning_content"] = message.reasoning;
  if (message.role == llm::Role::tool) {
    out["tool_call_id"] = message.tool_call_id;
    if (trl) out["name"] = message.name;  // some templates require it, OpenAI's format has no such field
  }
  for (const llm::ToolCall& call : message.tool_calls) out["tool_calls"].push_back(call_json(call, format));
  return out;
}

// All tools that the runs were offered, in the order of their first use. The journal keeps a tool flat, as the Responses protocol has it;
// training formats nest it.
Json tools_of(const std::vector<memory::Response>& runs) {
  Json tools = Json::array();
  std::set<std::string> names;
  for (const memory::Response& run : runs) {
    const auto offered = run.request.find("tools");
    if (offered == run.request.end() || !offered->is_array()) continue;
    for (const Json& tool : *offered) {
      if (!tool.is_object() || !names.insert(tool.value("name", "")).second) continue;
      tools.push_back({{"type", "function"},
                       {"function",
                        {{"name", tool.value("name", "")},
                         {"description", tool.value("description", "")},
                         {"parameters", tool.value("parameters", Json::object())}}}});
    }
  }
  return tools;
}

// Leaves out turns that no model should learn to write: a malformed call, and the hint about it.
std::vector<StoredItem> without_failed_attempts(std::vector<StoredItem> items) {
  std::vector<StoredItem> kept;
  for (StoredItem& item : items) {
    if (!item.content.is_object() || item.content.value("baton.from", "") != "runtime") {
      kept.push_back(std::move(item));
      continue;
    }
    const auto turn = [](const StoredItem& i) { return std::pair(i.response_id, i.content.value("baton.turn", 0)); };
    if (kept.empty() || turn(kept.back()).second == 0) continue;
    const auto failed = turn(kept.back());
    while (!kept.empty() && turn(kept.back()) == failed) kept.pop_back();
  }
  return kept;
}

struct Record {
  Json json;
  bool shortened = false;
  std::string skipped;  // the reason why there is none
};

Result<Record> record_of(const memory::Journal& journal, const memory::Conversation& conversation, const ExportOptions& options) {
  auto runs = journal.responses(conversation.id);
  if (!runs) return Error{errc::io, runs.error().message};
  const auto items = journal.items(conversation.id);
  if (!items) return Error{errc::io, items.error().message};
  Record record;
  if (runs->empty()) {
    record.skipped = "no run";
    return record;
  }
  const auto cut = std::find_if(runs->begin(), runs->end(), [](const memory::Response& r) { return r.status != "completed"; });
  if (cut == runs->begin()) {
    record.skipped = "its first run is " + cut->status + (cut->reason.empty() || cut->status == "failed" ? "" : ", " + cut->reason);
    return record;
  }
  record.shortened = cut != runs->end();
  runs->erase(cut, runs->end());

  std::set<std::string> ids;
  for (const memory::Response& run : *runs) ids.insert(run.id);
  std::vector<StoredItem> stored;
  for (const memory::Item& item : *items) {
    if (ids.contains(item.response_id)) stored.push_back({item.response_id, item.content, {}});
  }
  const std::vector<llm::Message> messages = messages_from_items(without_failed_attempts(std::move(stored)));
  const bool calls = std::any_of(messages.begin(), messages.end(), [](const llm::Message& m) { return !m.tool_calls.empty(); });
  if (options.only_with_calls && !calls) {
    record.skipped = "no tool call";
    return record;
  }
  record.json = {{"messages", Json::array()}};
  const std::string instructions = runs->back().request.value("instructions", "");
  if (!instructions.empty()) record.json["messages"].push_back({{"role", "system"}, {"content", instructions}});
  for (const llm::Message& message : messages) record.json["messages"].push_back(message_json(message, options.format));
  Json tools = tools_of(*runs);
  if (options.format == ExportFormat::trl) {
    record.json["tools"] = to_text(tools);
  } else if (!tools.empty()) {
    record.json["tools"] = std::move(tools);
  }
  return record;
}

Result<std::vector<memory::Conversation>> chosen_conversations(const memory::Journal& journal, const std::vector<std::string>& ids) {
  std::vector<memory::Conversation> chosen;
  if (ids.empty()) {
    auto all = journal.conversations(std::numeric_limits<int>::max());
    if (!all) return Error{errc::io, all.error().message};
    chosen = std::move(*all);
    // The oldest first: a longer journal only appends lines.
    std::sort(chosen.begin(), chosen.end(),
              [](const auto& a, const auto& b) { return std::pair(a.created_ms, a.id) < std::pair(b.created_ms, b.id); });
    return chosen;
  }
  std::set<std::string> seen;
  for (const std::string& id : ids) {
    auto one = journal.conversation(id);
    if (!one) return Error{one.error().code == memory::errc::not_found ? errc::not_found : errc::io, one.error().message};
    if (seen.insert(one->id).second) chosen.push_back(std::move(*one));
  }
  return chosen;
}

}  // namespace

Result<ExportReport> export_runs(const memory::Journal& journal, const ExportOptions& options, std::ostream& out) {
  const auto conversations = chosen_conversations(journal, options.conversations);
  if (!conversations) return conversations.error();
  ExportReport report;
  for (const memory::Conversation& conversation : *conversations) {
    const auto record = record_of(journal, conversation, options);
    if (!record) return record.error();
    if (!record->skipped.empty()) {
      ++report.skipped[record->skipped];
      continue;
    }
    out << to_text(record->json) << '\n';
    ++report.exported;
    report.shortened += record->shortened ? 1 : 0;
  }
  if (!out.flush()) return Error{errc::io, "the records could not be written: is the disk full?"};
  return report;
}

}  // namespace baton::agent
