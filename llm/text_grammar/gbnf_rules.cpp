#include "gbnf_rules.h"

#include <algorithm>

namespace baton::llm {
namespace {

using Part = Gbnf::Part;
using Rules = Gbnf::Rules;

// Whether a property holds for a part, given the rules for which it holds.
bool holds(const Part& part, const std::vector<char>& of_rules, bool of_letters) {
  const auto one = [&](const Part& p) { return holds(p, of_rules, of_letters); };
  switch (part.kind) {
    case Part::Kind::letter:
      return of_letters;
    case Part::Kind::rule:
      return of_rules[part.rule] != 0;
    case Part::Kind::sequence:
      return std::all_of(part.parts.begin(), part.parts.end(), one);
    case Part::Kind::choice:
      return std::any_of(part.parts.begin(), part.parts.end(), one);
    case Part::Kind::repeat:
      return part.min == 0 || one(part.parts.front());
  }
  return false;
}

// Computes a property of each rule, until there is no change.
std::vector<char> fixpoint(const Rules& rules, bool of_letters) {
  std::vector<char> known(rules.all.size(), 0);
  for (bool changed = true; changed;) {
    changed = false;
    for (std::size_t i = known.size(); i-- > 0;) {
      if (known[i] || !holds(rules.all[i].body, known, of_letters)) continue;
      known[i] = 1;
      changed = true;
    }
  }
  return known;
}

// The rules that a part names; with `empty`, only those with which it may begin.
void named(const Part& part, const std::vector<char>* empty, std::vector<std::size_t>& out) {
  if (part.kind == Part::Kind::rule) out.push_back(part.rule);
  for (const Part& one : part.parts) {
    named(one, empty, out);
    if (empty && part.kind == Part::Kind::sequence && !holds(one, *empty, false)) return;
  }
}

class Walk {
 public:
  Walk(const Rules& rules, const std::vector<char>* empty) : next_(rules.all.size()), colour_(rules.all.size(), Colour::fresh) {
    for (std::size_t i = 0; i < rules.all.size(); ++i) named(rules.all[i].body, empty, next_[i]);
  }

  // Depth first, without recursion. Returns the rules of a cycle, if a rule leads back to one on the path.
  std::vector<std::size_t> from(std::size_t first) {
    std::vector<std::pair<std::size_t, std::size_t>> way;  // rule, and how many of its named rules are done
    if (colour_[first] == Colour::fresh) enter(way, first);
    while (!way.empty()) {
      auto& [rule, done] = way.back();
      if (done == next_[rule].size()) {
        colour_[rule] = Colour::done;
        way.pop_back();
        continue;
      }
      const std::size_t to = next_[rule][done++];
      if (colour_[to] == Colour::fresh) {
        enter(way, to);
      } else if (colour_[to] == Colour::open) {
        std::vector<std::size_t> round;
        for (const auto& step : way) {
          if (!round.empty() || step.first == to) round.push_back(step.first);
        }
        round.push_back(to);
        return round;
      }
    }
    return {};
  }

 private:
  enum class Colour { fresh, open, done };
  void enter(std::vector<std::pair<std::size_t, std::size_t>>& way, std::size_t rule) {
    colour_[rule] = Colour::open;
    way.emplace_back(rule, 0);
  }
  std::vector<std::vector<std::size_t>> next_;
  std::vector<Colour> colour_;
};

// The rules reachable from root.
std::vector<char> reached(const Rules& rules) {
  std::vector<char> met(rules.all.size(), 0);
  std::vector<std::size_t> waiting{rules.root};
  met[rules.root] = 1;
  while (!waiting.empty()) {
    std::vector<std::size_t> next;
    named(rules.all[waiting.back()].body, nullptr, next);
    waiting.pop_back();
    for (const std::size_t rule : next) {
      if (met[rule]) continue;
      met[rule] = 1;
      waiting.push_back(rule);
    }
  }
  return met;
}

}  // namespace

std::optional<GbnfFault> find_fault(const Rules& rules) {
  const auto place = [&](std::size_t rule) { return *rules.all[rule].at; };
  const std::vector<char> used = reached(rules), ends = fixpoint(rules, true), empty = fixpoint(rules, false);
  for (std::size_t i = 0; i < rules.all.size(); ++i) {
    const std::string& name = rules.all[i].name;
    if (!ends[i])
      return GbnfFault{place(i),
                       "the rule '" + name + "' never ends: each of its alternatives needs a rule that needs another without end"};
    if (!used[i]) return GbnfFault{place(i), "the rule '" + name + "' is not used by 'root', nor by a rule that is: take it out"};
  }
  Walk walk(rules, &empty);
  for (std::size_t i = 0; i < rules.all.size(); ++i) {
    const std::vector<std::size_t> round = walk.from(i);
    if (round.empty()) continue;
    std::string way;
    for (const std::size_t rule : round) way += (way.empty() ? "" : " -> ") + rules.all[rule].name;
    return GbnfFault{place(round.front()),
                     "left recursion: " + way + "; write repetition as ( )* or with the rule at the end of an alternative"};
  }
  return std::nullopt;
}

}  // namespace baton::llm
