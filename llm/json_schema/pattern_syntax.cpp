#include "pattern_syntax.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

namespace baton::llm {
namespace {

constexpr std::uint64_t kMostCounted = 65'535, kChunk = 1'000;  // of PCRE2; of a count that is written as a count of counts
constexpr std::size_t kMostWritten = 64 * 1024;                 // bytes, because the counted part is written several times

// General categories by their long names, which PCRE2 does not know.
const std::map<std::string_view, std::string_view>& categories() {
  static const std::map<std::string_view, std::string_view> kShort = {
      {"Letter", "L"},
      {"Cased_Letter", "L&"},
      {"LC", "L&"},
      {"Uppercase_Letter", "Lu"},
      {"Lowercase_Letter", "Ll"},
      {"Titlecase_Letter", "Lt"},
      {"Modifier_Letter", "Lm"},
      {"Other_Letter", "Lo"},
      {"Mark", "M"},
      {"Combining_Mark", "M"},
      {"Nonspacing_Mark", "Mn"},
      {"Spacing_Mark", "Mc"},
      {"Enclosing_Mark", "Me"},
      {"Number", "N"},
      {"Decimal_Number", "Nd"},
      {"digit", "Nd"},
      {"Letter_Number", "Nl"},
      {"Other_Number", "No"},
      {"Punctuation", "P"},
      {"punct", "P"},
      {"Connector_Punctuation", "Pc"},
      {"Dash_Punctuation", "Pd"},
      {"Open_Punctuation", "Ps"},
      {"Close_Punctuation", "Pe"},
      {"Initial_Punctuation", "Pi"},
      {"Final_Punctuation", "Pf"},
      {"Other_Punctuation", "Po"},
      {"Symbol", "S"},
      {"Math_Symbol", "Sm"},
      {"Currency_Symbol", "Sc"},
      {"Modifier_Symbol", "Sk"},
      {"Other_Symbol", "So"},
      {"Separator", "Z"},
      {"Space_Separator", "Zs"},
      {"Line_Separator", "Zl"},
      {"Paragraph_Separator", "Zp"},
      {"Other", "C"},
      {"Control", "Cc"},
      {"cntrl", "Cc"},
      {"Format", "Cf"},
      {"Surrogate", "Cs"},
      {"Private_Use", "Co"},
      {"Unassigned", "Cn"},
  };
  return kShort;
}

class Translation {
 public:
  Translation(const std::string& source, Repetitions repetitions) : source_(source), repetitions_(repetitions) {}

  Result<std::string> run() {
    while (at_ < source_.size() && error_.empty()) step();
    if (!error_.empty()) return Error{errc::invalid_schema, error_};
    return out_;
  }

 private:
  char next(std::size_t k) const { return at_ + k < source_.size() ? source_[at_ + k] : '\0'; }
  void copy(std::size_t n) {
    n = std::min(n, source_.size() - at_);
    out_.append(source_, at_, n);
    at_ += n;
  }
  // Begins an atom: the part that a quantifier would repeat.
  void begin_atom() {
    atom_ = out_.size();
    quantified_ = false;
  }

  void step() {
    switch (next(0)) {
      case '\\':
        begin_atom();
        return escape();
      case '[':
        begin_atom();
        return set();
      case '(':
        return group();
      case ')':
        if (!groups_.empty()) {
          atom_ = groups_.back();
          groups_.pop_back();
        }
        quantified_ = false;
        return copy(1);
      case '|':
      case '^':
      case '$':
        atom_.reset();
        quantified_ = false;
        return copy(1);
      case '*':
      case '+':
      case '?':
        if (next(0) == '+' && quantified_) {
          error_ = "possessive quantifiers such as a++ are not ECMAScript";
          return;
        }
        quantified_ = true;
        return copy(1);
      case '{':
        return braces();
      default:
        begin_atom();
        copy(1);
        while ((next(0) & 0xC0) == 0x80) copy(1);  // the rest of a character
    }
  }

  void escape() {
    const char letter = next(1);
    constexpr std::string_view kKnown = "dDwWsSbBnrtfv0xucpPk";
    if (std::isalpha(static_cast<unsigned char>(letter)) && kKnown.find(letter) == std::string_view::npos) {
      error_ = std::string("the escape \\") + letter + " is not ECMAScript";
      return;
    }
    const auto to_end = [&](char close) { return std::min(source_.find(close, at_), source_.size() - 1) + 1 - at_; };
    if (letter == 'v') {  // one character in ECMAScript and a class in PCRE2
      out_ += "\\x0b";
      at_ += 2;
    } else if ((letter == 'p' || letter == 'P') && next(2) == '{') {
      property(letter, to_end('}'));
    } else if (letter == 'u') {
      copy(next(2) == '{' ? to_end('}') : 6);
    } else {
      copy(letter == 'x' ? 4 : letter == 'c' ? 3 : letter == 'k' && next(2) == '<' ? to_end('>') : 2);
    }
  }

  // \p{Letter}, \p{Script=Greek}; n: bytes of the whole.
  void property(char letter, std::size_t n) {
    std::string_view name = std::string_view(source_).substr(at_ + 3, n - 4);
    for (const std::string_view kind : {"General_Category=", "gc=", "Script=", "sc=", "Script_Extensions=", "scx="}) {
      if (!name.starts_with(kind)) continue;
      name.remove_prefix(kind.size());
      break;
    }
    const auto known = categories().find(name);
    out_.append("\\").append(1, letter).append("{").append(known == categories().end() ? name : known->second).append("}");
    at_ += n;
  }

  // [] and [^] are complete classes: no character, and any character.
  void set() {
    copy(next(1) == '^' ? 2 : 1);
    while (at_ < source_.size() && next(0) != ']' && error_.empty()) {
      if (next(0) == '[' && (next(1) == ':' || next(1) == '.' || next(1) == '='))
        error_ = "POSIX classes such as [:alpha:] are not ECMAScript";
      else if (next(0) == '\\')
        escape();
      else
        copy(1);
    }
    copy(1);
  }

  void group() {
    groups_.push_back(out_.size());
    atom_.reset();
    quantified_ = false;
    if (next(1) == '*') {
      error_ = "(* is not ECMAScript";
    } else if (next(1) == '?') {
      const char a = next(2), b = next(3);
      const bool known = a == ':' || a == '=' || a == '!' ||
                         (a == '<' && (b == '=' || b == '!' || b == '_' || b == '$' || std::isalpha(static_cast<unsigned char>(b))));
      if (!known) error_ = std::string("the group (?") + a + " is not supported; (?: (?= (?! (?<= (?<! and (?<name> are";
      copy(a == '<' && (b == '=' || b == '!') ? 4 : 3);
    } else {
      copy(1);
    }
  }

  // {n}, {n,} or {n,m}; otherwise the brace is literal. It is escaped then, because newer versions of PCRE2 also read {,m} and { n } as
  // counts.
  void braces() {
    std::size_t i = at_ + 1;
    const auto number = [&]() -> std::optional<std::uint64_t> {
      std::optional<std::uint64_t> value;
      for (; i < source_.size() && std::isdigit(static_cast<unsigned char>(source_[i])); ++i)
        value = std::min<std::uint64_t>(value.value_or(0) * 10 + static_cast<std::uint64_t>(source_[i] - '0'), kMostCounted * kChunk);
      return value;
    };
    const auto min = number();
    auto max = min;
    if (min && i < source_.size() && source_[i] == ',') {
      ++i;
      max = number();
    }
    if (!min || i >= source_.size() || source_[i] != '}') {
      begin_atom();
      out_ += "\\{";
      ++at_;
      return;
    }
    if (!atom_) {
      error_ = "a quantifier with nothing before it";
      return;
    }
    const std::size_t n = i + 1 - at_;
    quantified_ = true;
    if (repetitions_ == Repetitions::without && (*min > 1 || max.value_or(0) > 1)) {
      out_ += *min == 0 ? "*" : "+";
      at_ += n;
    } else if (*min <= kMostCounted && max.value_or(0) <= kMostCounted) {
      copy(n);
    } else if (max && *max < *min) {
      error_ = "a quantifier whose limits are the wrong way round";
    } else if (out_.size() + 4 * (out_.size() - *atom_) > kMostWritten) {
      error_ = "counts beyond 65,535 of something that is too long";
    } else {
      const std::string one = out_.substr(*atom_);
      out_.erase(*atom_);
      out_ += "(?:" + counted(one, *min, true) + (max ? counted(one, *max - *min, false) : one + "*") + ")";
      at_ += n;
      if (next(0) == '?') ++at_;  // lazy, which changes no result; after the group, it would make it optional
    }
  }

  // Exactly n of it, or at most n.
  static std::string counted(const std::string& one, std::uint64_t n, bool exactly) {
    const auto times = [&](const std::string& what, std::uint64_t count) {
      return count == 0 ? "" : what + "{" + (exactly ? "" : "0,") + std::to_string(count) + "}";
    };
    return times("(?:" + times(one, kChunk) + ")", n / kChunk) + times(one, n % kChunk);
  }

  const std::string& source_;
  const Repetitions repetitions_;
  std::size_t at_ = 0;
  std::string out_, error_;
  std::optional<std::size_t> atom_;  // its beginning in out_
  bool quantified_ = false;          // a quantifier was just read
  std::vector<std::size_t> groups_;
};

}  // namespace

Result<std::string> pcre2_pattern(const std::string& source, Repetitions repetitions) { return Translation(source, repetitions).run(); }

}  // namespace baton::llm
