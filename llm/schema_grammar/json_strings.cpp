#include "json_strings.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <tuple>

#include "json_text.h"

namespace baton::llm {
namespace {

bool must_be_escaped(std::uint32_t c) { return c < 0x20 || c == '"' || c == '\\'; }

// Python escapes all characters beyond ASCII, PHP slashes, and others the characters with a meaning in HTML or a URL.
bool is_often_escaped(std::uint32_t c) {
  return c >= 0x7F || (c < 0x80 && std::string_view("/<>&'+=`").find(static_cast<char>(c)) != std::string_view::npos);
}

// The part of `characters` within lo..hi, counted from lo.
CodePoints part(const CodePoints& characters, std::uint32_t lo, std::uint32_t hi) {
  CodePoints out;
  for (const auto& [from, to] : characters) {
    if (to >= lo && from <= hi) out.emplace_back(std::max(from, lo) - lo, std::min(to, hi) - lo);
  }
  return out;
}

// Numbers of four hexadecimal digits. Common endings are shared.
class HexDigits {
 public:
  explicit HexDigits(Automaton& out) : out_(out) {}

  // One of these numbers, in this many digits, then `next`.
  NodeId digits(int n, const CodePoints& numbers, NodeId next) {
    if (numbers.empty()) return Automaton::kDead;
    if (n == 0) return next;
    const auto [at, fresh] = known_.try_emplace({n, numbers, next}, Automaton::kDead);
    if (!fresh) return at->second;
    const NodeId node = at->second = out_.add();
    const std::uint32_t below = 1u << (4 * (n - 1));  // the range of the digits after the first one
    for (std::uint32_t digit = 0; digit < 16;) {
      const CodePoints rest = part(numbers, digit * below, digit * below + below - 1);
      std::uint32_t last = digit;
      while (last < 15 && part(numbers, (last + 1) * below, (last + 2) * below - 1) == rest) ++last;
      if (const NodeId there = digits(n - 1, rest, next); there != Automaton::kDead) lay(node, digit, last, there);
      digit = last + 1;
    }
    return node;
  }

 private:
  void lay(NodeId from, std::uint32_t lo, std::uint32_t hi, NodeId to) {
    if (lo <= 9) out_.byte(from, '0' + lo, '0' + std::min(hi, 9u), to);
    if (hi < 10) return;
    for (const unsigned letter : {0x61u, 0x41u})  // a, A
      out_.byte(from, letter + std::max(lo, 10u) - 10, letter + hi - 10, to);
  }

  Automaton& out_;
  std::map<std::tuple<int, CodePoints, NodeId>, NodeId> known_;
};

constexpr std::uint32_t kFirstHigh = 0xD800, kFirstLow = 0xDC00, kFirstAstral = 0x10000;

// Characters beyond U+FFFF by their surrogates: sets of second ones, and for each the first ones that all of the set may follow.
std::map<CodePoints, CodePoints> surrogates(const CodePoints& characters) {
  std::map<CodePoints, CodePoints> firsts;
  const CodePoints astral = part(characters, kFirstAstral, kLastCodePoint);
  std::map<std::uint32_t, CodePoints> partial;  // for a first one, its second ones, if they are not all
  for (const auto& [lo, hi] : astral) {
    const std::uint32_t first = lo >> 10, last = hi >> 10;
    const auto add = [&, lo = lo, hi = hi](std::uint32_t high) {
      const CodePoints lows = part({{lo, hi}}, high << 10, (high << 10) + 0x3FF);
      partial[high].insert(partial[high].end(), lows.begin(), lows.end());
    };
    add(first);
    if (last > first) add(last);
    if (last > first + 1) firsts[{{kFirstLow, kFirstLow + 0x3FF}}].emplace_back(kFirstHigh + first + 1, kFirstHigh + last - 1);
  }
  for (const auto& [high, lows] : partial) {
    CodePoints shifted;
    for (const auto& [lo, hi] : normal(lows)) shifted.emplace_back(kFirstLow + lo, kFirstLow + hi);
    firsts[shifted].emplace_back(kFirstHigh + high, kFirstHigh + high);
  }
  for (auto& [lows, highs] : firsts) highs = normal(highs);
  return firsts;
}

// The texts without their quotes, as a reader sees them: bytes that are not UTF-8 have become U+FFFD.
std::vector<std::string> as_read(const std::vector<std::string>& texts) {
  std::vector<std::string> read;
  for (const std::string& text : texts) read.push_back(Json::parse(write_json(Json(text), {})).get<std::string>());
  std::sort(read.begin(), read.end());
  read.erase(std::unique(read.begin(), read.end()), read.end());
  return read;
}

}  // namespace

NodeId JsonStrings::escape(const CodePoints& characters) {
  const auto [at, fresh] = escapes_.try_emplace(characters, Automaton::kDead);
  if (!fresh) return at->second;
  if (characters.empty()) return Automaton::kDead;
  const NodeId end = out_.final(), begin = at->second = out_.add();
  const auto has = [&](std::uint32_t c) { return !part(characters, c, c).empty(); };
  for (const auto& [c, letter] :
       {std::pair{'"', '"'}, {'\\', '\\'}, {'/', '/'}, {'\b', 'b'}, {'\f', 'f'}, {'\n', 'n'}, {'\r', 'r'}, {'\t', 't'}}) {
    if (has(static_cast<unsigned char>(c))) out_.byte(begin, static_cast<unsigned char>(letter), static_cast<unsigned char>(letter), end);
  }
  HexDigits hex(out_);
  std::vector<NodeId> ways = {hex.digits(4, without_surrogates(part(characters, 0, 0xFFFF)), end)};
  for (const auto& [lows, highs] : surrogates(characters))
    ways.push_back(hex.digits(4, highs, out_.bytes("\\u", hex.digits(4, lows, end))));
  out_.byte(begin, 'u', 'u', out_.any_of(ways));
  return begin;
}

NodeId JsonStrings::open_escape(NodeId from) {
  const NodeId opened = out_.add();
  out_.byte(from, '\\', '\\', opened);
  return opened;
}

void JsonStrings::close_escape(NodeId opened, const CodePoints& characters, NodeId to) {
  Edge call;
  call.kind = Edge::Kind::call;
  call.callee = escape(characters);
  call.target = to;
  if (call.callee != Automaton::kDead) out_.edge(opened, call);
}

void JsonStrings::characters(NodeId from, NodeId to, const CodePoints& characters, const Count& count) {
  if (to == Automaton::kDead || characters.empty()) return;
  CodePoints plain;
  for (auto [lo, hi] : characters) {
    for (std::uint32_t c = lo; c <= hi && c < 0x80; ++c) {
      if (!must_be_escaped(c)) continue;
      if (c > lo) plain.emplace_back(lo, c - 1);
      lo = c + 1;
    }
    if (lo <= hi) plain.emplace_back(lo, hi);
  }
  text_edges(out_, from, to, plain, count);
  const NodeId opened = out_.add();
  Edge backslash;
  backslash.kind = Edge::Kind::byte;
  backslash.lo = backslash.hi = '\\';
  backslash.target = opened;
  out_.edge(from, count.counted(backslash));
  close_escape(opened, characters, to);
}

NodeId JsonStrings::any(const Count& length, NodeId next) {
  const NodeId body = out_.add();
  out_.node(body).string_body = true;
  characters(body, body, kAllCodePoints, length);
  Edge quote;
  quote.kind = Edge::Kind::byte;
  quote.lo = quote.hi = '"';
  quote.target = next;
  quote.at_least = length.min;
  out_.edge(body, quote);
  return out_.bytes("\"", body);
}

// The body of any string, and in parallel the refused texts, letter by letter, as long as one of them matches. Not recursive: a text may be
// as long as the document.
NodeId JsonStrings::any_except(const std::vector<std::string>& refused, NodeId next) {
  const NodeId body = out_.add();
  out_.node(body).string_body = true;
  characters(body, body, kAllCodePoints, {});
  out_.byte(body, '"', '"', next);
  const std::vector<std::string> texts = as_read(refused);
  if (texts.empty()) return out_.bytes("\"", body);

  // Texts [first, last) of the sorted ones begin with the same `length` bytes, which were written; `free` is the place of the free body
  // then.
  struct Place {
    std::size_t first, last, length;
    NodeId free, node;
  };
  std::map<std::tuple<std::size_t, std::size_t, NodeId>, NodeId> known;
  std::vector<Place> waiting;
  const auto node_of = [&](std::size_t first, std::size_t last, std::size_t length, NodeId free) {
    const auto [at, fresh] = known.try_emplace({first, length, free}, Automaton::kDead);
    if (fresh) {
      at->second = out_.add();
      waiting.push_back({first, last, length, free, at->second});
    }
    return at->second;
  };
  const auto follow_escapes = [&](const Place& place, std::size_t first) {
    const NodeId opened = open_escape(place.node);
    CodePoints letters;
    while (first < place.last) {
      std::size_t length = place.length, last = first;
      const std::uint32_t letter = take_code_point(texts[first], length);
      const std::string_view bytes = std::string_view(texts[first]).substr(place.length, length - place.length);
      while (last < place.last && std::string_view(texts[last]).substr(place.length).starts_with(bytes)) ++last;
      close_escape(opened, {{letter, letter}}, node_of(first, last, length, body));
      letters.emplace_back(letter, letter);
      first = last;
    }
    close_escape(opened, without_surrogates(complement(letters)), body);
  };
  const NodeId start = node_of(0, texts.size(), 0, body);
  while (!waiting.empty() && !out_.too_large()) {
    const Place place = waiting.back();
    waiting.pop_back();
    const bool whole = texts[place.first].size() == place.length;
    if (place.free == body) follow_escapes(place, place.first + whole);
    const std::vector<Edge> edges = out_.nodes()[static_cast<std::size_t>(place.free)].edges;
    for (const Edge& edge : edges) {
      if (place.free == body && edge.lo == '\\' && edge.hi == '\\') continue;
      if (edge.target == next && edge.lo == '"') {
        if (!whole) out_.byte(place.node, '"', '"', next);
        continue;
      }
      unsigned lo = edge.lo;
      for (std::size_t first = place.first + whole, last = first; first < place.last; first = last) {
        const auto letter = static_cast<unsigned char>(texts[first][place.length]);
        while (last < place.last && static_cast<unsigned char>(texts[last][place.length]) == letter) ++last;
        if (letter < lo || letter > edge.hi) continue;
        if (letter > lo) out_.byte(place.node, lo, letter - 1, edge.target);
        out_.byte(place.node, letter, letter, node_of(first, last, place.length + 1, edge.target));
        lo = letter + 1u;
      }
      if (lo <= edge.hi) out_.byte(place.node, lo, edge.hi, edge.target);
    }
  }
  return out_.bytes("\"", start);
}

NodeId JsonStrings::listed(std::vector<std::string> texts, NodeId next) {
  const auto escape = [this](const std::string& text, const std::vector<NodeId>& way, std::size_t shared) {
    for (std::size_t at = 0; at < text.size();) {  // all such characters are inside strings
      const std::size_t begin = at;
      const std::uint32_t c = take_code_point(text, at);
      if (at > shared && is_often_escaped(c)) close_escape(open_escape(way[begin]), {{c, c}}, way[at]);
    }
  };
  return out_.one_of(std::move(texts), next, escape);
}

}  // namespace baton::llm
