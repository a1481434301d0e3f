#include "restore.h"

#include <baton/agent/core/items.h>
#include <baton/agent/core/shown_items.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "journal_error.h"

namespace baton::agent {
namespace {

// Returns null if the conversation does not need the item.
Json cut_call(const ShownItem& shown, const std::map<std::string, memory::ToolInvocation>& invocations) {
  if (!shown.arguments) return nullptr;
  CallItem call{.id = shown.id,
                .call_id = string_of(shown.item, "baton.call_id"),
                .name = string_of(shown.item, "name"),
                .arguments = *shown.arguments,
                .status = "failed",
                .turn = shown.item.value("baton.turn", 0)};
  const auto invocation = invocations.find(call.call_id);
  if (invocation == invocations.end()) {
    call.result = "not started: the run was interrupted";
  } else if (invocation->second.status == "done" || invocation->second.status == "error") {
    call.status = invocation->second.status == "done" ? "completed" : "failed";
    call.result = invocation->second.result;
  } else {
    call.result = kUnknownOutcome;
  }
  return call_item(call);
}

Json cut_item(const ShownItem& shown, const std::map<std::string, memory::ToolInvocation>& invocations) {
  const std::string type = string_of(shown.item, "type");
  if (type == "mcp_call") {
    if (!shown.done) return cut_call(shown, invocations);
    return string_of(shown.item, "status") == "incomplete" ? Json() : shown.item;
  }
  if (shown.done) return shown.item;
  if (shown.text.empty()) return nullptr;
  const int turn = shown.item.value("baton.turn", 0);
  if (type == "message") return assistant_message_item(shown.id, shown.text, turn, "incomplete");
  return type == "reasoning" ? reasoning_item(shown.id, shown.text, turn, "incomplete") : Json();
}

Result<bool> keep_cut_items_of(memory::Journal& journal, const std::string& conversation_id, const memory::ResponseHead& response,
                               const std::set<std::string>& kept) {
  const auto events = journal.events(response.id);
  if (!events) return from_journal(events.error());
  const auto invocations = journal.tool_invocations(response.id);
  if (!invocations) return from_journal(invocations.error());
  std::map<std::string, memory::ToolInvocation> by_call;
  for (const memory::ToolInvocation& invocation : *invocations) by_call.emplace(invocation.id, invocation);

  std::vector<EmitEvent> shown_events;
  for (const memory::Event& event : *events) shown_events.push_back({event.type, event.data});

  memory::Batch batch;
  bool any = false;
  for (const ShownItem& shown : shown_items(shown_events)) {
    if (shown.abandoned || kept.contains(shown.id)) continue;
    Json content = cut_item(shown, by_call);
    if (content.is_null()) continue;
    memory::Item item;
    item.id = shown.id;
    item.conversation_id = conversation_id;
    item.response_id = response.id;
    item.text = search_text(content);
    item.content = std::move(content);
    batch.add(std::move(item));
    any = true;
  }
  if (!any) return false;
  const auto committed = journal.commit_and_wait(std::move(batch), memory::Durability::power);
  // The item exists already: another thread has kept it at the same time.
  if (!committed && committed.error().code != memory::errc::invalid_argument) return from_journal(committed.error());
  return true;
}

}  // namespace

Result<bool> keep_cut_items(memory::Journal& journal, const std::string& conversation_id) {
  const auto thread = journal.thread(conversation_id);
  if (!thread) return from_journal(thread.error());
  std::set<std::string> kept;
  for (const memory::Item& item : thread->items) kept.insert(item.id);
  bool any = false;
  for (const memory::ResponseHead& response : thread->responses) {
    const bool interrupted = response.status == "incomplete" && response.reason == "interrupted";
    if (!interrupted && response.status != "failed") continue;
    const Result<bool> done = keep_cut_items_of(journal, thread->conversation.id, response, kept);
    if (!done) return done;
    any = any || *done;
  }
  return any;
}

}  // namespace baton::agent
