#include "message_queue.h"

#include <utility>

namespace baton::agent {
namespace {

constexpr std::size_t kMaxMerged = 16 * 1024;  // bytes of an event to which a delta is still added

bool is_same_item(const Json& a, const Json& b) {
  for (const char* field : {"type", "item_id", "content_index"}) {
    if (a.value(field, Json()) != b.value(field, Json())) return false;
  }
  return a.contains("delta") && b.contains("delta") && a["delta"].is_string() && b["delta"].is_string();
}

}  // namespace

std::shared_ptr<const std::string> with_stream_id(const std::shared_ptr<const std::string>& text, const std::string& stream_id) {
  if (stream_id.empty()) return text;
  std::string with = *text;
  with.pop_back();
  return std::make_shared<const std::string>(with + ",\"stream_id\":" + to_text(Json(stream_id)) + "}");
}

bool MessageQueue::add(Waiting& waiting, const OutgoingMessage& next) {
  if (!waiting.message.delta || !next.delta || waiting.message.stream_id != next.stream_id || waiting.bytes >= kMaxMerged) return false;
  const Json& last = waiting.merged.is_null() ? *waiting.message.delta : waiting.merged;
  if (!is_same_item(last, *next.delta)) return false;
  if (waiting.merged.is_null()) waiting.merged = last;
  const std::string& more = next.delta->at("delta").get_ref<const std::string&>();
  waiting.merged["delta"].get_ref<std::string&>() += more;
  waiting.merged["sequence_number"] = next.delta->at("sequence_number");
  waiting.bytes += more.size();
  if (const auto logprobs = next.delta->find("logprobs"); logprobs != next.delta->end() && logprobs->is_array() && !logprobs->empty()) {
    for (const Json& token : *logprobs) waiting.merged["logprobs"].push_back(token);
    waiting.bytes += next.text->size();
  }
  return true;
}

void MessageQueue::push(OutgoingMessage message) {
  const std::size_t mergeable_from = first_begun_ ? 1 : 0;
  if (waiting_.size() > mergeable_from) {
    const std::size_t before = waiting_.back().bytes;
    if (add(waiting_.back(), message)) {
      bytes_ += waiting_.back().bytes - before;
      return;
    }
  }
  const std::size_t bytes = message.text->size();
  bytes_ += bytes;
  waiting_.push_back({std::move(message), bytes});
}

std::shared_ptr<const std::string> MessageQueue::begin_first() {
  first_begun_ = true;
  Waiting& first = waiting_.front();
  if (!first.merged.is_null()) {
    first.message.text = with_stream_id(std::make_shared<const std::string>(to_text(first.merged)), first.message.stream_id);
    first.merged = nullptr;
  }
  return first.message.text;
}

void MessageQueue::pop() {
  bytes_ -= waiting_.front().bytes;
  waiting_.pop_front();
  first_begun_ = false;
}

}  // namespace baton::agent
