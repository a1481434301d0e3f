#pragma once
// Splits an expression into tokens. Internal to the folder.
#include <baton/tools/error.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace baton::tools {

struct Token {
  enum class Kind { number, name, symbol, end };
  Kind kind = Kind::end;
  std::string text;          // a number's digits without separators, a name in lower case, a symbol in ASCII ("**" is "^", "°" is "deg")
  std::size_t position = 0;  // in characters, from 1
  bool space_before = false;

  bool is(std::string_view symbol) const { return kind == Kind::symbol && text == symbol; }
  bool is_name(std::string_view name) const { return kind == Kind::name && text == name; }
};

// The last token is of kind end. Errors name the position.
Result<std::vector<Token>> tokens_of(std::string_view expression);

// "at position 5 ('foo'): what"
Error at(const Token& token, const std::string& what);

}  // namespace baton::tools
