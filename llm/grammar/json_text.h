#pragma once
// A canonical text of each JSON value: characters stand for themselves but for quote, backslash and control characters, which have their
// shortest escape; separators are the style's. A mask writes listed values so; of other strings and numbers it allows every writing
// (json_strings.h, number_range.h).
#include <nlohmann/json_fwd.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "automaton.h"

namespace baton::llm {

using Json = nlohmann::ordered_json;

struct WritingStyle {
  // Beside its own separators, any white space (at most kMaxSpace characters) around colons, behind brackets and commas, and before closing
  // brackets: a model that indents its JSON and must not would rather go on with a number than write a comma that it would never have
  // written.
  bool free_space = false;
  std::string item_separator = ", ";  // between elements and between members
  std::string key_separator = ": ";
  bool operator==(const WritingStyle&) const = default;
};

// The value in that style. Numbers have an exponent where they would be long without: 1e21, 1e-7. Invalid UTF-8 becomes U+FFFD.
std::string write_json(const Json& value, const WritingStyle& style);

// A rule: white space, or none.
NodeId json_space(Automaton& out);
// As much as a line begins with, ten levels deep and four spaces a level; without a limit a model that has lost its way writes it for ever.
inline constexpr int kMaxSpace = 48;

}  // namespace baton::llm
