#include "regex.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <vector>

#include <baton/llm/grammar/machine.h>
#include "regex_parser.h"

namespace baton::llm {
namespace {

// Builds each part for four places of the text at once, because assertions depend on the place: ^ holds only before anything was read, and
// after $ nothing may be read.
class RegexBuilder {
 public:
  RegexBuilder(Automaton& out, const Regex::Letter& lay, const Count& count) : out_(out), letter_(lay), count_(count) {}

  enum Place : std::size_t { kInside, kAtBegin, kAtEnd, kAtBeginAndEnd };
  using Nodes = std::array<NodeId, 4>;  // by place

  // next: where the text continues after the part. The result is where the part begins.
  Nodes build(const RegexPart& part, const Nodes& next) {
    // Repetitions of nothing create no nodes.
    if (++steps_ > Regex::kMaxBuildSteps) out_.give_up("a pattern in it needs too many steps");
    if (out_.too_large()) return {};
    switch (part.kind) {
      case RegexPart::Kind::letter: {
        const NodeId from = out_.add();
        letter_(out_, from, next[kInside], part.characters, count_);
        return {from, from, Automaton::kDead, Automaton::kDead};
      }
      case RegexPart::Kind::begin:
        return {Automaton::kDead, next[kAtBegin], Automaton::kDead, next[kAtBeginAndEnd]};
      case RegexPart::Kind::end:
        return {next[kAtEnd], next[kAtBeginAndEnd], next[kAtEnd], next[kAtBeginAndEnd]};
      case RegexPart::Kind::choice: {
        std::vector<Nodes> ways;
        for (const RegexPart& way : part.parts) ways.push_back(build(way, next));
        return any_of(ways);
      }
      case RegexPart::Kind::sequence: {
        Nodes at = next;
        for (auto one = part.parts.rbegin(); one != part.parts.rend(); ++one) at = build(*one, at);
        return at;
      }
      case RegexPart::Kind::repeat:
        return repeat(part, next);
    }
    return {};
  }

 private:
  Nodes repeat(const RegexPart& part, const Nodes& next) {
    const RegexPart& one = part.parts.front();
    Nodes at = next;
    if (part.max < 0) at = any_number(one, next);
    for (int i = part.min; i < part.max && !out_.too_large(); ++i) at = any_of({build(one, at), next});
    for (int i = 0; i < part.min && !out_.too_large(); ++i) at = build(one, at);
    return at;
  }

  // A loop may be left at once. So at the text's end, where another iteration can read nothing, no iteration is needed.
  Nodes any_number(const RegexPart& one, const Nodes& next) {
    Nodes loop = next;
    loop[kInside] = loop[kAtBegin] = out_.add();
    const bool depends_on_begin = next[kInside] != next[kAtBegin] || has_begin(one);
    if (depends_on_begin) loop[kAtBegin] = out_.add();
    const Nodes round = build(one, loop);
    for (const Place place : {kInside, kAtBegin}) {
      if (place == kAtBegin && !depends_on_begin) break;
      out_.empty(loop[place], next[place]);
      out_.empty(loop[place], round[place]);
    }
    return loop;
  }

  // Places that lead to the same nodes share one.
  Nodes any_of(const std::vector<Nodes>& ways) {
    Nodes out{};
    std::array<std::vector<NodeId>, 4> targets;
    for (std::size_t place = 0; place < out.size(); ++place) {
      for (const Nodes& way : ways) {
        if (way[place] != Automaton::kDead) targets[place].push_back(way[place]);
      }
      const auto same = std::find(targets.begin(), targets.begin() + static_cast<std::ptrdiff_t>(place), targets[place]);
      const auto known = static_cast<std::size_t>(same - targets.begin());
      if (known < place) {
        out[place] = out[known];
      } else if (!targets[place].empty()) {
        out[place] = out_.any_of(targets[place]);
      }
    }
    return out;
  }

  bool has_begin(const RegexPart& part) {
    const auto [known, fresh] = has_begin_.try_emplace(&part, part.kind == RegexPart::Kind::begin);
    if (fresh) {
      for (const RegexPart& one : part.parts) known->second = known->second || has_begin(one);
    }
    return known->second;
  }

  Automaton& out_;
  const Regex::Letter& letter_;
  const Count& count_;
  std::map<const RegexPart*, bool> has_begin_;  // memoised results
  std::size_t steps_ = 0;
};

}  // namespace

Result<Regex> Regex::parse(std::string_view source) {
  auto whole = parse_regex(source);
  if (!whole) return whole.error();
  return Regex(std::make_shared<const RegexPart>(std::move(*whole)));
}

NodeId Regex::build(Automaton& out, bool anywhere, const Letter& letter, const Count& count, NodeId next) const {
  using Builder = RegexBuilder;
  Builder builder(out, letter, count);
  if (!anywhere) return builder.build(*whole_, {next, next, next, next})[Builder::kAtBegin];
  const auto any_text = [&](NodeId to) {
    const NodeId loop = out.add();
    letter(out, loop, loop, kAllCodePoints, count);
    out.empty(loop, to);
    return loop;
  };
  const NodeId after = any_text(next);
  const Builder::Nodes begin = builder.build(*whole_, {after, after, next, next});
  // The match begins at the text's beginning, as ^ requires, or after any other text.
  const NodeId at_once = begin[Builder::kAtBegin], later = begin[Builder::kInside];
  if (later == Automaton::kDead) return at_once;
  if (later == at_once) return any_text(later);
  return out.any_of({at_once, any_text(later)});
}

// Creates all its states, as a machine does, but not beyond the limit.
bool Regex::is_tame(std::size_t& budget) const {
  constexpr std::size_t kMaxNodes = 30'000, kMaxThreads = 64;  // of the network, and at the same time
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
    // One byte of each range that the edges distinguish represents the whole range.
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
