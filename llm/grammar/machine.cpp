#include "machine.h"

#include <algorithm>

namespace baton::llm {

std::size_t Machine::Hash::mix(std::int32_t a, std::int32_t b, std::int32_t c) {
  std::uint64_t x = static_cast<std::uint32_t>(a);
  x = x * 0x9e3779b97f4a7c15ull + static_cast<std::uint32_t>(b);
  x = (x ^ (x >> 29)) * 0xbf58476d1ce4e5b9ull + static_cast<std::uint32_t>(c);
  return (x ^ (x >> 32)) * 0x94d049bb133111ebull;
}

std::size_t Machine::Hash::operator()(const std::vector<ThreadId>& threads) const {
  std::size_t hash = threads.size();
  for (const ThreadId id : threads) hash = mix(static_cast<std::int32_t>(hash), static_cast<std::int32_t>(hash >> 32), id);
  return hash;
}

Machine::Machine(const Automaton& automaton, NodeId start) : automaton_(automaton) {
  follow({start, 0, -1});
  start_ = intern();
}

StateId Machine::state_of(Thread thread) {
  follow(thread);
  return intern();
}

bool Machine::pass(const Edge& edge, std::int32_t& count) const {
  if (count < edge.at_least || (edge.below >= 0 && count >= edge.below)) return false;
  if (edge.adds) count = std::min(count + 1, edge.saturate);
  return true;
}

StateId Machine::take(StateId from, std::uint8_t byte) {
  for (const ThreadId id : states_[static_cast<std::size_t>(from)].threads) {
    const Thread at = thread(id);
    for (const Edge& edge : automaton_.nodes()[static_cast<std::size_t>(at.node)].edges) {
      if (edge.kind != Edge::Kind::byte || byte < edge.lo || byte > edge.hi) continue;
      std::int32_t count = at.count;
      if (pass(edge, count)) follow({edge.target, count, at.frame});
    }
  }
  const StateId to = intern();
  steps_[static_cast<std::size_t>(from) * 256 + byte] = to;
  return to;
}

void Machine::follow(Thread first) {
  std::vector<Thread> waiting{first};
  while (!waiting.empty()) {
    const Thread at = waiting.back();
    waiting.pop_back();
    if (std::find(seen_.begin(), seen_.end(), at) != seen_.end()) continue;
    seen_.push_back(at);
    const Node& node = automaton_.nodes()[static_cast<std::size_t>(at.node)];
    bool has_bytes = false;
    for (const Edge& edge : node.edges) {
      if (edge.kind == Edge::Kind::byte) {
        has_bytes = true;
        continue;
      }
      std::int32_t count = at.count;
      if (!pass(edge, count)) continue;
      if (edge.kind == Edge::Kind::empty) {
        waiting.push_back({edge.target, count, at.frame});
        continue;
      }
      // A frame that would only lead on to the rule's end is left out, so that lists written as recursion do not grow a stack.
      const Node& next = automaton_.nodes()[static_cast<std::size_t>(edge.target)];
      const bool last = next.final && next.edges.empty();
      waiting.push_back({edge.callee, 0, last ? at.frame : frame({edge.target, count, at.frame})});
    }
    if (node.final && at.frame < 0) accepts_ = true;
    if (node.final && at.frame >= 0) {
      const Frame& to = frames_[static_cast<std::size_t>(at.frame)];
      waiting.push_back({to.node, to.count, to.parent});
    }
    if (has_bytes) open_.push_back(intern(at));
  }
}

StateId Machine::intern() {
  seen_.clear();
  std::vector<ThreadId> key = std::move(open_);
  open_.clear();
  const bool accepts = accepts_;
  accepts_ = false;
  if (key.empty() && !accepts) return kDeadState;
  std::sort(key.begin(), key.end());
  key.erase(std::unique(key.begin(), key.end()), key.end());
  State state{key, accepts};
  if (accepts) key.push_back(-1);
  const auto [at, fresh] = state_ids_.try_emplace(std::move(key), static_cast<StateId>(states_.size()));
  if (fresh) {
    states_.push_back(std::move(state));
    steps_.resize(steps_.size() + 256, kUnknown);
  }
  return at->second;
}

ThreadId Machine::intern(const Thread& thread) {
  const auto [at, fresh] = thread_ids_.try_emplace(thread, static_cast<ThreadId>(threads_.size()));
  if (fresh) threads_.push_back(thread);
  return at->second;
}

std::int32_t Machine::frame(const Frame& wanted) {
  const auto [at, fresh] = frame_ids_.try_emplace(wanted, static_cast<std::int32_t>(frames_.size()));
  if (fresh) frames_.push_back(wanted);
  return at->second;
}

}  // namespace baton::llm
