#include "characters.h"

#include <algorithm>

namespace baton::llm {

CodePoints normal(CodePoints ranges) {
  std::sort(ranges.begin(), ranges.end());
  CodePoints out;
  for (const auto& [lo, hi] : ranges) {
    if (!out.empty() && lo <= out.back().second + 1) {
      out.back().second = std::max(out.back().second, hi);
    } else {
      out.emplace_back(lo, hi);
    }
  }
  return out;
}

CodePoints complement(const CodePoints& ranges) {
  CodePoints out;
  std::uint32_t from = 0;
  for (const auto& [lo, hi] : normal(ranges)) {
    if (lo > from) out.emplace_back(from, lo - 1);
    from = hi + 1;
  }
  if (from <= kLastCodePoint) out.emplace_back(from, kLastCodePoint);
  return out;
}

CodePoints without_surrogates(const CodePoints& ranges) {
  CodePoints out;
  for (const auto& [lo, hi] : ranges) {
    if (lo < 0xD800) out.emplace_back(lo, std::min(hi, 0xD7FFu));
    if (hi > 0xDFFF) out.emplace_back(std::max(lo, 0xE000u), hi);
  }
  return out;
}

std::uint32_t take_code_point(std::string_view text, std::size_t& at) {
  const auto lead = static_cast<unsigned char>(text[at++]);
  if (lead < 0x80) return lead;
  const int n = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : 1;
  std::uint32_t c = lead & (0x3Fu >> n);
  for (int i = 0; i < n && at < text.size(); ++i) c = (c << 6) | (static_cast<unsigned char>(text[at++]) & 0x3Fu);
  return std::min(c, kLastCodePoint);
}

// Split where the length changes, and where a continuation byte would not cover all of 80 to BF.
void utf8_ranges(std::uint32_t lo, std::uint32_t hi, std::vector<ByteRanges>& out) {
  for (const std::uint32_t last : {0x7Fu, 0x7FFu, 0xFFFFu}) {
    if (lo <= last && hi > last) {
      utf8_ranges(lo, last, out);
      return utf8_ranges(last + 1, hi, out);
    }
  }
  const int n = hi <= 0x7F ? 0 : hi <= 0x7FF ? 1 : hi <= 0xFFFF ? 2 : 3;  // continuation bytes
  for (int i = 1; i <= n; ++i) {
    const std::uint32_t below = (1u << (6 * i)) - 1;
    if ((lo & ~below) == (hi & ~below)) continue;
    if ((lo & below) != 0) {
      utf8_ranges(lo, lo | below, out);
      return utf8_ranges((lo | below) + 1, hi, out);
    }
    if ((hi & below) != below) {
      utf8_ranges(lo, (hi & ~below) - 1, out);
      return utf8_ranges(hi & ~below, hi, out);
    }
  }
  static constexpr unsigned kLead[] = {0, 0xC0, 0xE0, 0xF0};
  ByteRanges sequence{{kLead[n] | (lo >> (6 * n)), kLead[n] | (hi >> (6 * n))}};
  for (int i = n - 1; i >= 0; --i) sequence.push_back({0x80 | ((lo >> (6 * i)) & 0x3F), 0x80 | ((hi >> (6 * i)) & 0x3F)});
  out.push_back(std::move(sequence));
}

NodeId WayLayer::way(NodeId from, std::pair<unsigned, unsigned> range, bool first, NodeId to) {
  const bool ends = to != Automaton::kDead;
  if (!ends) {
    const auto [at, fresh] = ways_.try_emplace({from, range}, Automaton::kDead);
    if (!fresh) return at->second;
    at->second = to = out_.add();
  }
  Edge edge;
  edge.kind = Edge::Kind::byte;
  edge.lo = static_cast<std::uint8_t>(range.first);
  edge.hi = static_cast<std::uint8_t>(range.second);
  edge.target = to;
  out_.edge(from, first ? count_.counted(edge) : edge);
  return to;
}

void WayLayer::lay(NodeId from, const ByteRanges& ranges, NodeId to) {
  for (std::size_t i = 0; i < ranges.size(); ++i) from = way(from, ranges[i], i == 0, i + 1 == ranges.size() ? to : Automaton::kDead);
}

void text_edges(Automaton& out, NodeId from, NodeId to, const CodePoints& characters, const Count& count) {
  if (to == Automaton::kDead) return;
  WayLayer layer(out, count);
  std::vector<ByteRanges> ways;
  for (const auto& [lo, hi] : characters) utf8_ranges(lo, hi, ways);
  for (const ByteRanges& ranges : ways) layer.lay(from, ranges, to);
}

}  // namespace baton::llm
