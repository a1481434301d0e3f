// A call must have the value that the model meant: values in their legal writings (escapes, exponents, order, white space), each written
// token by token under the mask of its schema and read as a call. The result is equal, or is refused with a reason that is known
// beforehand.
#include <baton/llm/call_parser/call_parser.h>
#include <baton/llm/grammar/grammar.h>
#include <baton/llm/json_schema/json_value.h>
#include <baton/llm/schema_grammar/schema_compiler.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <unordered_map>

namespace baton::llm {
namespace {

using Random = std::mt19937;

std::string utf8(std::uint32_t c) {
  std::string text;
  const auto more = [&](int shift) { text += static_cast<char>(0x80 | ((c >> shift) & 0x3F)); };
  if (c < 0x80) return {static_cast<char>(c)};
  if (c < 0x800) {
    text = static_cast<char>(0xC0 | (c >> 6));
  } else if (c < 0x10000) {
    text = static_cast<char>(0xE0 | (c >> 12));
    more(6);
  } else {
    text = static_cast<char>(0xF0 | (c >> 18));
    more(12);
    more(6);
  }
  more(0);
  return text;
}

// A number as digits * 10^exponent.
struct Number {
  bool negative = false;
  std::string digits = "0";
  int exponent = 0;
  std::string text() const { return (negative ? "-" : "") + digits + (exponent == 0 ? "" : "e" + std::to_string(exponent)); }
};

// A schema with one value that is valid under it; and, for a number, its parts.
struct Case {
  Json schema, value;
  std::vector<std::uint32_t> text{};  // of a string
  Number number{};
  std::vector<Case> parts{};  // elements, or the values of members in their order
};

class Cases {
 public:
  explicit Cases(unsigned seed) : random_(seed) {}

  Case object(int depth) {
    Case made{{{"type", "object"}, {"properties", Json::object()}, {"required", Json::array()}, {"additionalProperties", false}},
              Json::object()};
    for (unsigned i = 0, n = 1 + pick(4); i < n; ++i) {
      const std::string name = std::vector<std::string>{"city", "größe", "a/b", "n \"q\"", "名前"}[i];
      made.parts.push_back(any(depth + 1));
      made.schema["properties"][name] = made.parts.back().schema;
      made.schema["required"].push_back(name);
      made.value[name] = made.parts.back().value;
    }
    return made;
  }

 private:
  unsigned pick(unsigned n) { return static_cast<unsigned>(random_() % n); }

  Case any(int depth) {
    switch (pick(depth < 3 ? 9 : 6)) {
      case 0:
      case 1:
        return string();
      case 2:
        return integer();
      case 3:
      case 4:
        return number();
      case 5:
        return listed();
      case 6:
        return array(depth);
      case 7:
        return object(depth);
      default: {
        Case free = object(depth);  // written under an unconstrained schema
        free.schema = {{"type", "object"}};
        forget(free);
        return free;
      }
    }
  }
  static void forget(Case& made) {
    for (Case& part : made.parts) {
      part.schema = Json::object();
      forget(part);
    }
  }

  Case string() {
    Case made;
    std::string text;
    for (unsigned i = 0, n = pick(12); i < n; ++i) {
      static const std::vector<std::pair<std::uint32_t, std::uint32_t>> kScripts = {
          {' ', '~'}, {' ', '~'}, {0, 0x1F}, {0x7F, 0x24F}, {0x4E00, 0x9FFF}, {0xE000, 0xFFFF}, {0x1F300, 0x1FAFF}, {0x10000, 0x10FFFF}};
      static const std::vector<std::uint32_t> kAwkward = {'"', '\\', '/', '\n', 0xE9, 0xFC, 0x2028, 0xFFFD};
      const auto& [lo, hi] = kScripts[pick(8)];
      made.text.push_back(pick(3) == 0 ? kAwkward[pick(8)] : lo + pick(hi - lo + 1));
      text += utf8(made.text.back());
    }
    made.value = text;
    made.schema = {{"type", "string"}};
    if (pick(3) == 0) made.schema["minLength"] = pick(static_cast<unsigned>(made.text.size()) + 1);
    if (pick(3) == 0) made.schema["maxLength"] = made.text.size() + pick(3);
    if (pick(4) == 0) made.schema["pattern"] = std::vector<const char*>{"^[^]*$", "^[^\\u{10FFFE}]*", "^(?:[ -~]|[^ -~])*$"}[pick(3)];
    if (pick(5) == 0) made.schema = {{"type", "string"}, {"not", {{"enum", {text + "x", "root"}}}}};
    return made;
  }

  Number digits(int least_exponent, int most_exponent) {
    Number made;
    made.negative = pick(4) == 0;
    made.digits = std::to_string(1 + pick(pick(2) ? 9 : 99'999));
    made.exponent = least_exponent + static_cast<int>(pick(static_cast<unsigned>(most_exponent - least_exponent + 1)));
    return made;
  }

  Case integer() {
    Case made;
    made.number = digits(0, 4);
    std::int64_t value = std::stoll(made.number.digits);
    for (int i = 0; i < made.number.exponent; ++i) value *= 10;
    if (made.number.negative) value = -value;
    made.value = value;
    made.schema = {{"type", "integer"}};
    if (pick(2)) made.schema["minimum"] = value - pick(10'000);
    if (pick(3) == 0) made.schema["maximum"] = value + pick(3);
    if (pick(4) == 0 && value % 5 == 0) made.schema["multipleOf"] = 5;
    return made;
  }

  Case number() {
    Case made;
    made.number = digits(-9, 6);
    made.value = Json::parse(made.number.text());
    const double value = made.value.get<double>();
    made.schema = {{"type", "number"}};
    if (pick(2)) made.schema["minimum"] = value > 0 ? 0.0 : value - 1;
    if (pick(3) == 0) made.schema["maximum"] = value < 0 ? 0.0 : value * 2;
    if (pick(5) == 0) made.schema["exclusiveMinimum"] = value - 0.5;
    if (pick(6) == 0) made.schema = {{"type", "number"}, {"multipleOf", 0.01}};
    if (made.schema.contains("multipleOf") && made.number.exponent < -2) made.schema = {{"type", "number"}};
    return made;
  }

  Case listed() {
    static const std::vector<std::vector<std::uint32_t>> kTexts = {
        {'a'}, {'C', 'a', 'f', 0xE9}, {'a', '/', 'b'}, {0x1F600}, {'<', 0x4F60, '>'}};
    Case made;
    Json all = Json::array();
    const unsigned chosen = pick(5);
    for (unsigned i = 0; i < 5; ++i) {
      std::string text;
      for (const std::uint32_t c : kTexts[i]) text += utf8(c);
      if (i == chosen) made.value = text;
      all.push_back(text);
    }
    made.text = kTexts[chosen];
    made.schema = pick(3) == 0 ? Json{{"const", made.value}} : Json{{"enum", all}};
    return made;
  }

  Case array(int depth) {
    Case made{{{"type", "array"}, {"prefixItems", Json::array()}, {"items", false}}, Json::array()};
    for (unsigned i = 0, n = 1 + pick(3); i < n; ++i) {
      made.parts.push_back(any(depth + 1));
      made.schema["prefixItems"].push_back(made.parts.back().schema);
      made.value.push_back(made.parts.back().value);
    }
    return made;
  }

  Random random_;
};

// One of the legal writings of a value; `reasons`: the reasons for which a mask may refuse it.
class Writer {
 public:
  explicit Writer(Random& random) : random_(random) {}

  std::string write(const Case& made) {
    if (made.value.is_string()) return string(made.text, made.schema.contains("enum") || made.schema.contains("const"));
    if (made.value.is_number()) return number(made);
    const bool object = made.value.is_object();
    std::vector<std::string> members;
    std::size_t i = 0;
    for (const auto& [name, value] : made.value.items()) {
      std::string member = object ? key(name) + colon() : "";
      members.push_back(member + write(made.parts[i++]));
    }
    if (object && pick(8) == 0 && made.schema.contains("properties")) {
      const auto before = members;
      std::shuffle(members.begin(), members.end(), random_);
      if (members != before) reasons.insert("members come in the order of the schema");
    }
    std::string text = (object ? "{" : "[") + space();
    for (std::size_t k = 0; k < members.size(); ++k) text += (k == 0 ? "" : comma()) + members[k];
    return text + space() + (object ? "}" : "]");
  }

  std::set<std::string> reasons;

 private:
  unsigned pick(unsigned n) { return static_cast<unsigned>(random_() % n); }

  std::string space() {
    std::string text;
    for (unsigned n = pick(3) == 0 ? pick(6) : pick(2); n > 0; --n) text += " \n\t\r"[pick(4)];
    return text;
  }
  std::string comma() {
    if (pick(100) != 0) return "," + space();
    reasons.insert("no white space before a comma");
    return " , ";
  }
  std::string colon() { return (pick(20) == 0 ? " :" : ":") + space(); }

  std::string key(const std::string& name) {
    std::vector<std::uint32_t> letters;
    for (std::size_t at = 0; at < name.size();) letters.push_back(take_code_point(name, at));
    return string(letters, true);
  }

  // listed: a name or one of the values of an enumeration, of which only some characters may be escaped.
  std::string string(const std::vector<std::uint32_t>& letters, bool listed) {
    constexpr std::string_view kShort = "\"\\/\b\f\n\r\t", kLetters = "\"\\/bfnrt";
    std::string text = "\"";
    for (const std::uint32_t c : letters) {
      const auto at = c < 0x80 ? kShort.find(static_cast<char>(c)) : std::string_view::npos;
      const bool plain = c >= 0x20 && c != '"' && c != '\\';
      const bool often = c >= 0x7F || c == '/' || c == '<' || c == '>';
      const unsigned way = listed && !often && pick(300) != 0 ? (plain ? 0u : 1u) : pick(4);
      if (way == 0 && plain) {
        text += utf8(c);
      } else if (way == 1 && at != std::string_view::npos) {
        text += std::string("\\") + kLetters[at];
      } else {
        if (listed && !often) reasons.insert("listed texts are written letter by letter");
        text += escape(c);
      }
    }
    return text + '"';
  }
  std::string escape(std::uint32_t c) {
    if (c >= 0x10000) return escape(0xD800 + ((c - 0x10000) >> 10)) + escape(0xDC00 + (c & 0x3FF));
    const std::string_view digits = pick(2) ? "0123456789abcdef" : "0123456789ABCDEF";
    std::string text = "\\u";
    for (int shift = 12; shift >= 0; shift -= 4) text += digits[(c >> shift) & 15];
    return text;
  }

  // The point after some of the digits, and the exponent that belongs to it.
  std::string number(const Case& made) {
    const Number& n = made.number;
    const bool whole = made.schema.contains("type") && (made.schema["type"] == "integer" || made.schema.contains("multipleOf"));
    std::string digits = n.digits;
    int exponent = n.exponent;
    unsigned point = static_cast<unsigned>(digits.size());
    const unsigned way = pick(4);
    if (way == 0 && exponent < 0) {  // without an exponent
      while (static_cast<int>(digits.size()) + exponent < 1) digits.insert(0, "0");
      point = static_cast<unsigned>(static_cast<int>(digits.size()) + exponent);
      exponent = 0;
    } else if (way == 0) {
      digits.append(static_cast<std::size_t>(exponent), '0');
      point = static_cast<unsigned>(digits.size());
      exponent = 0;
    } else if (way == 1 && !whole) {  // scientific
      point = 1;
    } else if (way == 2 && !whole) {
      point = pick(static_cast<unsigned>(digits.size()) + 1);
    }
    if (way != 0) exponent += static_cast<int>(digits.size() - point);
    std::string text = n.negative ? "-" : "";
    text += point == 0 ? "0" : digits.substr(0, point);
    if (point < digits.size()) text += "." + digits.substr(point);
    if (point < digits.size() && !whole && pick(3) == 0) text += std::string(pick(3), '0');
    if (exponent != 0 || pick(10) == 0) {
      const std::string sign = exponent < 0 ? "-" : pick(2) ? "+" : "";
      text += std::string(1, "eE"[pick(2)]) + sign + (pick(4) == 0 ? "0" : "") + std::to_string(std::abs(exponent));
      const bool bounded = made.schema.contains("minimum") || made.schema.contains("maximum") || made.schema.contains("exclusiveMinimum");
      if (point != 1 && bounded && !whole) reasons.insert("digits that only an exponent brings back have one of them before the point");
      if (whole && (exponent < 0 || text.find('-', 1) != std::string::npos || point < digits.size()))
        reasons.insert("integers and multiples have no more places than they need");
    }
    return text;
  }

  Random& random_;
};

// Tokens like those of real vocabularies: pieces of JSON, cut anywhere.
std::vector<std::string> vocabulary() {
  std::vector<std::string> tokens;
  for (int byte = 0; byte < 256; ++byte) tokens.push_back(std::string(1, static_cast<char>(byte)));
  const std::vector<std::string> pieces = {"\"", "\\", "\\u", "u", "00", "e9", "D8", "dc", ",", ":", " ",  "{",       "}",
                                           "[",  "]",  "\n",  "0", "1",  ".",  "e-", "E",  "a", "ü", "名", "\xf0\x9f"};
  for (const std::string& a : pieces) {
    for (const std::string& b : pieces) {
      tokens.push_back(a + b);
      for (const std::string& c : {std::string("\""), std::string("0"), std::string("\\u")}) tokens.push_back(a + b + c);
    }
  }
  std::sort(tokens.begin(), tokens.end());
  tokens.erase(std::unique(tokens.begin(), tokens.end()), tokens.end());
  return tokens;
}

class Writings : public testing::Test {
 protected:
  // Whether the text may be written, token by token.
  bool writable(Grammar& grammar, const std::string& text) {
    StateId state = grammar.start();
    for (std::size_t at = 0; at < text.size();) {
      std::vector<std::size_t> lengths;
      for (std::size_t n = 1; n <= 8 && at + n <= text.size(); ++n) {
        if (ids_.contains(text.substr(at, n))) lengths.push_back(n);
      }
      const std::string token = text.substr(at, lengths[random_() % lengths.size()]);
      if (!allows(grammar.mask(state), ids_[token])) return false;
      state = grammar.step(state, token);
      at += token.size();
    }
    return grammar.accepts(state);
  }

  // The arguments of the call that a model would have made.
  Json read(const std::string& arguments) {
    CallParser parser({{{"f", "", {{"type", "object"}}}}, {}, true, false, [] { return std::string("call_1"); }});
    std::vector<Delta> deltas;
    parser.push(R"({"name": "f", "arguments": )" + arguments + "}", 0, deltas);
    parser.finish(false, deltas);
    for (const Delta& delta : deltas) {
      if (const auto* finished = std::get_if<CallFinished>(&delta)) return finished->call.arguments;
    }
    return nullptr;
  }

  void come_out_equal(int n_schemas, int n_each) {
    int written = 0;
    std::map<std::string, int> refused;
    for (int i = 0; i < n_schemas; ++i) {
      const Case made = Cases(static_cast<unsigned>(i)).object(0);
      const Schema schema = Schema::parse(made.schema).value();
      ASSERT_TRUE(schema.validate(made.value).empty())
          << made.schema << " " << made.value << " " << schema.check(made.value).error().message;
      Automaton automaton;
      SchemaCompiler compiler(automaton, {.free_space = true});
      const NodeId start = compiler.object_rule(schema);
      ASSERT_TRUE(automaton.prune(start));
      Grammar grammar(std::move(automaton), start, trie_);
      for (int k = 0; k < n_each; ++k) {
        Writer writer(random_);
        const std::string text = writer.write(made);
        ASSERT_EQ(canonical(Json::parse(text)), canonical(made.value)) << text;
        if (writable(grammar, text)) {
          ++written;
          EXPECT_EQ(canonical(read(text)), canonical(made.value)) << text;
        } else {
          EXPECT_FALSE(writer.reasons.empty()) << made.schema << " would not write " << text;
          for (const std::string& reason : writer.reasons) ++refused[reason];
        }
      }
    }
    std::cout << written << " of " << n_schemas * n_each << " writings came out equal\n";
    for (const auto& [reason, n] : refused) std::cout << "  refused " << n << ": " << reason << "\n";
    EXPECT_GT(written, n_schemas * n_each / 2);
  }

  const std::vector<std::string> tokens_ = vocabulary();
  const std::shared_ptr<const TokenTrie> trie_ = std::make_shared<TokenTrie>(tokens_);
  std::unordered_map<std::string, std::int32_t> ids_ = [&] {
    std::unordered_map<std::string, std::int32_t> ids;
    for (std::size_t i = 0; i < tokens_.size(); ++i) ids[tokens_[i]] = static_cast<std::int32_t>(i);
    return ids;
  }();
  Random random_{17};
};

using FullWritings = Writings;

TEST_F(Writings, a_sample_comes_out_equal_or_is_refused_with_a_reason) { come_out_equal(60, 10); }
TEST_F(FullWritings, ten_thousand_come_out_equal_or_are_refused_with_a_reason) { come_out_equal(1000, 10); }

}  // namespace
}  // namespace baton::llm
