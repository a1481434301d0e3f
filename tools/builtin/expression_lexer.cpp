#include "expression_lexer.h"

#include <algorithm>
#include <array>
#include <utility>

#include "functions.h"

namespace baton::tools {
namespace {

constexpr std::size_t kMaxCharacters = 1000;

std::vector<std::string> characters_of(std::string_view text) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < text.size();) {
    std::size_t n = 1;
    while (i + n < text.size() && (static_cast<unsigned char>(text[i + n]) & 0xC0) == 0x80) ++n;
    out.emplace_back(text.substr(i, n));
    i += n;
  }
  return out;
}

// The symbols that are read as one of ours; the superscripts are read as two.
std::string ascii_symbol(const std::string& c) {
  static const std::pair<const char*, const char*> kSymbols[] = {
      {"×", "*"}, {"·", "*"},   {"⋅", "*"},    {"∙", "*"},  {"∗", "*"}, {"÷", "/"}, {"∕", "/"}, {"⁄", "/"}, {"−", "-"},
      {"–", "-"}, {"°", "deg"}, {"√", "sqrt"}, {"％", "%"}, {"[", "("}, {"]", ")"}, {"{", "("}, {"}", ")"}};
  for (const auto& [from, to] : kSymbols) {
    if (c == from) return to;
  }
  return c.size() == 1 && std::string_view("+-*/%^(),!=?").find(c[0]) != std::string_view::npos ? c : "";
}

bool is_space(const std::string& c) {
  return c == " " || c == "\t" || c == "\n" || c == "\r" || c == "\u00A0" || c == "\u2009" || c == "\u202F";
}
bool is_digit(const std::string& c) { return c.size() == 1 && c[0] >= '0' && c[0] <= '9'; }
bool is_letter(const std::string& c) {
  return c.size() == 1 && ((c[0] >= 'a' && c[0] <= 'z') || (c[0] >= 'A' && c[0] <= 'Z') || c[0] == '_');
}
bool is_currency(const std::string& c) { return c == "$" || c == "€" || c == "£" || c == "¥"; }

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(characters_of(text)) {}

  Result<std::vector<Token>> run();

 private:
  // One for each open parenthesis.
  struct Frame {
    bool several_arguments = false;   // of a function that takes more than one: a comma separates them
    std::size_t tight_thousands = 0;  // position of a comma as in 1,234
    bool spaced_comma = false;
  };

  const std::string& peek(std::size_t ahead = 0) const {
    static const std::string nothing;
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : nothing;
  }
  void push(Token::Kind kind, std::string text, std::size_t begin) {
    tokens_.push_back({kind, std::move(text), begin + 1, space_});
    space_ = false;
  }
  Result<void> number();
  void name();
  Result<void> symbol();
  bool thousands_follow() const;

  const std::vector<std::string> text_;
  std::size_t at_ = 0;
  bool space_ = false;
  std::vector<Token> tokens_;
  std::vector<Frame> frames_;
};

// ",ddd" and then no further digit.
bool Lexer::thousands_follow() const { return is_digit(peek(1)) && is_digit(peek(2)) && is_digit(peek(3)) && !is_digit(peek(4)); }

Result<void> Lexer::number() {
  const std::size_t begin = at_;
  std::string digits;
  std::size_t in_group = 0;
  const auto take_digits = [&] {
    for (in_group = 0; is_digit(peek()) || (peek() == "_" && is_digit(peek(1))); ++at_) {
      if (peek() == "_") continue;
      digits += peek();
      ++in_group;
    }
  };
  take_digits();
  while (peek() == "," && in_group >= 1 && in_group <= 3 && thousands_follow()) {
    if (!frames_.empty() && frames_.back().several_arguments) {
      frames_.back().tight_thousands = at_ + 1;
      if (peek(1) == "0")
        return at(Token{Token::Kind::symbol, ",", at_ + 1}, "this comma may separate thousands or arguments; write 12000 for 12,000");
      break;
    }
    ++at_;
    take_digits();
  }
  if (peek() == "." && (is_digit(peek(1)) || !digits.empty())) {
    digits += ".";
    ++at_;
    take_digits();
  }
  const std::size_t sign = peek(1) == "+" || peek(1) == "-" ? 1 : 0;
  if ((peek() == "e" || peek() == "E") && is_digit(peek(1 + sign))) {
    digits += "e";
    ++at_;
    if (sign == 1) digits += text_[at_++];
    take_digits();
  }
  push(Token::Kind::number, std::move(digits), begin);
  return {};
}

void Lexer::name() {
  const std::size_t begin = at_;
  std::string text;
  for (; is_letter(peek()) || is_digit(peek()); ++at_) {
    const char c = peek()[0];
    text += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  if ((text == "math" || text == "np" || text == "numpy") && peek() == ".") {  // math.sqrt, as a Python writer has it
    ++at_;
    return;
  }
  push(Token::Kind::name, std::move(text), begin);
}

Result<void> Lexer::symbol() {
  const std::size_t begin = at_;
  std::string text = ascii_symbol(peek());
  ++at_;
  if ((text == "*" || text == "/") && ascii_symbol(peek()) == text) {
    ++at_;
    text = text == "*" ? "^" : "//";
  }
  if (text == "(") {
    const MathFunction* function =
        !tokens_.empty() && tokens_.back().kind == Token::Kind::name ? find_function(tokens_.back().text) : nullptr;
    frames_.push_back({function != nullptr && function->max_arguments > 1});
  } else if (text == ")" && !frames_.empty()) {
    if (frames_.back().spaced_comma && frames_.back().tight_thousands != 0) {
      return at(Token{Token::Kind::symbol, ",", frames_.back().tight_thousands},
                "this comma may separate thousands or arguments; write numbers without commas here");
    }
    frames_.pop_back();
  } else if (text == "," && !frames_.empty() && is_space(peek())) {
    frames_.back().spaced_comma = true;
  }
  push(Token::Kind::symbol, std::move(text), begin);
  return {};
}

Result<std::vector<Token>> Lexer::run() {
  if (text_.size() > kMaxCharacters) {
    return Error{errc::invalid_argument, "the expression has " + std::to_string(text_.size()) + " characters; at most " +
                                             std::to_string(kMaxCharacters) + " are read"};
  }
  while (at_ < text_.size()) {
    const std::string& c = peek();
    Result<void> ok;
    if (is_space(c)) {
      space_ = true;
      ++at_;
    } else if (is_digit(c) || (c == "." && is_digit(peek(1)))) {
      ok = number();
    } else if (is_letter(c)) {
      name();
    } else if (is_currency(c) && (is_digit(peek(1)) || peek(1) == ".")) {
      ++at_;  // an amount of money is a number
    } else if (c == "²" || c == "³") {
      push(Token::Kind::symbol, "^", at_);
      push(Token::Kind::number, c == "²" ? "2" : "3", at_);
      ++at_;
    } else if (c == "π") {
      push(Token::Kind::name, "pi", at_);
      ++at_;
    } else if (!ascii_symbol(c).empty()) {
      ok = symbol();
    } else {
      return at(Token{Token::Kind::symbol, c, at_ + 1}, "this character has no meaning here");
    }
    if (!ok) return ok.error();
  }
  push(Token::Kind::end, "", text_.size());
  return std::move(tokens_);
}

}  // namespace

Error at(const Token& token, const std::string& what) {
  const std::string where =
      token.kind == Token::Kind::end ? "at the end" : "at position " + std::to_string(token.position) + " ('" + token.text + "')";
  return Error{errc::invalid_argument, where + ": " + what};
}

Result<std::vector<Token>> tokens_of(std::string_view expression) { return Lexer(expression).run(); }

}  // namespace baton::tools
