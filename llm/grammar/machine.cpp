#include "machine.h"

#include <algorithm>
#include <set>
#include <utility>

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
  counts_ = std::any_of(automaton.nodes().begin(), automaton.nodes().end(), [](const Node& node) {
    return std::any_of(node.edges.begin(), node.edges.end(), [](const Edge& edge) { return edge.at_least > 0 || edge.below >= 0; });
  });
  if (counts_) find_rules_that_end();
  follow({start, 0, -1});
  start_ = intern();
}

// A rule that calls itself ends only if it has an alternative. A rule that reached a call of a rule not known to end is checked again once
// that rule is found to end. The rules created last are the innermost, and are checked first.
void Machine::find_rules_that_end() {
  std::set<NodeId> rules;
  for (const Node& node : automaton_.nodes()) {
    for (const Edge& edge : node.edges) {
      if (edge.kind == Edge::Kind::call) rules.insert(edge.callee);
    }
  }
  std::vector<NodeId> waiting(rules.begin(), rules.end());
  std::unordered_map<NodeId, std::unordered_set<NodeId>> stopped_at;  // by callee
  while (!waiting.empty()) {
    const NodeId rule = waiting.back();
    waiting.pop_back();
    if (rules_that_end_.contains(rule)) continue;
    std::unordered_set<NodeId> calls;
    if (!reaches_end(rule, calls)) {
      for (const NodeId callee : calls) stopped_at[callee].insert(rule);
      continue;
    }
    rules_that_end_.insert(rule);
    const std::unordered_set<NodeId> again = std::move(stopped_at[rule]);
    stopped_at.erase(rule);
    waiting.insert(waiting.end(), again.begin(), again.end());
  }
}

// From a rule's beginning, through rules that are known to end; the calls of others are added to `stopped_at`. Breadth first, because with
// a high maximum there are many long ways.
bool Machine::reaches_end(NodeId rule, std::unordered_set<NodeId>& stopped_at) const {
  std::vector<std::pair<NodeId, std::int32_t>> waiting{{rule, 0}};
  std::unordered_set<std::uint64_t> met{key(rule, 0)};
  for (std::size_t i = 0; i < waiting.size(); ++i) {
    const auto [at, at_count] = waiting[i];
    const Node& node = automaton_.nodes()[static_cast<std::size_t>(at)];
    if (node.final) return true;
    for (const Edge& edge : node.edges) {
      std::int32_t count = at_count;
      if (!pass(edge, count)) continue;
      if (edge.kind == Edge::Kind::call && !rules_that_end_.contains(edge.callee)) {
        stopped_at.insert(edge.callee);
      } else if (met.insert(key(edge.target, count)).second) {
        waiting.emplace_back(edge.target, count);
      }
    }
  }
  return false;
}

std::string Machine::next_bytes(StateId from, std::size_t limit) {
  constexpr std::size_t kFewThreads = 64;
  const std::vector<ThreadId> threads = threads_of(from);  // a copy, because a step may create states
  if (threads.size() > kFewThreads) return {};
  std::string out;
  for (const ThreadId id : threads) {
    for (const Edge& edge : node(id).edges) {
      if (edge.kind != Edge::Kind::byte) continue;
      for (unsigned c = edge.lo; c <= edge.hi; ++c) {
        const char byte = static_cast<char>(c);
        if (out.find(byte) != std::string::npos || step(from, static_cast<std::uint8_t>(c)) == kDeadState) continue;
        if (out.size() == limit) return {};
        out += byte;
      }
    }
  }
  return out;
}

StateId Machine::state_of(Thread thread) {
  if (exhausted_) return kDeadState;
  follow(thread);
  return intern();
}

bool Machine::pass(const Edge& edge, std::int32_t& count) const {
  if (count < edge.at_least || (edge.below >= 0 && count >= edge.below)) return false;
  if (edge.adds) count = std::min(count + 1, edge.saturate);
  return true;
}

std::uint64_t Machine::key(NodeId node, std::int32_t count) {
  return static_cast<std::uint64_t>(static_cast<std::uint32_t>(node)) << 32 | static_cast<std::uint32_t>(count);
}

// Whether the end of the rule can be reached from here, treating the rules that it calls as a single step. Intermediate results are kept,
// so that each pair is visited once.
bool Machine::can_end(NodeId first, std::int32_t first_count) {
  if (const auto known = ends_.find(key(first, first_count)); known != ends_.end()) return known->second;
  struct Place {
    NodeId node;
    std::int32_t count;
    std::size_t edge;
  };
  std::vector<Place> way{{first, first_count, 0}};
  std::vector<std::uint64_t> met{key(first, first_count)};
  ends_[met.front()] = false;  // until a better result is known
  bool found = false;
  while (!way.empty() && !found) {
    Place& at = way.back();
    const Node& node = automaton_.nodes()[static_cast<std::size_t>(at.node)];
    if (node.final) {
      found = true;
      break;
    }
    if (at.edge == node.edges.size()) {
      way.pop_back();
      continue;
    }
    const Edge& edge = node.edges[at.edge++];
    std::int32_t count = at.count;
    if (!pass(edge, count)) continue;
    if (edge.kind == Edge::Kind::call && !rules_that_end_.contains(edge.callee)) continue;
    const std::uint64_t to = key(edge.target, count);
    const auto known = ends_.find(to);
    if (known != ends_.end() && known->second) found = true;
    if (known != ends_.end()) continue;
    ends_[to] = false;
    met.push_back(to);
    way.push_back({edge.target, count, 0});
  }
  if (!found) return false;
  for (const Place& place : way) ends_[key(place.node, place.count)] = true;
  // A pair off the path was not searched to its end when the search stopped, or only through open places: its result is unknown.
  for (const std::uint64_t one : met) {
    if (!ends_[one]) ends_.erase(one);
  }
  return true;
}

StateId Machine::take(StateId from, std::uint8_t byte) {
  if (exhausted_) return kDeadState;
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
    if (counts_ && !can_end(at.node, at.count)) continue;
    if (!see(at)) continue;
    if (std::max(seen_.size(), seen_many_.size()) > kMaxThreads) {
      exhausted_ = true;
      return;
    }
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
      // A frame that would only lead on to the rule's end is omitted, so that lists written as recursion do not grow a stack.
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

// Comparing with the usual few is faster than a hash.
bool Machine::see(const Thread& thread) {
  constexpr std::size_t kFew = 48;
  if (seen_.size() < kFew) {
    if (std::find(seen_.begin(), seen_.end(), thread) != seen_.end()) return false;
    seen_.push_back(thread);
    return true;
  }
  if (seen_many_.empty()) seen_many_.insert(seen_.begin(), seen_.end());
  return seen_many_.insert(thread).second;
}

StateId Machine::intern() {
  seen_.clear();
  if (!seen_many_.empty()) seen_many_.clear();
  std::vector<ThreadId> key = std::move(open_);
  open_.clear();
  const bool accepts = accepts_;
  accepts_ = false;
  if (key.empty() && !accepts) return kDeadState;
  std::sort(key.begin(), key.end());
  key.erase(std::unique(key.begin(), key.end()), key.end());
  State state{key, accepts};
  if (accepts) key.push_back(-1);
  const bool fits = states_.size() < kMaxStates && n_all_threads_ + key.size() <= kMaxAllThreads;
  if (!fits && !state_ids_.contains(key)) {
    exhausted_ = true;
    return kDeadState;
  }
  const auto [at, fresh] = state_ids_.try_emplace(std::move(key), static_cast<StateId>(states_.size()));
  if (fresh) {
    n_all_threads_ += state.threads.size();
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
