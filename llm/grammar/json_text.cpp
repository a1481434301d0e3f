#include "json_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <nlohmann/json.hpp>
#include <tuple>

namespace baton::llm {
namespace {

std::string quoted(const std::string& text) { return Json(text).dump(-1, ' ', false, Json::error_handler_t::replace); }

// What a JSON string has between its quotes for one character.
std::string escaped(std::uint32_t control_or_special) {
  const std::string text = quoted(std::string(1, static_cast<char>(control_or_special)));
  return text.substr(1, text.size() - 2);
}

void write(const Json& value, const WritingStyle& style, std::string& out) {
  if (value.is_object() || value.is_array()) {
    out += value.is_object() ? '{' : '[';
    bool first = true;
    for (const auto& [key, member] : value.items()) {
      if (!first) out += style.item_separator;
      first = false;
      if (value.is_object()) out += quoted(key) + style.key_separator;
      write(member, style, out);
    }
    out += value.is_object() ? '}' : ']';
  } else if (value.is_number_float()) {
    std::array<char, 400> text{};
    const auto end = std::to_chars(text.data(), text.data() + text.size(), value.get<double>(), std::chars_format::fixed);
    out.append(text.data(), end.ptr);
  } else {
    out += value.dump(-1, ' ', false, Json::error_handler_t::replace);
  }
}

bool must_be_escaped(std::uint32_t c) { return c < 0x20 || c == '"' || c == '\\'; }

}  // namespace

std::string write_json(const Json& value, const WritingStyle& style) {
  std::string out;
  write(value, style, out);
  return out;
}

NodeId json_space(Automaton& out) {
  const NodeId end = out.final();
  NodeId next = end;
  for (int i = 0; i < kMaxSpace; ++i) {
    const NodeId space = out.add();
    for (const char c : {' ', '\t', '\n', '\r'}) out.byte(space, static_cast<unsigned char>(c), static_cast<unsigned char>(c), next);
    out.empty(space, end);
    next = space;
  }
  return next;
}

void character_edges(Automaton& out, NodeId from, NodeId to, const CodePoints& characters, const Count& count) {
  WayLayer layer(out, count);
  std::vector<ByteRanges> plain;
  std::vector<std::uint32_t> special;
  for (auto [lo, hi] : characters) {
    for (std::uint32_t c = lo; c <= hi && c < 0x80; ++c) {
      if (!must_be_escaped(c)) continue;
      special.push_back(c);
      if (c > lo) utf8_ranges(lo, c - 1, plain);
      lo = c + 1;
    }
    if (lo <= hi) utf8_ranges(lo, hi, plain);
  }
  for (const ByteRanges& ranges : plain) layer.lay(from, ranges, to);
  for (const std::uint32_t c : special) {
    ByteRanges ranges;
    for (const char byte : escaped(c)) ranges.push_back({static_cast<unsigned char>(byte), static_cast<unsigned char>(byte)});
    layer.lay(from, ranges, to);
  }
}

NodeId json_string(Automaton& out, const Count& length, NodeId next) {
  const NodeId body = out.add();
  out.node(body).string_body = true;
  character_edges(out, body, body, kAllCodePoints, length);
  Edge quote;
  quote.kind = Edge::Kind::byte;
  quote.lo = quote.hi = '"';
  quote.target = next;
  quote.at_least = length.min;
  out.edge(body, quote);
  return out.bytes("\"", body);
}

// The body of any string, beside which the texts are followed letter by letter for as long as one of them fits. Not by recursion: a text
// may be as long as the document.
NodeId json_string_except(Automaton& out, const std::vector<std::string>& texts, NodeId next) {
  const NodeId body = out.add();
  out.node(body).string_body = true;
  character_edges(out, body, body, kAllCodePoints, {});
  out.byte(body, '"', '"', next);

  std::vector<std::string> written;
  for (const std::string& text : texts) {
    const std::string json = quoted(text);
    written.push_back(json.substr(1, json.size() - 2));
  }
  std::sort(written.begin(), written.end());
  written.erase(std::unique(written.begin(), written.end()), written.end());
  // Texts [first, last) of the sorted ones begin with the same `length` bytes, which stand there; `free` is where the free body is then.
  struct Place {
    std::size_t first, last, length;
    NodeId free, node;
  };
  std::map<std::tuple<std::size_t, std::size_t, NodeId>, NodeId> known;
  std::vector<Place> waiting;
  const auto node_of = [&](std::size_t first, std::size_t last, std::size_t length, NodeId free) {
    const auto [at, fresh] = known.try_emplace({first, length, free}, Automaton::kDead);
    if (fresh) {
      at->second = out.add();
      waiting.push_back({first, last, length, free, at->second});
    }
    return at->second;
  };
  if (written.empty()) return out.bytes("\"", body);
  const NodeId start = node_of(0, written.size(), 0, body);
  while (!waiting.empty() && !out.too_large()) {
    const Place place = waiting.back();
    waiting.pop_back();
    const bool whole = written[place.first].size() == place.length;
    const std::vector<Edge> edges = out.nodes()[static_cast<std::size_t>(place.free)].edges;
    for (const Edge& edge : edges) {
      if (edge.target == next && edge.lo == '"') {
        if (!whole) out.byte(place.node, '"', '"', next);
        continue;
      }
      unsigned lo = edge.lo;
      for (std::size_t first = place.first + whole, last = first; first < place.last; first = last) {
        const auto letter = static_cast<unsigned char>(written[first][place.length]);
        while (last < place.last && static_cast<unsigned char>(written[last][place.length]) == letter) ++last;
        if (letter < lo || letter > edge.hi) continue;
        if (letter > lo) out.byte(place.node, lo, letter - 1, edge.target);
        out.byte(place.node, letter, letter, node_of(first, last, place.length + 1, edge.target));
        lo = letter + 1u;
      }
      if (lo <= edge.hi) out.byte(place.node, lo, edge.hi, edge.target);
    }
  }
  return out.bytes("\"", start);
}

void counted_digit(Automaton& out, NodeId from, unsigned lo, unsigned hi, NodeId to, int most) {
  Edge edge;
  edge.kind = Edge::Kind::byte;
  edge.lo = static_cast<std::uint8_t>(lo);
  edge.hi = static_cast<std::uint8_t>(hi);
  edge.target = to;
  out.edge(from, Count{0, most}.counted(edge));
}

NodeId json_integer(Automaton& out, NodeId next) {
  const NodeId digits = out.add(), unsigned_part = out.add(), start = out.add();
  counted_digit(out, digits, '0', '9', digits, kMaxIntegerDigits - 1);
  out.empty(digits, next);
  out.byte(unsigned_part, '1', '9', digits);
  out.byte(unsigned_part, '0', '0', next);
  out.byte(start, '-', '-', unsigned_part);
  out.empty(start, unsigned_part);
  return start;
}

NodeId json_number(Automaton& out, NodeId next) {
  // At most two digits: what reads 1e999 has no number for it.
  const NodeId exponent_digits = out.add(), exponent_sign = out.add(), exponent = out.add();
  out.byte(exponent_digits, '0', '9', next);
  out.empty(exponent_digits, next);
  const NodeId exponent_first = out.add();
  out.byte(exponent_first, '0', '9', exponent_digits);
  out.byte(exponent_sign, '+', '+', exponent_first);
  out.byte(exponent_sign, '-', '-', exponent_first);
  out.empty(exponent_sign, exponent_first);
  Edge e;
  e.kind = Edge::Kind::byte;
  e.lo = e.hi = 'e';
  e.target = exponent_sign;
  e.below = kMaxDigitsBeforeExponent;
  out.edge(exponent, e);
  out.empty(exponent, next);
  const NodeId fraction_digits = out.add(), fraction_first = out.add(), fraction = out.add();
  out.byte(fraction_digits, '0', '9', fraction_digits);
  out.empty(fraction_digits, exponent);
  out.byte(fraction_first, '0', '9', fraction_digits);
  out.byte(fraction, '.', '.', fraction_first);
  out.empty(fraction, exponent);
  return json_integer(out, fraction);
}

}  // namespace baton::llm
