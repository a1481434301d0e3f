#pragma once
// A grammar as a network of nodes joined by bytes: a recursive transition network (Woods 1970). Rules are entered by call edges and left at
// final nodes; a frame remembers where to go on. Each frame has one counter, for lengths and numbers of items.
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
    call,   // the rule at `callee` is written, then it goes on at `target`
  } kind = Kind::empty;
  std::uint8_t lo = 0, hi = 0;
  bool adds = false;  // one to the frame's counter, which stays at `saturate` from there on
  std::int32_t saturate = 0;
  std::int32_t at_least = 0;  // open only when the counter has reached this
  std::int32_t below = -1;    // open only when the counter is below this; -1: always
  NodeId target = 0;
  NodeId callee = 0;
};

struct Node {
  std::vector<Edge> edges;
  bool final = false;        // the rule may end here
  bool string_body = false;  // between the characters of a JSON string: see TokenTrie
};

// What a counter counts, and how far.
struct Count {
  std::int32_t min = 0;
  std::int32_t max = -1;  // -1: no limit
  bool trivial() const { return min == 0 && max < 0; }
  std::int32_t saturate() const { return max < 0 ? min : max; }

  // An edge that counts one, and is open as long as there is room.
  Edge counted(Edge edge) const {
    if (trivial()) return edge;
    edge.adds = true;
    edge.saturate = saturate();
    edge.below = max;
    return edge;
  }
};

// Nodes are made from the end towards the beginning: each function takes where it goes on, and gives where it begins.
class Automaton {
 public:
  static constexpr std::size_t kMaxNodes = 400'000;  // of one grammar; more is errc::too_large, said by whoever builds it
  static constexpr NodeId kDead = 0;                 // no way leads on

  Automaton() : nodes_(1) {}

  NodeId add();    // without edges
  NodeId final();  // a rule's end
  NodeId bytes(std::string_view text, NodeId next);
  NodeId any_of(const std::vector<NodeId>& ways);  // one of these
  // One of these texts; what they begin with alike is there once. `beside` is called for each of them, before its end leads on to `next`:
  // with the node at each of its places, of which the first `shared` + 1 were there for the text before it.
  using Beside = std::function<void(const std::string& text, const std::vector<NodeId>& way, std::size_t shared)>;
  NodeId one_of(std::vector<std::string> texts, NodeId next, const Beside& beside = {});
  NodeId call(NodeId rule, NodeId next, const Count& count = {});  // counted in the calling frame

  void edge(NodeId from, Edge edge) { nodes_[from].edges.push_back(edge); }
  // Where `to` follows once the counter has reached `count.min`, and where it does while there is room for one more.
  NodeId enough(const Count& count, NodeId to);
  NodeId room(const Count& count, NodeId to);

  void byte(NodeId from, unsigned lo, unsigned hi, NodeId to);
  void empty(NodeId from, NodeId to);
  Node& node(NodeId id) { return nodes_[id]; }

  const std::vector<Node>& nodes() const { return nodes_; }
  // Past kMaxNodes, or given up: whoever builds it stops, and there is no mask.
  bool too_large() const { return nodes_.size() > kMaxNodes || !given_up_.empty(); }
  void give_up(std::string why) { given_up_ = std::move(why); }
  std::string why_too_large() const;  // "it needs more than 400000 nodes"

  // Takes out every edge that leads to where no rule can be ended. False: nothing can be written at all from `start`.
  bool prune(NodeId start);

 private:
  std::vector<Node> nodes_;
  std::string given_up_;
};

}  // namespace baton::llm
