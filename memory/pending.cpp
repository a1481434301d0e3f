#include "pending.h"

#include <algorithm>
#include <map>

namespace baton::memory {
namespace {

// A piece of streamed text or arguments: {"type": "response.output_text.delta", "delta": "...", ...}.
bool is_delta(const Event& event) {
  return event.type.size() > 6 && event.type.compare(event.type.size() - 6, 6, ".delta") == 0 && event.data.is_object() &&
         event.data.contains("delta") && event.data["delta"].is_string();
}

bool same_but_for_delta(const Event& a, const Event& b) {
  if (a.type != b.type || a.data.size() != b.data.size()) return false;
  return std::equal(a.data.items().begin(), a.data.items().end(), b.data.items().begin(),
                    [](const auto& x, const auto& y) { return x.key() == y.key() && (x.key() == "delta" || x.value() == y.value()); });
}

// The response, if the batch consists of deltas of one response. Such a batch can only fail together with its neighbours.
std::string delta_response(const std::vector<Write>& writes) {
  const std::string* response = nullptr;
  for (const Write& write : writes) {
    const Event* event = std::get_if<Event>(&write);
    if (!event || !is_delta(*event) || (response && *response != event->response_id)) return "";
    response = &event->response_id;
  }
  return response ? *response : "";
}

std::string& text_of(Event& event) { return event.data["delta"].get_ref<std::string&>(); }

bool join(Event& last, Event& next) {
  if (text_of(last).size() >= Pending::kMaxMergedBytes || !same_but_for_delta(last, next)) return false;
  text_of(last) += text_of(next);
  return true;
}

// Joins each delta with the one before it, the first one with `last`, where possible. Returns those that were not joined.
std::vector<Write> join_all(std::vector<Write>& from, Event* last) {
  std::vector<Write> rest;
  for (Write& write : from) {
    Event& event = std::get<Event>(write);
    if (last && join(*last, event)) continue;
    rest.push_back(std::move(write));
    last = &std::get<Event>(rest.back());
  }
  return rest;
}

}  // namespace

Pending::Pending(std::vector<Write> batch, Durability how, Journal::Committed done)
    : writes(std::move(batch)), durability(how), delta_of(delta_response(writes)) {
  waiters.push_back({0, std::move(done)});
}

bool Pending::take_in(Pending& later) {
  later.writes = join_all(later.writes, &std::get<Event>(writes.back()));
  if (!later.writes.empty()) return false;
  if (later.durability == Durability::power) durability = Durability::power;
  waiters.insert(waiters.end(), std::make_move_iterator(later.waiters.begin()), std::make_move_iterator(later.waiters.end()));
  return true;
}

void merge_deltas(std::deque<Pending>& group) {
  std::deque<Pending> merged;
  std::map<std::string, std::size_t> open;  // response -> the batch whose last event takes the next delta
  for (Pending& pending : group) {
    if (pending.delta_of.empty() || pending.waited_for) {
      if (!pending.writes.empty()) open.clear();  // keeps the order relative to items and other events
    } else if (const auto [target, fresh] = open.try_emplace(pending.delta_of, merged.size()); fresh) {
      pending.writes = join_all(pending.writes, nullptr);
    } else if (merged[target->second].take_in(pending)) {
      continue;
    } else {
      target->second = merged.size();
    }
    merged.push_back(std::move(pending));
  }
  group = std::move(merged);
}

}  // namespace baton::memory
