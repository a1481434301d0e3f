#pragma once
// The canonical text of a JSON value: characters are written as themselves, except for quote, backslash and control characters, which have
// their shortest escape; separators are the style's. A mask writes listed values in this form; of other strings and numbers it allows every
// form (json_strings.h, number_range.h).
#include <nlohmann/json_fwd.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <baton/llm/grammar/automaton.h>

namespace baton::llm {

using Json = nlohmann::ordered_json;

struct WritingStyle {
  // In addition to its own separators, any white space (at most kMaxSpace characters) around colons, after brackets and commas, and before
  // closing brackets. A model that is used to indented JSON and must not indent would rather continue a number than write an unusual comma.
  bool free_space = false;
  std::string item_separator = ", ";  // between elements and between members
  std::string key_separator = ": ";
  bool operator==(const WritingStyle&) const = default;
};

// The value in that style. Numbers have an exponent if they would be long without one: 1e21, 1e-7. Invalid UTF-8 becomes U+FFFD.
std::string write_json(const Json& value, const WritingStyle& style);

// A rule: white space, or none.
NodeId json_space(Automaton& out);
// The indentation of a line at ten levels with four spaces each. Without a limit, a confused model writes white space for ever.
inline constexpr int kMaxSpace = 48;

}  // namespace baton::llm
