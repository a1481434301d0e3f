#pragma once
// Runs an automaton over bytes. A state is a set of threads, each a node with its stack of frames. States, threads and frames are created
// once and numbered, so a step that was taken before is a look-up. A state describes the possible continuations, whatever was written
// before.
#include <cstdint>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "automaton.h"

namespace baton::llm {

using StateId = std::int32_t;
using ThreadId = std::int32_t;
constexpr StateId kDeadState = -1;

struct Thread {
  NodeId node = 0;
  std::int32_t count = 0;   // the counter of its frame
  std::int32_t frame = -1;  // where it continues at the rule's end; -1: nowhere
  bool operator==(const Thread&) const = default;
};

// Not thread-safe.
class Machine {
 public:
  // A grammar can be so ambiguous that its states grow with every byte. Beyond these limits, new steps are refused: see exhausted().
  static constexpr std::size_t kMaxStates = 200'000;        // 1 kB each
  static constexpr std::size_t kMaxThreads = 16'384;        // in one state
  static constexpr std::size_t kMaxAllThreads = 4'000'000;  // in all states together, 50 bytes each

  Machine(const Automaton& automaton, NodeId start);

  StateId start() const { return start_; }
  StateId step(StateId from, std::uint8_t byte) {  // kDeadState: this byte may not follow
    const StateId known = steps_[static_cast<std::size_t>(from) * 256 + byte];
    return known == kUnknown ? take(from, byte) : known;
  }
  // The bytes that may follow, if there are at most `limit` of them; empty: there are more, or none, or the computation would take long.
  std::string next_bytes(StateId from, std::size_t limit);
  bool accepts(StateId state) const { return states_[static_cast<std::size_t>(state)].accepts; }
  const std::vector<ThreadId>& threads_of(StateId state) const { return states_[static_cast<std::size_t>(state)].threads; }
  const Thread& thread(ThreadId id) const { return threads_[static_cast<std::size_t>(id)]; }
  const Node& node(ThreadId id) const { return automaton_.nodes()[static_cast<std::size_t>(thread(id).node)]; }
  StateId state_of(Thread thread);  // of this one thread
  std::size_t n_states() const { return states_.size(); }
  std::size_t n_threads() const { return threads_.size(); }
  bool exhausted() const { return exhausted_; }  // from now on, some possible continuations are missing

 private:
  static constexpr StateId kUnknown = -2;
  struct State {
    std::vector<ThreadId> threads;
    bool accepts = false;
  };
  struct Frame {
    NodeId node;
    std::int32_t count, parent;
    bool operator==(const Frame&) const = default;
  };
  struct Hash {
    std::size_t operator()(const Thread& t) const { return mix(t.node, t.count, t.frame); }
    std::size_t operator()(const Frame& f) const { return mix(f.node, f.count, f.parent); }
    std::size_t operator()(const std::vector<ThreadId>& threads) const;
    static std::size_t mix(std::int32_t a, std::int32_t b, std::int32_t c);
  };

  StateId take(StateId from, std::uint8_t byte);
  void follow(Thread thread);  // to the places where a byte comes next, into open_ and accepts_
  bool pass(const Edge& edge, std::int32_t& count) const;
  bool can_end(NodeId node, std::int32_t count);
  void find_rules_that_end();
  bool reaches_end(NodeId rule, std::unordered_set<NodeId>& stopped_at) const;
  static std::uint64_t key(NodeId node, std::int32_t count);
  StateId intern();  // open_ and accepts_
  ThreadId intern(const Thread& thread);
  std::int32_t frame(const Frame& frame);

  const Automaton& automaton_;
  std::vector<State> states_;
  std::vector<StateId> steps_;                                          // 256 a state
  std::unordered_map<std::vector<ThreadId>, StateId, Hash> state_ids_;  // the threads, and -1 at the end if it accepts
  std::vector<Thread> threads_;
  std::unordered_map<Thread, ThreadId, Hash> thread_ids_;
  std::vector<Frame> frames_;
  std::unordered_map<Frame, std::int32_t, Hash> frame_ids_;
  StateId start_ = 0;
  bool counts_;  // some edges depend on a counter: an end may be unreachable even if the network leads there
  std::unordered_map<std::uint64_t, bool> ends_;  // by node and counter
  std::unordered_set<NodeId> rules_that_end_;     // from their beginning; filled where counts_

  // Of the current step:
  bool see(const Thread& thread);  // for the first time
  std::vector<Thread> seen_;
  std::unordered_set<Thread, Hash> seen_many_;  // the same, once there are many
  std::vector<ThreadId> open_;
  bool accepts_ = false;
  bool exhausted_ = false;
  std::size_t n_all_threads_ = 0;
};

}  // namespace baton::llm
