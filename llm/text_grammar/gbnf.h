#pragma once
// Context-free grammars in GBNF, llama.cpp's notation (docs/output-format.md), as automata:
//   root ::= "[" (item ("," ws item)*)? "]"   # a comment
//   item ::= [0-9]{1,3} | "\"" [^"\\\n]* "\""
// "text" and [class], with the escapes \" \\ \] \[ \- \^ \n \r \t \xHH \uHHHH \UHHHHHHHH; `.` is any character; names of rules are letters,
// digits, - and _; ( ) | * + ? {n} {n,} {n,m} {,m}. Line breaks are white space: a rule ends where the next one begins.
#include <baton/llm/error.h>

#include <memory>
#include <string_view>

#include <baton/llm/grammar/automaton.h>

namespace baton::llm {

class Gbnf {
 public:
  static constexpr std::size_t kMaxBytes = 256 * 1024;
  static constexpr std::size_t kMaxRules = 4096;
  static constexpr int kMaxRepeat = 1000;  // of {n,m}
  static constexpr int kMaxDepth = 100;    // of groups

  // errc::invalid_argument with line and column: for syntax errors, and for a rule that is missing, defined twice, never used, never ends,
  // or begins with itself (a writer could enter it for ever without writing anything).
  static Result<Gbnf> parse(std::string_view source);

  // The rule whose texts are those of `root`.
  NodeId build(Automaton& out) const;

  struct Part;
  struct Rule;
  struct Rules;

 private:
  explicit Gbnf(std::shared_ptr<const Rules> rules) : rules_(std::move(rules)) {}
  std::shared_ptr<const Rules> rules_;
};

}  // namespace baton::llm
