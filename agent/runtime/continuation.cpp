#include "continuation.h"

#include <baton/memory/response_end.h>

#include <algorithm>
#include <set>

#include "journal_error.h"
#include "restore.h"

namespace baton::agent {
namespace {

bool is_open(const memory::ResponseHead& response) { return memory::is_open_status(response.status); }

// A process that ended may have shown items of such a response that are not kept yet.
bool may_be_cut(const memory::ResponseHead& response) { return response.reason == "interrupted" || response.status == "failed"; }

using Reader = memory::Result<memory::Thread> (memory::Journal::*)(const std::string&) const;

Result<memory::Thread> read_thread(memory::Journal& journal, Reader read, const std::string& id) {
  auto thread = (journal.*read)(id);
  if (!thread) return from_journal(thread.error());
  if (std::none_of(thread->responses.begin(), thread->responses.end(), may_be_cut)) return std::move(*thread);
  const Result<bool> kept = keep_cut_items(journal, thread->conversation.id);
  if (!kept) return kept.error();
  if (!*kept) return std::move(*thread);
  thread = (journal.*read)(id);
  if (!thread) return from_journal(thread.error());
  return std::move(*thread);
}

StoredItem stored(memory::Item& item) {
  return {item.response_id, std::move(item.content), {std::move(item.raw_tokens), item.model_sha256, item.template_sha256}};
}

Result<Continuation> in_conversation(memory::Journal& journal, const std::string& id) {
  auto thread = read_thread(journal, &memory::Journal::thread, id);
  if (!thread) return thread.error();
  if (thread->conversation.temporary) return Error{errc::not_found, "there is no conversation '" + id + "'"};
  const auto busy = std::find_if(thread->responses.begin(), thread->responses.end(), is_open);
  if (busy != thread->responses.end())
    return Error{errc::busy, "conversation " + id + " has a run under way (" + busy->id + "): wait for its end, or cancel it"};
  Continuation found;
  if (!thread->responses.empty()) found.parent_id = thread->responses.back().id;
  for (memory::Item& item : thread->items) found.history.push_back(stored(item));
  found.conversation = std::move(thread->conversation);
  found.allowed_tools = std::move(thread->allowed_tools);
  return found;
}

memory::Conversation copy_of(const memory::Conversation& conversation, bool temporary) {
  memory::Conversation copy;
  copy.id = memory::new_id("conv_");
  copy.title = conversation.title;
  copy.metadata = {{"baton.forked_from", conversation.id}};
  copy.temporary = temporary;
  return copy;
}

// The messages that were sent to a response that had ended, or was ending: the first response that continues it takes them.
Result<std::vector<Json>> steering_of(memory::Journal& journal, const memory::Thread& thread, const std::string& response_id) {
  std::vector<Json> input;
  const auto continues = [&](const memory::ResponseHead& r) { return r.parent_id == response_id; };
  if (std::any_of(thread.responses.begin(), thread.responses.end(), continues)) return input;
  const auto accepted = journal.events_of_type(response_id, "response.steer.accepted");
  if (!accepted) return from_journal(accepted.error());
  for (const memory::Event& event : *accepted) {
    if (!event.data.contains("baton.input")) continue;
    for (const Json& item : event.data["baton.input"]) input.push_back(item);
  }
  return input;
}

// The number of the conversation's items that a client sees who continues this response: all up to the response's own last one. A warm-up
// without input has no items of its own; the items after it belong to the responses that follow.
std::size_t items_seen_by(const memory::Thread& thread, const memory::ResponseHead& response) {
  const auto& items = thread.items;
  const auto own = std::find_if(items.rbegin(), items.rend(), [&](const memory::Item& item) { return item.response_id == response.id; });
  if (own != items.rend()) return static_cast<std::size_t>(own.base() - items.begin());
  std::set<std::string> later;
  for (auto r = thread.responses.rbegin(); r != thread.responses.rend() && r->id != response.id; ++r) later.insert(r->id);
  const auto next = std::find_if(items.begin(), items.end(), [&](const memory::Item& item) { return later.contains(item.response_id); });
  return static_cast<std::size_t>(next - items.begin());
}

Result<Continuation> after_response(memory::Journal& journal, const RunRequest& request) {
  const std::string& id = request.previous_response_id;
  const auto not_found = [&](const std::string& why) {
    return Error{errc::previous_not_found,
                 "previous_response_id: response '" + id + "' " + why + "; send the conversation as input instead"};
  };
  auto thread = read_thread(journal, &memory::Journal::thread_of, id);
  if (!thread) return thread.error().code == errc::not_found ? not_found("does not exist") : thread.error();
  if (thread->conversation.temporary && !request.continues_unstored) return not_found("was not stored");
  const auto previous =
      std::find_if(thread->responses.begin(), thread->responses.end(), [&](const memory::ResponseHead& r) { return r.id == id; });
  if (previous == thread->responses.end()) return not_found("does not exist");
  if (is_open(*previous)) return Error{errc::busy, "response " + id + " is still under way: wait for its end, cancel it, or steer it"};

  Continuation found;
  found.parent_id = id;
  auto steering = steering_of(journal, *thread, id);
  if (!steering) return steering.error();
  found.steering = std::move(*steering);
  std::vector<memory::Item>& items = thread->items;
  const std::size_t n_seen = items_seen_by(*thread, *previous);
  const bool last = previous + 1 == thread->responses.end() && n_seen == items.size();
  if (last && request.storage == Storage::stored && !thread->conversation.temporary) {
    found.conversation = std::move(thread->conversation);
    found.allowed_tools = std::move(thread->allowed_tools);
  } else {
    items.resize(n_seen);
    found.conversation = copy_of(thread->conversation, request.storage != Storage::stored);
    found.is_new = items.empty();
    if (!items.empty()) {
      found.copy_of = thread->conversation.id;
      found.last_item = items.back().id;
    }
  }
  for (memory::Item& item : items) found.history.push_back(stored(item));
  return found;
}

}  // namespace

void Continuation::put_into(memory::Batch& batch) const {
  if (!copy_of.empty()) {
    batch.fork(copy_of, last_item, conversation);
    return;
  }
  if (!is_new) batch.expect_idle(conversation.id, parent_id);
  // Changes that a client has made to it meanwhile are kept.
  if (is_new || titled) batch.put(conversation);
}

Result<Continuation> find_continuation(memory::Journal& journal, const RunRequest& request) {
  if (!request.previous_response_id.empty()) return after_response(journal, request);
  if (!request.conversation_id.empty()) return in_conversation(journal, request.conversation_id);
  Continuation fresh;
  fresh.conversation.id = memory::new_id("conv_");
  fresh.conversation.temporary = request.storage != Storage::stored;
  fresh.is_new = true;
  return fresh;
}

}  // namespace baton::agent
