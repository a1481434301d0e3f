// Continues a run from the point at which its process was killed.
#include <algorithm>
#include <set>
#include <utility>

#include "run.h"

namespace baton::agent {
namespace {

bool is_call(const Json& item) {
  const std::string type = string_of(item, "type");
  return type == "mcp_call" || type == "function_call" || type == "mcp_approval_request";
}

// True for the run's own output, false for messages of the user.
bool is_output(const Json& item) { return item.contains("baton.turn") && string_of(item, "baton.from") != "client"; }

// The model had ended its answer: its calls were being handled.
bool ends_a_turn(const ShownItem& shown) {
  if (!is_call(shown.item)) return false;
  return shown.started || shown.item.contains("approval_request_id") || (shown.done && string_of(shown.item, "type") != "mcp_call");
}

std::vector<Json> by_place(const std::vector<ShownItem>& shown) {
  std::vector<Json> items;
  for (const ShownItem& one : shown) {
    const auto place = static_cast<std::size_t>(std::max(one.output_index, 0));
    if (items.size() <= place) items.resize(place + 1);
    if (one.done && !one.abandoned) items[place] = one.item;
  }
  return items;
}

// The item, as far as it was written.
Json cut_short(const ShownItem& shown) {
  const std::string type = string_of(shown.item, "type");
  if (type == "message") return assistant_message_item(shown.id, shown.text, turn_of(shown.item), "incomplete");
  if (type == "reasoning") return reasoning_item(shown.id, shown.text, turn_of(shown.item), "incomplete");
  Json item = shown.item;
  item["status"] = "incomplete";
  return item;
}

}  // namespace

Actions Run::resume(const Interrupted& left, const Moment& now) {
  if (left.events.empty()) return start(left.input, now);  // killed before any output
  if (state_ != State::ready) return {};
  started_ = now;
  restore(left);
  output_.event("response.in_progress", {{"response", response_json("in_progress", now)}});
  if (current_.calls.empty()) {
    begin_turn(now);
  } else {
    start_calls(now);
  }
  return output_.take();
}

void Run::restore(const Interrupted& left) {
  const std::vector<ShownItem> shown = shown_items(left.events);
  steered_ = std::any_of(left.events.begin(), left.events.end(), [](const EmitEvent& e) { return e.type == "response.steer.accepted"; });
  output_.restore(by_place(shown));
  std::set<std::string> kept;
  std::vector<StoredItem> items = config_.history;
  for (const StoredItem& item : left.kept) {
    kept.insert(string_of(item.content, "id"));
    items.push_back(item);
    if (is_output(item.content)) turn_ = std::max(turn_, turn_of(item.content));
  }
  for (const ShownItem& one : shown) turn_ = std::max(turn_, turn_of(one.item));

  std::vector<ShownItem> open;  // of the last turn; the earlier ones are whole
  for (const ShownItem& one : shown) {
    if (!one.abandoned && !kept.contains(one.id) && turn_of(one.item) == turn_) open.push_back(one);
  }
  const bool ended = std::any_of(open.begin(), open.end(), ends_a_turn);
  if (ended) {
    std::erase_if(open, [](const ShownItem& one) { return !is_call(one.item); });
    for (const ShownItem& one : open) items.push_back({config_.response_id, one.item, {}});
  }
  recall(std::move(items));
  for (const StoredItem& item : left.kept) {
    if (string_of(item.content, "type") != "mcp_call") continue;
    const Json arguments = Json::parse(string_of(item.content, "arguments"), nullptr, false);
    remember_calls({{{string_of(item.content, "baton.call_id"), string_of(item.content, "name"), arguments},
                     {result_of_call_item(item.content), call_item_failed(item.content)}}},
                   false);
    ++n_calls_;
    called_ = called_ || left.calls.contains(string_of(item.content, "baton.call_id"));
  }
  state_ = State::calling;
  if (ended) return restore_calls(open, left);
  for (const ShownItem& one : open) abandon(one);
  if (!open.empty()) --turn_;  // the turn is written again
}

// The turn is written again, so the output will contain it once, in its new form.
void Run::abandon(const ShownItem& shown) {
  if (!shown.done) output_.done(shown.output_index, cut_short(shown));
  output_.abandon(shown.output_index, shown.id);
}

void Run::restore_calls(const std::vector<ShownItem>& open, const Interrupted& left) {
  for (const ShownItem& one : open) {
    const std::string type = string_of(one.item, "type");
    Call call;
    call.index = static_cast<int>(current_.calls.size());
    call.output_index = one.output_index;
    call.item = {.id = one.id,
                 .call_id = string_of(one.item, type == "function_call" ? "call_id" : "baton.call_id"),
                 .name = string_of(one.item, "name"),
                 .name_space = string_of(one.item, "namespace"),
                 .arguments = one.arguments.value_or(string_of(one.item, "arguments")),
                 .turn = turn_,
                 .approval_request_id = string_of(one.item, "approval_request_id")};
    Json known = one.item;
    name_as_model_does(known);
    call.call = {call.item.call_id, string_of(known, "name"), Json::parse(call.item.arguments, nullptr, false)};
    if (!call.call.arguments.is_object()) call.call.arguments = Json::object();
    call.phase = Call::Phase::written;
    const auto past = left.calls.find(call.item.call_id);
    called_ = called_ || type != "mcp_call" || past != left.calls.end();
    if (type == "function_call" || type == "mcp_approval_request") {
      call.item.kind = type == "function_call" ? CallItem::Kind::client : CallItem::Kind::approval;
      call.item.status = "completed";
      call.item.expires_at = one.item.value("baton.expires_at", std::int64_t{0});
      call.item.deadline_ms = one.item.value("baton.deadline_ms", std::int64_t{0});
      call.phase = Call::Phase::waiting;
    } else if (one.done) {
      call.phase = Call::Phase::answered;
      call.is_error = call_item_failed(one.item);
      call.item.status = call.is_error ? "failed" : "completed";
      call.item.result = result_of_call_item(one.item);
    } else if (past != left.calls.end() && past->second.finished) {
      call.counts = true;
      answer(call, {past->second.result, past->second.is_error});
    } else if (past != left.calls.end() && past->second.may_run_again) {
      call.counts = true;
      start_tool(call);
    } else if (past != left.calls.end()) {
      answer(call, {kUnknownOutcome, true});
    }
    current_.calls.push_back(std::move(call));
  }
}

}  // namespace baton::agent
