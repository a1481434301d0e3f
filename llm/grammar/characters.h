#pragma once
// Characters as automata, in UTF-8.
#include <cstdint>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

#include "automaton.h"

namespace baton::llm {

// Ranges of code points. Unless stated otherwise: ascending, not touching, without surrogates.
using CodePoints = std::vector<std::pair<std::uint32_t, std::uint32_t>>;
inline constexpr std::uint32_t kLastCodePoint = 0x10FFFF;
inline const CodePoints kAllCodePoints = {{0, 0xD7FF}, {0xE000, kLastCodePoint}};

CodePoints normal(CodePoints ranges);             // of any ranges: ascending, not touching
CodePoints complement(const CodePoints& ranges);  // likewise; the result may hold surrogates
CodePoints without_surrogates(const CodePoints& ranges);

// The next character of a text; `at` may go at most one beyond its end. Bytes that are not UTF-8 give some code point.
std::uint32_t take_code_point(std::string_view text, std::size_t& at);

using ByteRanges = std::vector<std::pair<unsigned, unsigned>>;  // one per byte

// UTF-8 of lo..hi, as sequences of byte ranges.
void utf8_ranges(std::uint32_t lo, std::uint32_t hi, std::vector<ByteRanges>& out);

// Adds sequences of byte ranges. Sequences with a common prefix share it, and the first byte of each adds one to the counter.
class WayLayer {
 public:
  WayLayer(Automaton& out, const Count& count) : out_(out), count_(count) {}
  void lay(NodeId from, const ByteRanges& ranges, NodeId to);

 private:
  NodeId way(NodeId from, std::pair<unsigned, unsigned> range, bool first, NodeId to);

  Automaton& out_;
  const Count& count_;
  std::map<std::pair<NodeId, std::pair<unsigned, unsigned>>, NodeId> ways_;
};

// Adds edges from `from` to `to` for one of these characters, counted in the frame's counter.
void text_edges(Automaton& out, NodeId from, NodeId to, const CodePoints& characters, const Count& count);

}  // namespace baton::llm
