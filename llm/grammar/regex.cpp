#include "regex.h"

#include <algorithm>
#include <optional>
#include <set>
#include <vector>

#include "machine.h"

namespace baton::llm {

struct Regex::Part {
  enum class Kind { letter, sequence, choice, repeat, begin, end } kind = Kind::sequence;
  CodePoints characters;    // letter
  std::vector<Part> parts;  // sequence, choice; repeat: one
  int min = 0, max = -1;    // repeat; -1: no limit
};

namespace {

using Part = Regex::Part;

const CodePoints kDigits = {{'0', '9'}};
const CodePoints kWord = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
const CodePoints kSpace = {{'\t', '\r'}, {' ', ' '}};
const CodePoints kLineEnds = {{'\n', '\n'}, {'\r', '\r'}};

class Parser {
 public:
  explicit Parser(std::string_view source) : source_(source) {}

  Result<Part> parse() {
    Part whole = choice(0);
    if (!error_ && at_ < source_.size()) invalid("a ')' without its '('");
    if (error_) return *error_;
    return whole;
  }

 private:
  bool more() const { return !error_ && at_ < source_.size(); }
  bool next_is(std::string_view text) const { return source_.substr(at_, text.size()) == text; }
  bool take(std::string_view text) {
    if (!next_is(text)) return false;
    at_ += text.size();
    return true;
  }
  void invalid(const std::string& why) { fail(errc::invalid_argument, why); }
  void unsupported(const std::string& what) { fail(errc::unsupported, what); }
  void fail(errc code, const std::string& why) {
    if (!error_) error_ = Error{code, why + " at offset " + std::to_string(at_)};
  }

  std::uint32_t code_point() { return take_code_point(source_, at_); }

  Part choice(int depth) {
    Part all{.kind = Part::Kind::choice, .characters = {}, .parts = {}};
    if (depth > Regex::kMaxDepth) {
      unsupported("groups nested deeper than " + std::to_string(Regex::kMaxDepth));
      return all;
    }
    all.parts.push_back(sequence(depth));
    while (more() && take("|")) all.parts.push_back(sequence(depth));
    return all;
  }

  Part sequence(int depth) {
    Part all;
    while (more() && !next_is("|") && !next_is(")")) {
      Part one = atom(depth);
      if (error_) break;
      quantify(one);
      all.parts.push_back(std::move(one));
    }
    return all;
  }

  static Part letter(CodePoints characters) {
    return {.kind = Part::Kind::letter, .characters = without_surrogates(normal(std::move(characters))), .parts = {}};
  }

  Part atom(int depth) {
    if (take("^")) return {.kind = Part::Kind::begin, .characters = {}, .parts = {}};
    if (take("$")) return {.kind = Part::Kind::end, .characters = {}, .parts = {}};
    if (take(".")) return letter(complement(kLineEnds));
    if (next_is("[")) return letter(set());
    if (next_is("(")) return group(depth);
    if (next_is("*") || next_is("+") || next_is("?")) {
      invalid("a quantifier with nothing before it");
      return {};
    }
    if (take("\\")) return letter(escape(false));
    const std::uint32_t c = code_point();
    return letter({{c, c}});
  }

  Part group(int depth) {
    ++at_;
    if (next_is("?") && !take("?:")) {
      if (next_is("?=") || next_is("?!") || next_is("?<=") || next_is("?<!")) {
        unsupported("look-ahead and look-behind");
        return {};
      }
      const auto end = source_.find('>', at_);
      if (!next_is("?<") || end == std::string_view::npos) {
        unsupported("this kind of group");
        return {};
      }
      at_ = end + 1;  // a name
    }
    Part inside = choice(depth + 1);
    if (!error_ && !take(")")) invalid("a '(' without its ')'");
    return inside;
  }

  void quantify(Part& one) {
    int min = 1, max = 1;
    if (take("*")) {
      min = 0, max = -1;
    } else if (take("+")) {
      max = -1;
    } else if (take("?")) {
      min = 0;
    } else if (next_is("{")) {
      if (!braces(min, max)) return;  // a brace that is only itself
    } else {
      return;
    }
    take("?");  // lazy: the same texts
    if (max >= 0 && max < min) return invalid("{" + std::to_string(min) + "," + std::to_string(max) + "}");
    if (min > Regex::kMaxRepeat || max > Regex::kMaxRepeat)
      return unsupported("more than " + std::to_string(Regex::kMaxRepeat) + " repetitions");
    Part repeat{.kind = Part::Kind::repeat, .characters = {}, .parts = {}, .min = min, .max = max};
    repeat.parts.push_back(std::move(one));
    one = std::move(repeat);
    if (next_is("*") || next_is("+") || next_is("?")) invalid("a quantifier behind a quantifier");
  }

  bool braces(int& min, int& max) {
    std::size_t i = at_ + 1;
    const auto number = [&](int otherwise) {
      int value = 0;
      const std::size_t first = i;
      for (; i < source_.size() && source_[i] >= '0' && source_[i] <= '9'; ++i) value = std::min(value * 10 + (source_[i] - '0'), 100'000);
      return i == first ? otherwise : value;
    };
    min = number(-1);
    if (min < 0) return false;
    max = min;
    if (i < source_.size() && source_[i] == ',') {
      ++i;
      max = number(-1);
    }
    if (i >= source_.size() || source_[i] != '}') return false;
    at_ = i + 1;
    return true;
  }

  std::uint32_t hex(int digits) {
    std::uint32_t value = 0;
    for (int i = 0; i < digits; ++i) {
      const char c = at_ < source_.size() ? source_[at_++] : '?';
      const auto place = std::string_view("0123456789abcdefABCDEF").find(c);
      if (place == std::string_view::npos) {
        invalid("an escape without its hexadecimal digits");
        return 0;
      }
      value = value * 16 + static_cast<std::uint32_t>(place < 16 ? place : place - 6);
    }
    return value;
  }

  // Behind a backslash.
  CodePoints escape(bool in_set) {
    if (!more()) {
      invalid("a backslash at the end");
      return {};
    }
    const char c = source_[at_];
    const auto one = [&](std::uint32_t code) {
      ++at_;
      return CodePoints{{code, code}};
    };
    switch (c) {
      case 'd':
        ++at_;
        return kDigits;
      case 'D':
        ++at_;
        return complement(kDigits);
      case 'w':
        ++at_;
        return kWord;
      case 'W':
        ++at_;
        return complement(kWord);
      case 's':
        ++at_;
        return kSpace;
      case 'S':
        ++at_;
        return complement(kSpace);
      case 'n':
        return one('\n');
      case 'r':
        return one('\r');
      case 't':
        return one('\t');
      case 'f':
        return one('\f');
      case 'v':
        return one('\v');
      case '0':
        return one(0);
      case 'b':
        if (in_set) return one('\b');
        unsupported("\\b");
        return {};
      case 'x': {
        ++at_;
        const std::uint32_t code = hex(2);
        return {{code, code}};
      }
      case 'u':
        return unicode();
      case 'c': {
        ++at_;
        const std::uint32_t code = more() ? static_cast<unsigned char>(source_[at_++]) & 0x1Fu : 0u;
        return {{code, code}};
      }
      default:
        break;
    }
    if ((c >= '1' && c <= '9') || c == 'k') {
      unsupported("references to groups");
      return {};
    }
    if (c == 'B' || c == 'p' || c == 'P') {
      unsupported(std::string("\\") + c);
      return {};
    }
    const std::uint32_t code = code_point();
    return {{code, code}};
  }

  CodePoints unicode() {
    ++at_;
    if (take("{")) {
      std::uint32_t code = 0;
      while (more() && !next_is("}")) code = std::min(code * 16 + hex(1), kLastCodePoint + 1);
      if (!take("}") || code > kLastCodePoint) invalid("\\u{..} without a code point");
      return {{code, code}};
    }
    std::uint32_t code = hex(4);
    if (code >= 0xD800 && code < 0xDC00 && take("\\u")) code = 0x10000 + ((code & 0x3FF) << 10) + (hex(4) & 0x3FF);
    return {{code, code}};
  }

  CodePoints set() {
    ++at_;
    const bool negated = take("^");
    CodePoints all;
    while (more() && !next_is("]")) {
      const CodePoints first = member();
      all.insert(all.end(), first.begin(), first.end());
      if (!next_is("-") || at_ + 1 >= source_.size() || source_[at_ + 1] == ']') continue;
      ++at_;
      const CodePoints last = member();
      const bool range = first.size() == 1 && last.size() == 1 && first[0].first == first[0].second && last[0].first == last[0].second;
      if (range && first[0].first > last[0].first) invalid("a range that runs backwards");
      if (range) {
        all.back().second = last[0].second;
      } else {  // \w-x: the minus is itself
        all.emplace_back('-', '-');
        all.insert(all.end(), last.begin(), last.end());
      }
    }
    if (!take("]")) invalid("a '[' without its ']'");
    return negated ? complement(all) : all;
  }
  CodePoints member() {
    if (take("\\")) return escape(true);
    const std::uint32_t c = code_point();
    return {{c, c}};
  }

  std::string_view source_;
  std::size_t at_ = 0;
  std::optional<Error> error_;
};

// Where in the text we are sure to be: ^ holds only at its beginning, $ only at its end.
class Builder {
 public:
  Builder(Automaton& out, Regex::Letter lay, const Count& count) : out_(out), letter_(lay), count_(count) {}

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
  NodeId build(const Part& part, Next next, bool first) {
    // Repetitions of nothing make no nodes.
    if (++steps_ > Regex::kMaxBuildSteps) out_.give_up("a pattern in it needs too many steps");
    if (out_.too_large()) return Automaton::kDead;
    switch (part.kind) {
      case Part::Kind::letter:
        return letter(part.characters, next.anywhere);
      case Part::Kind::begin:
        return first ? next.anywhere : Automaton::kDead;
      case Part::Kind::end:
        return next.at_end;
      case Part::Kind::choice: {
        std::vector<NodeId> ways;
        for (const Part& way : part.parts) ways.push_back(build(way, next, first));
        return out_.any_of(ways);
      }
      case Part::Kind::sequence: {
        NodeId at = next.anywhere;
        for (std::size_t i = part.parts.size(); i-- > 0;) {
          const bool begins = first && std::all_of(part.parts.begin(), part.parts.begin() + static_cast<std::ptrdiff_t>(i), is_assertion);
          const bool ends = std::all_of(part.parts.begin() + static_cast<std::ptrdiff_t>(i) + 1, part.parts.end(), is_assertion);
          at = build(part.parts[i], {at, ends ? next.at_end : Automaton::kDead}, begins);
        }
        return at;
      }
      case Part::Kind::repeat:
        return repeat(part, next, first);
    }
    return Automaton::kDead;
  }

 private:
  static bool is_assertion(const Part& part) { return part.kind == Part::Kind::begin || part.kind == Part::Kind::end; }

  NodeId repeat(const Part& part, Next next, bool first) {
    const Part& one = part.parts.front();
    NodeId at = next.anywhere;
    if (part.max < 0) {
      const NodeId loop = out_.add();
      out_.empty(loop, next.anywhere);
      out_.empty(loop, build(one, {loop, Automaton::kDead}, false));
      at = loop;
    }
    for (int i = part.min; i < part.max && !out_.too_large(); ++i)
      at = out_.any_of({build(one, {at, next.at_end}, first && part.min == 0), next.anywhere});
    for (int i = 0; i < part.min && !out_.too_large(); ++i) at = build(one, {at, next.at_end}, first && i + 1 == part.min);
    return at;
  }

  Automaton& out_;
  Regex::Letter letter_;
  const Count& count_;
  std::size_t steps_ = 0;
};

}  // namespace

Result<Regex> Regex::parse(std::string_view source) {
  auto whole = Parser(source).parse();
  if (!whole) return whole.error();
  return Regex(std::make_shared<const Part>(std::move(*whole)));
}

NodeId Regex::build(Automaton& out, bool anywhere, Letter letter, const Count& count, NodeId next) const {
  Builder builder(out, letter, count);
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
bool Regex::is_tame(Letter letter, std::size_t& budget) const {
  constexpr std::size_t kMaxNodes = 30'000, kMaxThreads = 64;  // of the network; at once
  if (budget == 0) return false;
  Automaton automaton;
  const NodeId start = build(automaton, true, letter, {}, automaton.final());
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
