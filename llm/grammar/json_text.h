#pragma once
// How JSON is written under a mask: one canonical style, of which every JSON value has exactly one text (numbers have several). Characters
// stand for themselves but for quote, backslash and control characters, which have their shortest escape; separators are the style's.
#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "automaton.h"
#include "characters.h"

namespace baton::llm {

using Json = nlohmann::ordered_json;

struct WritingStyle {
  // Beside its own separators, any white space (at most kMaxSpace characters) behind brackets, commas and colons, and before closing
  // brackets: a model that indents its JSON and must not would rather go on with a number than write a comma that it would never have
  // written.
  bool free_space = false;
  std::string item_separator = ", ";  // between elements and between members
  std::string key_separator = ": ";
  bool operator==(const WritingStyle&) const = default;
};

// The value in that style. Numbers without an exponent: 1e-7 is 0.0000001. Invalid UTF-8 becomes U+FFFD.
std::string write_json(const Json& value, const WritingStyle& style);

// A rule: white space, or none.
NodeId json_space(Automaton& out);
// As much as a line begins with, ten levels deep and four spaces a level; without a limit a model that has lost its way writes it for ever.
inline constexpr int kMaxSpace = 48;

// From `from`, one of these characters, as a JSON string has it, to `to`; counted in the frame's counter.
void character_edges(Automaton& out, NodeId from, NodeId to, const CodePoints& characters, const Count& count);

// A string with its quotes, of so many characters.
NodeId json_string(Automaton& out, const Count& length, NodeId next);
// The same, but none of these.
NodeId json_string_except(Automaton& out, const std::vector<std::string>& texts, NodeId next);

// A double has no more digits before the point, whichever they are; with an exponent of two digits it has no more than the second.
inline constexpr int kMaxIntegerDigits = 308, kMaxDigitsBeforeExponent = 200;
// Counted in the frame's counter, at most so often.
void counted_digit(Automaton& out, NodeId from, unsigned lo, unsigned hi, NodeId to, int most);
// -?(0|[1-9][0-9]*), and for numbers with a fraction and an exponent of at most two digits.
NodeId json_integer(Automaton& out, NodeId next);
NodeId json_number(Automaton& out, NodeId next);

}  // namespace baton::llm
