#pragma once
// A grammar as a network of nodes joined by bytes: a recursive transition network (Woods 1970). Rules are entered by call edges and left at
// final nodes; a frame remembers where to continue. Each frame has one counter, for lengths and numbers of items.
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace baton::llm {

using NodeId = std::int32_t;

struct Edge {
  enum class Kind : std::uint8_t {
    byte,   // one byte of lo..hi is written
    empty,  // nothing is written
    call,   // the rule at `callee` is written, then the text continues at `target`
  } kind = Kind::empty;
  std::uint8_t lo = 0, hi = 0;
  bool adds = false;  // to the frame's counter: adds one, up to `saturate`
  std::int32_t saturate = 0;
  std::int32_t at_least = 0;  // open only if the counter has reached this
  std::int32_t below = -1;    // open only if the counter is below this; -1: always
  NodeId target = 0;
  NodeId callee = 0;
};

struct Node {
  std::vector<Edge> edges;
  bool final = false;        // the rule may end here
  bool string_body = false;  // between the characters of a JSON string: see TokenTrie
};

// The range of a counter.
struct Count {
  std::int32_t min = 0;
  std::int32_t max = -1;  // -1: no limit
  bool trivial() const { return min == 0 && max < 0; }
  std::int32_t saturate() const { return max < 0 ? min : max; }

  // An edge that adds one to the counter, and is open as long as there is room.
  Edge counted(Edge edge) const {
    if (trivial()) return edge;
    edge.adds = true;
    edge.saturate = saturate();
    edge.below = max;
    return edge;
  }
};

// Nodes are created from the end towards the beginning: each function takes the node where the text continues, and returns the node where
// it begins.
class Automaton {
 public:
  static constexpr std::size_t kMaxNodes = 400'000;  // of one grammar; whoever builds a larger one reports errc::too_large
  static constexpr NodeId kDead = 0;                 // a node without a way to the end

  Automaton() : nodes_(1) {}

  NodeId add();    // without edges
  NodeId final();  // a rule's end
  NodeId bytes(std::string_view text, NodeId next);
  NodeId any_of(const std::vector<NodeId>& ways);  // one of these
  // One of these texts; common prefixes are shared. `beside` is called for each of them, before its end is connected to `next`: with the
  // node at each of its places, of which the first `shared` + 1 exist already for the text before it.
  using Beside = std::function<void(const std::string& text, const std::vector<NodeId>& way, std::size_t shared)>;
  NodeId one_of(std::vector<std::string> texts, NodeId next, const Beside& beside = {});
  NodeId call(NodeId rule, NodeId next, const Count& count = {});  // counted in the calling frame

  void edge(NodeId from, Edge edge) { nodes_[from].edges.push_back(edge); }
  // enough() leads to `to` once the counter has reached `count.min`; room() does while there is room for one more.
  NodeId enough(const Count& count, NodeId to);
  NodeId room(const Count& count, NodeId to);

  void byte(NodeId from, unsigned lo, unsigned hi, NodeId to);
  void empty(NodeId from, NodeId to);
  Node& node(NodeId id) { return nodes_[id]; }

  const std::vector<Node>& nodes() const { return nodes_; }
  // Beyond kMaxNodes, or given up: the builder stops, and there is no mask.
  bool too_large() const { return nodes_.size() > kMaxNodes || !given_up_.empty(); }
  void give_up(std::string why) { given_up_ = std::move(why); }
  std::string why_too_large() const;  // "it needs more than 400000 nodes"

  // Removes every edge from which no end can be reached. False: nothing can be written from `start`.
  bool prune(NodeId start);

 private:
  std::vector<Node> nodes_;
  std::string given_up_;
};

}  // namespace baton::llm
