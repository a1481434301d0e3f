#include "gbnf.h"

#include <algorithm>
#include <map>
#include <string>

#include "gbnf_rules.h"

namespace baton::llm {
namespace {

using Part = Gbnf::Part;
using Rule = Gbnf::Rule;
using Rules = Gbnf::Rules;

bool is_name(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_'; }

class Parser {
 public:
  explicit Parser(std::string_view source) : source_(source) {}

  Result<Rules> parse() {
    if (source_.size() > Gbnf::kMaxBytes) {
      return Error{errc::invalid_argument,
                   "the grammar has " + std::to_string(source_.size()) + " bytes, more than " + std::to_string(Gbnf::kMaxBytes)};
    }
    skip();
    while (more()) rule();
    for (const Rule& rule : rules_.all) {
      if (!rule.at) fail(rule.named_at, "there is no rule '" + rule.name + "'");
    }
    const auto root = index_.find("root");
    if (root == index_.end()) fail(0, "there is no rule 'root', which is where an answer begins");
    if (error_) return *error_;
    rules_.root = root->second;
    if (const auto fault = find_fault(rules_)) fail(fault->at, fault->what);
    if (error_) return *error_;
    return std::move(rules_);
  }

 private:
  bool more() const { return !error_ && at_ < source_.size(); }
  bool next_is(char c) const { return at_ < source_.size() && source_[at_] == c; }
  bool take(char c) {
    if (!next_is(c)) return false;
    ++at_;
    return true;
  }
  void fail(const std::string& what) { fail(at_, what); }
  void fail(std::size_t at, const std::string& what) {
    if (error_) return;
    const std::string_view before = source_.substr(0, at);
    const auto line = std::count(before.begin(), before.end(), '\n') + 1;
    const std::string_view row = before.substr(before.rfind('\n') + 1);                                        // npos + 1 is 0
    const auto column = std::count_if(row.begin(), row.end(), [](char c) { return (c & 0xC0) != 0x80; }) + 1;  // in characters
    error_ = Error{errc::invalid_argument, "line " + std::to_string(line) + ", column " + std::to_string(column) + ": " + what};
  }

  void skip() {
    while (at_ < source_.size()) {
      const char c = source_[at_];
      if (c == '#') {
        at_ = std::min(source_.find('\n', at_), source_.size());
      } else if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
        ++at_;
      } else {
        return;
      }
    }
  }

  std::string_view name() {
    const std::size_t begin = at_;
    while (at_ < source_.size() && is_name(source_[at_])) ++at_;
    return source_.substr(begin, at_ - begin);
  }
  bool begins_rule() {  // a name and ::= come next
    const std::size_t begin = at_;
    const bool named = !name().empty();
    skip();
    const bool is = named && source_.substr(at_, 3) == "::=";
    at_ = begin;
    return is;
  }
  std::size_t index_of(std::string_view wanted, std::size_t at) {
    const auto [place, fresh] = index_.try_emplace(std::string(wanted), rules_.all.size());
    if (fresh) rules_.all.push_back({.name = std::string(wanted), .named_at = at});
    return place->second;
  }

  void rule() {
    const std::size_t begin = at_;
    if (!begins_rule()) return fail("expected a rule: NAME ::= ..");
    const std::size_t index = index_of(name(), begin);
    skip();
    at_ += 3;
    if (rules_.all.size() > Gbnf::kMaxRules) return fail(begin, "more than " + std::to_string(Gbnf::kMaxRules) + " rules");
    if (rules_.all[index].at) return fail(begin, "a second rule '" + rules_.all[index].name + "'");
    rules_.all[index].at = begin;
    Part body = choice(0);
    rules_.all[index].body = std::move(body);
    if (next_is(')')) fail("a ')' without its '('");
  }

  Part choice(int depth) {
    Part all{.kind = Part::Kind::choice};
    if (depth > Gbnf::kMaxDepth) {
      fail("groups nested deeper than " + std::to_string(Gbnf::kMaxDepth));
      return all;
    }
    do {
      all.parts.push_back(sequence(depth));
    } while (more() && take('|'));
    return all;
  }

  Part sequence(int depth) {
    Part all;
    for (skip(); more() && !next_is('|') && !next_is(')') && !begins_rule(); skip()) {
      Part one = atom(depth);
      skip();
      quantify(one);
      all.parts.push_back(std::move(one));
    }
    return all;
  }

  Part atom(int depth) {
    const std::size_t begin = at_;
    if (take('"')) return literal(begin);
    if (take('[')) return letters(begin);
    if (take('.')) return {.kind = Part::Kind::letter, .characters = kAllCodePoints};
    if (take('(')) {
      Part inside = choice(depth + 1);
      if (!take(')')) fail(begin, "a '(' without its ')'");
      return inside;
    }
    if (const std::string_view named = name(); !named.empty()) return {.kind = Part::Kind::rule, .rule = index_of(named, begin)};
    if (next_is('*') || next_is('+') || next_is('?') || next_is('{')) {
      fail("there is nothing before it to repeat");
    } else {
      fail("\"text\", a [class], a rule's name or a group was expected");
    }
    return {};
  }

  Part literal(std::size_t begin) {
    Part all;
    while (more() && !next_is('"') && !next_is('\n')) {
      const std::uint32_t c = character();
      all.parts.push_back({.kind = Part::Kind::letter, .characters = {{c, c}}});
    }
    if (!take('"')) fail(begin, "a text without its closing quote");
    return all;
  }

  Part letters(std::size_t begin) {
    const bool negated = take('^');
    CodePoints all;
    while (more() && !next_is(']') && !next_is('\n')) {
      const std::size_t at = at_;
      const std::uint32_t first = character();
      std::uint32_t last = first;
      if (next_is('-') && at_ + 1 < source_.size() && source_[at_ + 1] != ']') {
        ++at_;
        last = character();
      }
      if (first > last) fail(at, "a range that runs backwards");
      all.emplace_back(first, last);
    }
    if (!take(']')) fail(begin, "a '[' without its ']'");
    Part part{.kind = Part::Kind::letter, .characters = without_surrogates(negated ? complement(all) : normal(std::move(all)))};
    if (part.characters.empty()) fail(begin, "no character fits this class");
    return part;
  }

  std::uint32_t character() {
    const std::size_t begin = at_;
    if (!take('\\')) return take_code_point(source_, at_);
    static constexpr std::string_view kThemselves = "\"\\[]-^";
    const char c = at_ < source_.size() ? source_[at_++] : '\n';
    if (kThemselves.find(c) != std::string_view::npos) return static_cast<unsigned char>(c);
    if (c == 'n') return '\n';
    if (c == 'r') return '\r';
    if (c == 't') return '\t';
    if (c == 'x') return hex(begin, 2);
    if (c == 'u') return hex(begin, 4);
    if (c == 'U') return hex(begin, 8);
    fail(begin, "unknown escape; the escapes are \\n \\r \\t \\\" \\\\ \\[ \\] \\- \\^ \\xHH \\uHHHH \\UHHHHHHHH");
    return 0;
  }
  std::uint32_t hex(std::size_t begin, int digits) {
    std::uint64_t value = 0;
    for (int i = 0; i < digits; ++i) {
      const auto place = at_ < source_.size() ? std::string_view("0123456789abcdefABCDEF").find(source_[at_++]) : std::string_view::npos;
      if (place == std::string_view::npos) {
        fail(begin, "an escape of " + std::to_string(digits) + " hexadecimal digits was expected");
        return 0;
      }
      value = value * 16 + (place < 16 ? place : place - 6);
    }
    if (value > kLastCodePoint || (value >= 0xD800 && value < 0xE000)) fail(begin, "this is not a character");
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(value, kLastCodePoint));
  }

  void quantify(Part& one) {
    const std::size_t begin = at_;
    int min = 0, max = -1;
    if (take('+')) {
      min = 1;
    } else if (take('?')) {
      max = 1;
    } else if (take('{')) {
      if (!braces(min, max)) return fail(begin, "expected a number of repetitions: {n}, {n,}, {n,m} or {,m}");
    } else if (!take('*')) {
      return;
    }
    if (max >= 0 && max < min)
      return fail(begin, "{" + std::to_string(min) + "," + std::to_string(max) + "}: the minimum is above the maximum");
    if (std::max(min, max) > Gbnf::kMaxRepeat) return fail(begin, "more than " + std::to_string(Gbnf::kMaxRepeat) + " repetitions");
    Part repeat{.kind = Part::Kind::repeat, .min = min, .max = max};
    repeat.parts.push_back(std::move(one));
    one = std::move(repeat);
    skip();
    if (next_is('*') || next_is('+') || next_is('?') || next_is('{')) fail("a repetition of a repetition: put the inner one into ( )");
  }
  bool braces(int& min, int& max) {
    const auto number = [&] {
      int value = -1;
      for (; at_ < source_.size() && source_[at_] >= '0' && source_[at_] <= '9'; ++at_)
        value = std::min(std::max(value, 0) * 10 + (source_[at_] - '0'), 100'000);
      return value;
    };
    min = number();
    const bool from = min >= 0;
    if (take(',')) {
      max = number();
      if (!from && max < 0) return false;
      min = std::max(min, 0);
    } else {
      max = min;
    }
    return take('}') && min >= 0;
  }

  std::string_view source_;
  std::size_t at_ = 0;
  Rules rules_;
  std::map<std::string, std::size_t> index_;
  std::optional<Error> error_;
};

class Builder {
 public:
  Builder(Automaton& out, const Rules& rules) : out_(out), rules_(rules) {
    for (std::size_t i = 0; i < rules.all.size(); ++i) begins_.push_back(out.add());
  }

  NodeId build() {
    for (std::size_t i = 0; i < rules_.all.size(); ++i) out_.empty(begins_[i], part(rules_.all[i].body, out_.final()));
    return begins_[rules_.root];
  }

 private:
  NodeId part(const Part& of, NodeId next) {
    if (out_.too_large()) return next;
    switch (of.kind) {
      case Part::Kind::letter: {
        const NodeId from = out_.add();
        text_edges(out_, from, next, of.characters, {});
        return from;
      }
      case Part::Kind::rule:
        return out_.call(begins_[of.rule], next);
      case Part::Kind::sequence:
        for (auto one = of.parts.rbegin(); one != of.parts.rend(); ++one) next = part(*one, next);
        return next;
      case Part::Kind::choice: {
        std::vector<NodeId> ways;
        for (const Part& one : of.parts) ways.push_back(part(one, next));
        return out_.any_of(ways);
      }
      case Part::Kind::repeat:
        return repeat(of, next);
    }
    return next;
  }

  NodeId repeat(const Part& of, NodeId next) {
    const Part& one = of.parts.front();
    NodeId at = next;
    if (of.max < 0) {
      at = out_.add();
      out_.empty(at, next);
      out_.empty(at, part(one, at));
    }
    for (int i = of.min; i < of.max && !out_.too_large(); ++i) at = out_.any_of({part(one, at), next});
    for (int i = 0; i < of.min && !out_.too_large(); ++i) at = part(one, at);
    return at;
  }

  Automaton& out_;
  const Rules& rules_;
  std::vector<NodeId> begins_;
};

}  // namespace

Result<Gbnf> Gbnf::parse(std::string_view source) {
  auto rules = Parser(source).parse();
  if (!rules) return rules.error();
  return Gbnf(std::make_shared<const Rules>(std::move(*rules)));
}

NodeId Gbnf::build(Automaton& out) const { return Builder(out, *rules_).build(); }

}  // namespace baton::llm
