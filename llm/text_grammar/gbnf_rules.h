#pragma once
// The parsed rules of a GBNF grammar.
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include <baton/llm/grammar/characters.h>
#include "gbnf.h"

namespace baton::llm {

struct Gbnf::Part {
  enum class Kind { letter, rule, sequence, choice, repeat } kind = Kind::sequence;
  CodePoints characters{};    // letter; not empty
  std::size_t rule = 0;       // rule: its index
  std::vector<Part> parts{};  // sequence, choice; repeat: one
  int min = 0, max = -1;      // repeat; -1: no limit
};

struct Gbnf::Rule {
  std::string name;
  std::size_t named_at = 0;            // the first occurrence of the name, in bytes of the source
  std::optional<std::size_t> at = {};  // where it is defined
  Part body{};
};

struct Gbnf::Rules {
  std::vector<Rule> all;
  std::size_t root = 0;
};

// A fault of rules that are valid one by one: a place in the source and a description. It is checked when all are defined.
struct GbnfFault {
  std::size_t at = 0;
  std::string what;
};
std::optional<GbnfFault> find_fault(const Gbnf::Rules& rules);

}  // namespace baton::llm
