#include "regex_parser.h"

#include <algorithm>
#include <optional>
#include <string>

#include "regex.h"

namespace baton::llm {
namespace {

const CodePoints kDigits = {{'0', '9'}};
const CodePoints kWord = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
const CodePoints kSpace = {{'\t', '\r'}, {' ', ' '}};
const CodePoints kLineEnds = {{'\n', '\n'}, {'\r', '\r'}};

class RegexParser {
 public:
  explicit RegexParser(std::string_view source) : source_(source) {}

  Result<RegexPart> parse() {
    RegexPart whole = choice(0);
    if (!error_ && at_ < source_.size()) invalid("a ')' without its '('");
    if (error_) return *error_;
    return whole;
  }

 private:
  bool more() const { return !error_ && at_ < source_.size(); }
  bool next_is(std::string_view text) const { return source_.substr(at_, text.size()) == text; }
  bool take(std::string_view text) {
    if (!next_is(text)) return false;
    at_ += text.size();
    return true;
  }
  void invalid(const std::string& why) { fail(errc::invalid_argument, why); }
  void unsupported(const std::string& what) { fail(errc::unsupported, what); }
  void fail(errc code, const std::string& why) {
    if (!error_) error_ = Error{code, why + " at offset " + std::to_string(at_)};
  }

  std::uint32_t code_point() { return take_code_point(source_, at_); }

  RegexPart choice(int depth) {
    RegexPart all{.kind = RegexPart::Kind::choice, .characters = {}, .parts = {}};
    if (depth > Regex::kMaxDepth) {
      unsupported("groups nested deeper than " + std::to_string(Regex::kMaxDepth));
      return all;
    }
    all.parts.push_back(sequence(depth));
    while (more() && take("|")) all.parts.push_back(sequence(depth));
    return all;
  }

  RegexPart sequence(int depth) {
    RegexPart all;
    while (more() && !next_is("|") && !next_is(")")) {
      RegexPart one = atom(depth);
      if (error_) break;
      quantify(one);
      all.parts.push_back(std::move(one));
    }
    return all;
  }

  static RegexPart letter(CodePoints characters) {
    return {.kind = RegexPart::Kind::letter, .characters = without_surrogates(normal(std::move(characters))), .parts = {}};
  }

  RegexPart atom(int depth) {
    if (take("^")) return {.kind = RegexPart::Kind::begin, .characters = {}, .parts = {}};
    if (take("$")) return {.kind = RegexPart::Kind::end, .characters = {}, .parts = {}};
    if (take(".")) return letter(complement(kLineEnds));
    if (next_is("[")) return letter(set());
    if (next_is("(")) return group(depth);
    if (next_is("*") || next_is("+") || next_is("?")) {
      invalid("a quantifier with nothing before it");
      return {};
    }
    if (take("\\")) return letter(escape(false));
    const std::uint32_t c = code_point();
    return letter({{c, c}});
  }

  RegexPart group(int depth) {
    ++at_;
    if (next_is("?") && !take("?:")) {
      if (next_is("?=") || next_is("?!") || next_is("?<=") || next_is("?<!")) {
        unsupported("look-ahead and look-behind");
        return {};
      }
      const auto end = source_.find('>', at_);
      if (!next_is("?<") || end == std::string_view::npos) {
        unsupported("this kind of group");
        return {};
      }
      at_ = end + 1;  // a name
    }
    RegexPart inside = choice(depth + 1);
    if (!error_ && !take(")")) invalid("a '(' without its ')'");
    return inside;
  }

  void quantify(RegexPart& one) {
    int min = 1, max = 1;
    if (take("*")) {
      min = 0, max = -1;
    } else if (take("+")) {
      max = -1;
    } else if (take("?")) {
      min = 0;
    } else if (next_is("{")) {
      if (!braces(min, max)) return;  // a literal brace
    } else {
      return;
    }
    take("?");  // lazy: the same texts
    if (max >= 0 && max < min) return invalid("{" + std::to_string(min) + "," + std::to_string(max) + "}");
    if (min > Regex::kMaxRepeat || max > Regex::kMaxRepeat)
      return unsupported("more than " + std::to_string(Regex::kMaxRepeat) + " repetitions");
    RegexPart repeat{.kind = RegexPart::Kind::repeat, .characters = {}, .parts = {}, .min = min, .max = max};
    repeat.parts.push_back(std::move(one));
    one = std::move(repeat);
    if (next_is("*") || next_is("+") || next_is("?")) invalid("a quantifier after a quantifier");
  }

  bool braces(int& min, int& max) {
    std::size_t i = at_ + 1;
    const auto number = [&](int otherwise) {
      int value = 0;
      const std::size_t first = i;
      for (; i < source_.size() && source_[i] >= '0' && source_[i] <= '9'; ++i) value = std::min(value * 10 + (source_[i] - '0'), 100'000);
      return i == first ? otherwise : value;
    };
    min = number(-1);
    if (min < 0) return false;
    max = min;
    if (i < source_.size() && source_[i] == ',') {
      ++i;
      max = number(-1);
    }
    if (i >= source_.size() || source_[i] != '}') return false;
    at_ = i + 1;
    return true;
  }

  std::uint32_t hex(int digits) {
    std::uint32_t value = 0;
    for (int i = 0; i < digits; ++i) {
      const char c = at_ < source_.size() ? source_[at_++] : '?';
      const auto place = std::string_view("0123456789abcdefABCDEF").find(c);
      if (place == std::string_view::npos) {
        invalid("an escape without its hexadecimal digits");
        return 0;
      }
      value = value * 16 + static_cast<std::uint32_t>(place < 16 ? place : place - 6);
    }
    return value;
  }

  // After a backslash.
  CodePoints escape(bool in_set) {
    if (!more()) {
      invalid("a backslash at the end");
      return {};
    }
    const char c = source_[at_];
    const auto one = [&](std::uint32_t code) {
      ++at_;
      return CodePoints{{code, code}};
    };
    switch (c) {
      case 'd':
        ++at_;
        return kDigits;
      case 'D':
        ++at_;
        return complement(kDigits);
      case 'w':
        ++at_;
        return kWord;
      case 'W':
        ++at_;
        return complement(kWord);
      case 's':
        ++at_;
        return kSpace;
      case 'S':
        ++at_;
        return complement(kSpace);
      case 'n':
        return one('\n');
      case 'r':
        return one('\r');
      case 't':
        return one('\t');
      case 'f':
        return one('\f');
      case 'v':
        return one('\v');
      case '0':
        return one(0);
      case 'b':
        if (in_set) return one('\b');
        unsupported("\\b");
        return {};
      case 'x': {
        ++at_;
        const std::uint32_t code = hex(2);
        return {{code, code}};
      }
      case 'u':
        return unicode();
      case 'c': {
        ++at_;
        const std::uint32_t code = more() ? static_cast<unsigned char>(source_[at_++]) & 0x1Fu : 0u;
        return {{code, code}};
      }
      default:
        break;
    }
    if ((c >= '1' && c <= '9') || c == 'k') {
      unsupported("references to groups");
      return {};
    }
    if (c == 'B' || c == 'p' || c == 'P') {
      unsupported(std::string("\\") + c);
      return {};
    }
    const std::uint32_t code = code_point();
    return {{code, code}};
  }

  CodePoints unicode() {
    ++at_;
    if (take("{")) {
      std::uint32_t code = 0;
      while (more() && !next_is("}")) code = std::min(code * 16 + hex(1), kLastCodePoint + 1);
      if (!take("}") || code > kLastCodePoint) invalid("\\u{..} without a code point");
      return {{code, code}};
    }
    std::uint32_t code = hex(4);
    if (code >= 0xD800 && code < 0xDC00 && take("\\u")) code = 0x10000 + ((code & 0x3FF) << 10) + (hex(4) & 0x3FF);
    return {{code, code}};
  }

  CodePoints set() {
    ++at_;
    const bool negated = take("^");
    CodePoints all;
    while (more() && !next_is("]")) {
      const CodePoints first = member();
      all.insert(all.end(), first.begin(), first.end());
      if (!next_is("-") || at_ + 1 >= source_.size() || source_[at_ + 1] == ']') continue;
      ++at_;
      const CodePoints last = member();
      const bool range = first.size() == 1 && last.size() == 1 && first[0].first == first[0].second && last[0].first == last[0].second;
      if (range && first[0].first > last[0].first) invalid("a range that runs backwards");
      if (range) {
        all.back().second = last[0].second;
      } else {  // \w-x: the minus is literal
        all.emplace_back('-', '-');
        all.insert(all.end(), last.begin(), last.end());
      }
    }
    if (!take("]")) invalid("a '[' without its ']'");
    return negated ? complement(all) : all;
  }
  CodePoints member() {
    if (take("\\")) return escape(true);
    const std::uint32_t c = code_point();
    return {{c, c}};
  }

  std::string_view source_;
  std::size_t at_ = 0;
  std::optional<Error> error_;
};

}  // namespace

Result<RegexPart> parse_regex(std::string_view source) { return RegexParser(source).parse(); }

}  // namespace baton::llm
