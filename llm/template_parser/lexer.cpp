#include "lexer.h"

#include <algorithm>

#include <baton/llm/template_values/unicode.h>
#include "string_literal.h"

namespace baton::llm::jinja {
namespace {

bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_ascii_digit(c) || c == '_' || static_cast<unsigned char>(c) >= 0x80;
}

// Every kind of line end becomes \n, and one at the very end is dropped.
std::string normalized(const std::string& source) {
  std::string result;
  result.reserve(source.size());
  for (std::size_t i = 0; i < source.size(); ++i) {
    if (source[i] != '\r') {
      result += source[i];
      continue;
    }
    result += '\n';
    if (i + 1 < source.size() && source[i + 1] == '\n') ++i;
  }
  if (!result.empty() && result.back() == '\n') result.pop_back();
  return result;
}

class Lexer {
 public:
  Lexer(const std::string& source, std::optional<TemplateError>& error) : source_(normalized(source)), error_(error) {}

  std::vector<Token> run() {
    while (!error_ && at_ < source_.size()) read_text();
    push(Token::Type::end, "", source_.size());
    return std::move(tokens_);
  }

 private:
  std::string_view rest(std::size_t at) const { return std::string_view(source_).substr(std::min(at, source_.size())); }
  bool starts(std::size_t at, std::string_view what) const { return rest(at).substr(0, what.size()) == what; }

  // Positions are requested in rising order except for errors, so this counts on from the last one.
  Position position(std::size_t offset) {
    if (offset < counted_) {
      counted_ = 0;
      place_ = {};
    }
    while (counted_ < offset) {
      bool newline = source_[counted_] == '\n';
      counted_ += character_at(source_, counted_).size;
      place_ = newline ? Position{place_.line + 1, 1} : Position{place_.line, place_.column + 1};
    }
    return place_;
  }

  void push(Token::Type type, std::string value, std::size_t offset) { tokens_.push_back({type, std::move(value), position(offset)}); }
  void fail(std::size_t offset, std::string message) {
    if (!error_) error_ = TemplateError{position(offset), std::move(message)};
  }

  void skip_space() {
    while (at_ < source_.size()) {
      Character c = character_at(source_, at_);
      if (!is_space(c.code)) break;
      at_ += c.size;
    }
  }

  // The beginning of the white space at the end of [begin, end).
  std::size_t rstripped(std::size_t begin, std::size_t end) const {
    while (end > begin) {
      std::size_t last = begin + character_before(std::string_view(source_).substr(begin, end - begin), end - begin);
      if (!is_space(character_at(source_, last).code)) break;
      end = last;
    }
    return end;
  }

  // `{% raw %}` at `at`: stores the offset after it in `end`.
  bool raw_begin(std::size_t at, std::size_t& end, char& sign) const {
    std::size_t p = at + 2;
    sign = p < source_.size() && (source_[p] == '-' || source_[p] == '+') ? source_[p++] : '\0';
    while (p < source_.size() && is_space(character_at(source_, p).code)) p += character_at(source_, p).size;
    if (!starts(p, "raw")) return false;
    p += 3;
    while (p < source_.size() && is_space(character_at(source_, p).code)) p += character_at(source_, p).size;
    if (starts(p, "-%}")) {
      p += 3;
      while (p < source_.size() && is_space(character_at(source_, p).code)) p += character_at(source_, p).size;
    } else if (starts(p, "%}")) {
      p += 2;
    } else {
      return false;
    }
    end = p;
    return true;
  }

  // Text [begin, end) before a tag. `sign` is the character after the tag's opening.
  void push_text(std::size_t begin, std::size_t end, char sign, bool variable) {
    std::size_t stop = end;
    if (sign == '-') {
      stop = rstripped(begin, end);
    } else if (sign != '+' && !variable) {
      std::size_t newline = std::string_view(source_).substr(begin, end - begin).rfind('\n');
      std::size_t line = newline == std::string_view::npos ? begin : begin + newline + 1;
      if ((line > begin || line_starting_) && rstripped(line, end) == line) stop = line;
    }
    if (stop > begin) push(Token::Type::text, source_.substr(begin, stop - begin), begin);
  }

  void read_text() {
    std::size_t begin = at_;
    std::size_t tag = begin;
    while (true) {
      tag = source_.find('{', tag);
      if (tag == std::string::npos || tag + 1 >= source_.size()) {
        push(Token::Type::text, source_.substr(begin), begin);
        at_ = source_.size();
        return;
      }
      char kind = source_[tag + 1];
      if (kind == '{' || kind == '%' || kind == '#') break;
      ++tag;
    }
    char kind = source_[tag + 1];
    std::size_t raw_end = 0;
    char sign = '\0';
    if (kind == '%' && raw_begin(tag, raw_end, sign)) {
      push_text(begin, tag, sign, false);
      at_ = raw_end;
      line_starting_ = at_ > 0 && source_[at_ - 1] == '\n';
      return read_raw(tag);
    }
    at_ = tag + 2;
    sign = at_ < source_.size() && (source_[at_] == '-' || source_[at_] == '+') ? source_[at_] : '\0';
    push_text(begin, tag, sign, kind == '{');
    if (sign) ++at_;
    line_starting_ = false;
    if (kind == '#') return read_comment(tag);
    push(kind == '{' ? Token::Type::print_begin : Token::Type::block_begin, source_.substr(tag, at_ - tag), tag);
    read_code(kind == '{' ? "}}" : "%}", tag);
  }

  // After a closing tag at `at_`: '-' removes the following white space, '+' nothing; otherwise blocks and comments remove one line end.
  void end_tag(char sign, bool trims) {
    if (sign == '-') {
      skip_space();
    } else if (trims && sign != '+' && at_ < source_.size() && source_[at_] == '\n') {
      ++at_;
    }
    line_starting_ = source_[at_ - 1] == '\n';
  }

  void read_comment(std::size_t begin) {
    std::size_t end = source_.find("#}", at_);
    if (end == std::string::npos && at_ == source_.size()) return;  // jinja2 accepts a template that ends right there
    if (end == std::string::npos) return fail(begin, "Missing end of comment tag");
    char sign = end > at_ ? source_[end - 1] : '\0';
    at_ = end + 2;
    end_tag(sign, true);
  }

  void read_raw(std::size_t begin) {
    for (std::size_t tag = source_.find("{%", at_); tag != std::string::npos; tag = source_.find("{%", tag + 1)) {
      std::size_t p = tag + 2;
      char sign = p < source_.size() && (source_[p] == '-' || source_[p] == '+') ? source_[p++] : '\0';
      while (p < source_.size() && is_space(character_at(source_, p).code)) p += character_at(source_, p).size;
      if (!starts(p, "endraw")) continue;
      p += 6;
      while (p < source_.size() && is_space(character_at(source_, p).code)) p += character_at(source_, p).size;
      char end_sign = p < source_.size() && (source_[p] == '-' || source_[p] == '+') ? source_[p++] : '\0';
      if (!starts(p, "%}")) continue;
      push_text(at_, tag, sign, false);
      at_ = p + 2;
      return end_tag(end_sign, true);
    }
    if (at_ < source_.size()) fail(begin, "Missing end of raw directive");
  }

  // Whether the tag ends here; if so, its end is read.
  bool read_end(std::string_view close) {
    char sign = source_[at_];
    bool variable = close == "}}";
    bool signed_end = (sign == '-' || (sign == '+' && !variable)) && starts(at_ + 1, close);
    if (!signed_end && !starts(at_, close)) return false;
    push(variable ? Token::Type::print_end : Token::Type::block_end, std::string(close), at_);
    at_ += close.size() + (signed_end ? 1 : 0);
    end_tag(signed_end ? sign : '\0', !variable);
    return true;
  }

  void read_code(std::string_view close, std::size_t begin) {
    std::string open;  // brackets not closed yet, as their closing counterparts
    while (!error_ && at_ < source_.size()) {
      if (open.empty() && read_end(close)) return;
      Character c = character_at(source_, at_);
      if (is_space(c.code)) {
        at_ += c.size;
      } else if (is_ascii_digit(source_[at_])) {
        read_number();
      } else if (is_name_char(source_[at_])) {
        read_name();
      } else if (source_[at_] == '"' || source_[at_] == '\'') {
        read_string();
      } else {
        read_symbol(open);
      }
    }
    if (!error_) fail(begin, close == "}}" ? "unexpected end of template, expected '}}'" : "unexpected end of template, expected '%}'");
  }

  void read_name() {
    std::size_t begin = at_;
    while (at_ < source_.size() && is_name_char(source_[at_])) {
      Character c = character_at(source_, at_);
      if (c.code >= 0x80 && !is_word(c.code)) break;
      if (c.code < 0) break;
      at_ += c.size;
    }
    if (at_ == begin) return fail(begin, "unexpected character in an expression");
    push(Token::Type::name, source_.substr(begin, at_ - begin), begin);
  }

  // Digits with single '_' between them; where they end.
  std::size_t digits(std::size_t at, bool (*accepts)(char)) const {
    while (at < source_.size() && (accepts(source_[at]) || (source_[at] == '_' && at + 1 < source_.size() && accepts(source_[at + 1]))))
      ++at;
    return at;
  }

  std::string without_underscores(std::size_t begin, std::size_t end) const {
    std::string result;
    for (std::size_t i = begin; i < end; ++i) {
      if (source_[i] != '_') result += source_[i];
    }
    return result;
  }

  void read_number() {
    std::size_t begin = at_;
    bool after_dot = begin > 0 && source_[begin - 1] == '.';  // "a.0.1" are two subscripts
    std::size_t end = digits(begin, is_ascii_digit);
    bool fraction = end + 1 < source_.size() && source_[end] == '.' && is_ascii_digit(source_[end + 1]);
    std::size_t float_end = fraction ? digits(end + 1, is_ascii_digit) : end;
    std::size_t exponent = float_end < source_.size() && (source_[float_end] | 0x20) == 'e' ? float_end + 1 : 0;
    if (exponent && exponent < source_.size() && (source_[exponent] == '+' || source_[exponent] == '-')) ++exponent;
    bool has_exponent = exponent && exponent < source_.size() && is_ascii_digit(source_[exponent]);
    if (has_exponent) float_end = digits(exponent, is_ascii_digit);
    if (!after_dot && (fraction || has_exponent)) {
      at_ = float_end;
      return push(Token::Type::floating, without_underscores(begin, at_), begin);
    }
    char base = source_[begin] == '0' && begin + 1 < source_.size() ? static_cast<char>(source_[begin + 1] | 0x20) : '\0';
    auto accepts = base == 'x'   ? [](char c) { return is_ascii_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f'); }
                   : base == 'o' ? [](char c) { return c >= '0' && c <= '7'; }
                   : base == 'b' ? [](char c) { return c == '0' || c == '1'; }
                                 : static_cast<bool (*)(char)>(nullptr);
    if (accepts && digits(begin + 2, accepts) > begin + 2) {
      end = digits(begin + 2, accepts);
    } else if (source_[begin] == '0') {
      end = digits(begin, [](char c) { return c == '0'; });
    }
    at_ = end;
    push(Token::Type::integer, without_underscores(begin, end), begin);
  }

  void read_string() {
    std::size_t begin = at_;
    char quote = source_[at_++];
    while (at_ < source_.size() && source_[at_] != quote) at_ += source_[at_] == '\\' ? 2 : 1;
    if (at_ >= source_.size()) return fail(begin, "a string is not closed");
    std::string value;
    std::string problem;
    if (!unescape(std::string_view(source_).substr(begin + 1, at_ - begin - 1), value, problem)) return fail(begin, problem);
    ++at_;
    push(Token::Type::string, std::move(value), begin);
  }

  void read_symbol(std::string& open) {
    static constexpr std::string_view kLong[] = {"//", "**", "==", "!=", ">=", "<="};
    for (std::string_view symbol : kLong) {
      if (starts(at_, symbol)) {
        push(Token::Type::symbol, std::string(symbol), at_);
        at_ += symbol.size();
        return;
      }
    }
    char c = source_[at_];
    if (std::string_view("+-/*%~[](){}><=.:|,;").find(c) == std::string_view::npos) {
      std::size_t size = character_at(source_, at_).size;
      return fail(at_, "unexpected character '" + source_.substr(at_, size) + "'");
    }
    if (c == '(' || c == '[' || c == '{') {
      open += c == '(' ? ')' : c == '[' ? ']' : '}';
    } else if (c == ')' || c == ']' || c == '}') {
      if (open.empty()) return fail(at_, std::string("unexpected '") + c + "'");
      if (open.back() != c) return fail(at_, std::string("unexpected '") + c + "', expected '" + open.back() + "'");
      open.pop_back();
    }
    push(Token::Type::symbol, std::string(1, c), at_++);
  }

  std::string source_;
  std::optional<TemplateError>& error_;
  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  bool line_starting_ = true;
  std::size_t counted_ = 0;
  Position place_;
};

}  // namespace

std::vector<Token> tokenize(const std::string& source, std::optional<TemplateError>& error) { return Lexer(source, error).run(); }

std::string describe(const Token& token) {
  switch (token.type) {
    case Token::Type::text:
      return "template text";
    case Token::Type::print_begin:
      return "begin of print statement";
    case Token::Type::print_end:
      return "end of print statement";
    case Token::Type::block_begin:
      return "begin of statement block";
    case Token::Type::block_end:
      return "end of statement block";
    case Token::Type::end:
      return "end of template";
    case Token::Type::string:
      return "a string";
    default:
      return "'" + token.value + "'";
  }
}

}  // namespace baton::llm::jinja
