#include "regex.h"

#include <algorithm>
#include <set>
#include <vector>

#include "machine.h"
#include "regex_parser.h"

namespace baton::llm {
namespace {

// Where in the text we are sure to be: ^ holds only at its beginning, $ only at its end.
class RegexBuilder {
 public:
  RegexBuilder(Automaton& out, const Regex::Letter& lay, const Count& count) : out_(out), letter_(lay), count_(count) {}

  NodeId letter(const CodePoints& characters, NodeId next) {
    const NodeId from = out_.add();
    letter_(out_, from, next, characters, count_);
    return from;
  }

  NodeId any(NodeId next) {  // any text, and on
    const NodeId loop = out_.add();
    letter_(out_, loop, loop, kAllCodePoints, count_);
    out_.empty(loop, next);
    return loop;
  }

  // `next`: where it goes on inside; `last`: where it goes on when the text ends with this part, which is what $ wants.
  struct Next {
    NodeId anywhere;
    NodeId at_end;
  };
  // `first`: the text begins with this part.
  NodeId build(const RegexPart& part, Next next, bool first) {
    // Repetitions of nothing make no nodes.
    if (++steps_ > Regex::kMaxBuildSteps) out_.give_up("a pattern in it needs too many steps");
    if (out_.too_large()) return Automaton::kDead;
    switch (part.kind) {
      case RegexPart::Kind::letter:
        return letter(part.characters, next.anywhere);
      case RegexPart::Kind::begin:
        return first ? next.anywhere : Automaton::kDead;
      case RegexPart::Kind::end:
        return next.at_end;
      case RegexPart::Kind::choice: {
        std::vector<NodeId> ways;
        for (const RegexPart& way : part.parts) ways.push_back(build(way, next, first));
        return out_.any_of(ways);
      }
      case RegexPart::Kind::sequence: {
        NodeId at = next.anywhere;
        for (std::size_t i = part.parts.size(); i-- > 0;) {
          const bool begins = first && std::all_of(part.parts.begin(), part.parts.begin() + static_cast<std::ptrdiff_t>(i), is_assertion);
          const bool ends = std::all_of(part.parts.begin() + static_cast<std::ptrdiff_t>(i) + 1, part.parts.end(), is_assertion);
          at = build(part.parts[i], {at, ends ? next.at_end : Automaton::kDead}, begins);
        }
        return at;
      }
      case RegexPart::Kind::repeat:
        return repeat(part, next, first);
    }
    return Automaton::kDead;
  }

 private:
  static bool is_assertion(const RegexPart& part) { return part.kind == RegexPart::Kind::begin || part.kind == RegexPart::Kind::end; }

  NodeId repeat(const RegexPart& part, Next next, bool first) {
    const RegexPart& one = part.parts.front();
    NodeId at = next.anywhere;
    if (part.max < 0) {
      const NodeId loop = out_.add();
      out_.empty(loop, next.anywhere);
      out_.empty(loop, build(one, {loop, next.at_end}, false));
      at = loop;
    }
    for (int i = part.min; i < part.max && !out_.too_large(); ++i)
      at = out_.any_of({build(one, {at, next.at_end}, first && part.min == 0), next.anywhere});
    // From the last one to the first: the text may end with the last one only.
    for (int i = 0; i < part.min && !out_.too_large(); ++i)
      at = build(one, {at, i == 0 ? next.at_end : Automaton::kDead}, first && i + 1 == part.min);
    return at;
  }

  Automaton& out_;
  const Regex::Letter& letter_;
  const Count& count_;
  std::size_t steps_ = 0;
};

}  // namespace

Result<Regex> Regex::parse(std::string_view source) {
  auto whole = parse_regex(source);
  if (!whole) return whole.error();
  return Regex(std::make_shared<const RegexPart>(std::move(*whole)));
}

NodeId Regex::build(Automaton& out, bool anywhere, const Letter& letter, const Count& count, NodeId next) const {
  RegexBuilder builder(out, letter, count);
  if (!anywhere) return builder.build(*whole_, {next, next}, true);
  // Each alternative either begins at the text's beginning, as ^ wants, or behind any other text.
  const NodeId after = builder.any(next);
  std::vector<NodeId> ways;
  ways.push_back(builder.build(*whole_, {after, next}, true));
  const NodeId inside = builder.build(*whole_, {after, next}, false);
  if (inside != Automaton::kDead) {
    const NodeId loop = out.add();
    letter(out, loop, loop, kAllCodePoints, count);
    out.empty(loop, inside);
    ways.push_back(loop);
  }
  return out.any_of(ways);
}

// By making all its states, as a machine does, but not past the limit.
bool Regex::is_tame(std::size_t& budget) const {
  constexpr std::size_t kMaxNodes = 30'000, kMaxThreads = 64;  // of the network; at once
  if (budget == 0) return false;
  Automaton automaton;
  const NodeId start = build(automaton, true, text_edges, {}, automaton.final());
  const auto spend = [&budget](std::size_t amount) { return budget -= std::min(budget, amount), budget > 0; };
  if (!spend(automaton.nodes().size() / 16) || automaton.too_large() || automaton.nodes().size() > kMaxNodes) return false;
  if (!automaton.prune(start)) return true;
  Machine machine(automaton, start);
  if (machine.start() == kDeadState) return true;
  for (std::size_t state = 0; state < machine.n_states(); ++state) {
    if (!spend(1) || machine.n_states() > kMaxStates + automaton.nodes().size()) return false;
    // One byte of each range that the edges tell apart stands for all of it.
    std::set<unsigned> firsts;
    for (const ThreadId thread : machine.threads_of(static_cast<StateId>(state))) {
      for (const Edge& edge : machine.node(thread).edges) {
        if (edge.kind != Edge::Kind::byte) continue;
        firsts.insert(edge.lo);
        firsts.insert(edge.hi + 1u);
      }
    }
    firsts.erase(256);
    if (machine.threads_of(static_cast<StateId>(state)).size() > kMaxThreads) return false;
    for (const unsigned byte : firsts) machine.step(static_cast<StateId>(state), static_cast<std::uint8_t>(byte));
  }
  return true;
}

}  // namespace baton::llm
