#pragma once
// Parses a regular expression into its parts, by ECMAScript's syntax.
#include <baton/llm/error.h>

#include <string_view>
#include <vector>

#include <baton/llm/grammar/characters.h>

namespace baton::llm {

struct RegexPart {
  enum class Kind { letter, sequence, choice, repeat, begin, end } kind = Kind::sequence;
  CodePoints characters;         // letter
  std::vector<RegexPart> parts;  // sequence, choice; repeat: one
  int min = 0, max = -1;         // repeat; -1: no limit
};

// Its errors are those of Regex::parse.
Result<RegexPart> parse_regex(std::string_view source);

}  // namespace baton::llm
