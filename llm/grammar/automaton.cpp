#include "automaton.h"

#include <algorithm>

namespace baton::llm {

NodeId Automaton::add() {
  nodes_.emplace_back();
  return static_cast<NodeId>(nodes_.size() - 1);
}

NodeId Automaton::final() {
  const NodeId node = add();
  nodes_[node].final = true;
  return node;
}

void Automaton::byte(NodeId from, unsigned lo, unsigned hi, NodeId to) {
  Edge made;
  made.kind = Edge::Kind::byte;
  made.lo = static_cast<std::uint8_t>(lo);
  made.hi = static_cast<std::uint8_t>(hi);
  made.target = to;
  edge(from, made);
}

void Automaton::empty(NodeId from, NodeId to) {
  Edge made;
  made.target = to;
  edge(from, made);
}

NodeId Automaton::bytes(std::string_view text, NodeId next) {
  for (auto c = text.rbegin(); c != text.rend(); ++c) {
    const NodeId before = add();
    byte(before, static_cast<unsigned char>(*c), static_cast<unsigned char>(*c), next);
    next = before;
  }
  return next;
}

NodeId Automaton::any_of(const std::vector<NodeId>& ways) {
  if (ways.size() == 1) return ways.front();
  const NodeId node = add();
  for (const NodeId way : ways) {
    if (way != kDead) empty(node, way);
  }
  return node;
}

NodeId Automaton::one_of(std::vector<std::string> texts, NodeId next, const Beside& beside) {
  std::sort(texts.begin(), texts.end());
  texts.erase(std::unique(texts.begin(), texts.end()), texts.end());
  if (texts.empty()) return kDead;
  const NodeId root = add();
  std::vector<NodeId> way{root};  // of the previous text: the node at each of its places
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const std::string& text = texts[i];
    std::size_t shared = 0;
    if (i > 0)
      shared =
          static_cast<std::size_t>(std::mismatch(text.begin(), text.end(), texts[i - 1].begin(), texts[i - 1].end()).first - text.begin());
    way.resize(shared + 1);
    for (std::size_t k = shared; k < text.size(); ++k) {
      const NodeId to = add();
      byte(way.back(), static_cast<unsigned char>(text[k]), static_cast<unsigned char>(text[k]), to);
      way.push_back(to);
    }
    if (beside) beside(text, way, shared);
    empty(way.back(), next);
  }
  return root;
}

NodeId Automaton::call(NodeId rule, NodeId next, const Count& count) {
  const NodeId node = add();
  Edge made;
  made.kind = Edge::Kind::call;
  made.callee = rule;
  made.target = next;
  edge(node, count.counted(made));
  return node;
}

NodeId Automaton::enough(const Count& count, NodeId to) {
  if (count.min == 0) return to;
  const NodeId node = add();
  Edge made;
  made.at_least = count.min;
  made.target = to;
  edge(node, made);
  return node;
}

NodeId Automaton::room(const Count& count, NodeId to) {
  if (count.max < 0) return to;
  const NodeId node = add();
  Edge made;
  made.below = count.max;
  made.target = to;
  edge(node, made);
  return node;
}

std::string Automaton::why_too_large() const {
  return given_up_.empty() ? "it needs more than " + std::to_string(kMaxNodes) + " nodes" : given_up_;
}

bool Automaton::prune(NodeId start) {
  // From the final nodes backwards, until no node is added. A call edge counts if both its rule can end and its target can.
  std::vector<char> alive(nodes_.size(), 0);
  std::vector<std::vector<NodeId>> users(nodes_.size());  // the nodes whose edges name this node
  std::vector<NodeId> news;
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    for (const Edge& edge : nodes_[i].edges) {
      users[edge.target].push_back(static_cast<NodeId>(i));
      if (edge.kind == Edge::Kind::call) users[edge.callee].push_back(static_cast<NodeId>(i));
    }
    if (nodes_[i].final) {
      alive[i] = 1;
      news.push_back(static_cast<NodeId>(i));
    }
  }
  const auto leads_on = [&](const Edge& edge) { return alive[edge.target] && (edge.kind != Edge::Kind::call || alive[edge.callee]); };
  while (!news.empty()) {
    const NodeId node = news.back();
    news.pop_back();
    for (const NodeId user : users[node]) {
      if (alive[user] || std::none_of(nodes_[user].edges.begin(), nodes_[user].edges.end(), leads_on)) continue;
      alive[user] = 1;
      news.push_back(user);
    }
  }
  for (Node& node : nodes_) std::erase_if(node.edges, [&](const Edge& edge) { return !leads_on(edge); });
  return alive[start] != 0;
}

}  // namespace baton::llm
