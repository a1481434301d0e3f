#pragma once
// Converts template text to tokens, with the whitespace rules of jinja2 under trim_blocks and lstrip_blocks.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace baton::llm::jinja {

struct Position {
  std::uint32_t line = 1;    // from 1
  std::uint32_t column = 1;  // from 1, in characters
};

struct Token {
  enum class Type { text, print_begin, print_end, block_begin, block_end, name, string, integer, floating, symbol, end };
  Type type = Type::end;
  std::string value;  // text as it is printed, a string without quotes and escapes, a number without '_', or a symbol's characters
  Position at;

  bool is(std::string_view symbol) const { return type == Type::symbol && value == symbol; }
  bool is_name(std::string_view name) const { return type == Type::name && value == name; }
};

struct TemplateError {
  Position at;
  std::string message;
};

// All tokens, the last of type `end`; or, with `error` set, those before the fault.
std::vector<Token> tokenize(const std::string& source, std::optional<TemplateError>& error);

// The name of a token in an error message.
std::string describe(const Token& token);

}  // namespace baton::llm::jinja
