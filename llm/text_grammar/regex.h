#pragma once
// Regular expressions as automata: ECMAScript's syntax, except for features that an automaton cannot express (look-around, back references,
// \b \B, \p); lazy quantifiers equal greedy ones. \d \w \s and `.` are as json_schema/pattern.h has them.
#include <baton/llm/error.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <baton/llm/grammar/characters.h>

namespace baton::llm {

inline constexpr char kNotTame[] = "it has, or the schema's patterns have together, too many states for a mask: it is checked afterwards";

struct RegexPart;

class Regex {
 public:
  static constexpr int kMaxRepeat = 1000;  // of {m,n}
  static constexpr int kMaxDepth = 100;    // of groups

  // errc::unsupported with the feature's name; errc::invalid_argument for an invalid regular expression.
  static Result<Regex> parse(std::string_view source);

  // A text that the expression matches completely (`anywhere`: somewhere, like a schema's pattern). The caller decides how characters are
  // written: letter(from, to, characters) adds the edges.
  using Letter = std::function<void(Automaton& out, NodeId from, NodeId to, const CodePoints& characters, const Count& count)>;
  NodeId build(Automaton& out, bool anywhere, const Letter& letter, const Count& count, NodeId next) const;

  // Whether its states, read byte by byte as plain text, are few enough: at most kMaxStates more than its network has nodes. A pattern such
  // as .*a.{20} has a state for each combination of positions of an a. budget: the total number of states that may be created; used ones
  // are subtracted.
  bool is_tame(std::size_t& budget) const;
  static constexpr std::size_t kMaxStates = 2000, kMaxBuildSteps = 200'000;

 private:
  explicit Regex(std::shared_ptr<const RegexPart> whole) : whole_(std::move(whole)) {}
  std::shared_ptr<const RegexPart> whole_;
};

}  // namespace baton::llm
