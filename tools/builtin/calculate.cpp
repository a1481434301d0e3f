#include "calculate.h"

#include <baton/tools/near_names.h>

#include <optional>
#include <utility>

#include "expression_lexer.h"
#include "functions.h"

namespace baton::tools {
namespace {

constexpr int kMaxNesting = 100;

// A value in evaluation, and whether it was written as a percentage: "+ 10%" means ten percent of the value before it.
struct Operand {
  Number value;
  bool percent = false;
};

// Recursive descent. The first error stays in error_; after it every token reads as the end, so that all loops stop.
//   sum     = product { (+|-) product }
//   product = unary { (*|/|//|%|of|mod|x|nothing) unary }
//   unary   = { +|- } power
//   power   = postfix [ ^ unary ]
//   postfix = primary { !|%|° }
class Parser {
 public:
  explicit Parser(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  Result<Number> run() {
    if (token().is("=")) ++at_;  // as in a spreadsheet
    if (token().kind == Token::Kind::name && token(1).is("=") && token(2).kind != Token::Kind::end) at_ += 2;
    if (token().kind == Token::Kind::end) return Error{errc::invalid_argument, "the expression is empty"};
    const Operand result = sum();
    while (token().is("=") || token().is("?")) ++at_;
    if (!error_ && token().kind != Token::Kind::end) fail(token(), "expected an operator or the end here");
    if (error_) return *error_;
    return result.value;
  }

 private:
  const Token& token(std::size_t ahead = 0) const { return error_ ? tokens_.back() : tokens_[std::min(at_ + ahead, tokens_.size() - 1)]; }
  void fail(const Token& where, const std::string& what) {
    if (!error_) error_ = at(where, what);
  }
  Number value_or_fail(Result<Number> result, const Token& where) {
    if (result) return std::move(*result);
    fail(where, result.error().message);
    return {};
  }

  bool starts_operand(const Token& t) const {
    return t.kind == Token::Kind::number || t.is("(") || t.is("sqrt") ||
           (t.kind == Token::Kind::name && t.text != "of" && t.text != "mod" && t.text != "x");
  }
  // Is the % at the present token a remainder ("10 % 3") or a percentage ("10% of 3", "5 + 10%")?
  bool is_remainder() const {
    const Token& next = token(1);
    return starts_operand(next) || (next.is("-") && token().space_before && next.space_before && !token(2).space_before);
  }

  Operand sum();
  Operand product();
  Operand unary();
  Operand power_of();
  Operand postfix();
  Operand primary();
  Operand call(const Token& name);
  Operand product_step(const Operand& left, std::string_view operation, const Token& where);

  const std::vector<Token> tokens_;
  std::size_t at_ = 0;
  int depth_ = 0;
  std::optional<Error> error_;
};

Operand Parser::sum() {
  Operand left = product();
  while (token().is("+") || token().is("-")) {
    const Token operation = token();
    ++at_;
    Operand right = product();
    if (right.percent && !left.percent) {
      right.value = value_or_fail(multiply(left.value, right.value), operation);
    }
    left.value = value_or_fail(operation.is("+") ? add(left.value, right.value) : subtract(left.value, right.value), operation);
    left.percent = left.percent && right.percent;
  }
  return left;
}

Operand Parser::product_step(const Operand& left, std::string_view operation, const Token& where) {
  const Operand right = unary();
  if (error_) return {};
  if (operation == "/") return {value_or_fail(divide(left.value, right.value), where)};
  if (operation == "//") return {value_or_fail(floor_divide(left.value, right.value), where)};
  if (operation == "%") return {value_or_fail(modulo(left.value, right.value), where)};
  return {value_or_fail(multiply(left.value, right.value), where)};
}

Operand Parser::product() {
  Operand left = unary();
  bool divided = false;
  while (!error_) {
    const Token where = token();
    std::string operation;
    if (where.is("*") || where.is("/") || where.is("//") || where.is("%")) {
      operation = where.text;
    } else if (where.is_name("of") || where.is_name("x")) {
      operation = "*";
    } else if (where.is_name("mod")) {
      operation = "%";
    } else if (starts_operand(where) && (where.kind != Token::Kind::number)) {
      // 2pi and 3(4+5) are products; 1/2pi may mean two things.
      if (divided) {
        fail(where, "a product without '*' after a division is ambiguous: write '*' and parentheses");
        return left;
      }
      left = product_step(left, "*", where);
      continue;
    } else {
      return left;
    }
    ++at_;
    left = product_step(left, operation, where);
    divided = operation == "/";
  }
  return left;
}

Operand Parser::unary() {
  if (!token().is("-") && !token().is("+")) return power_of();
  const Token sign = token();
  if (++depth_ > kMaxNesting) fail(sign, "the expression is nested too deeply");
  ++at_;
  Operand operand = unary();
  --depth_;
  if (sign.is("-")) operand.value = value_or_fail(negate(operand.value), sign);
  return operand;
}

Operand Parser::power_of() {
  Operand base = postfix();
  if (!token().is("^")) return base;
  const Token where = token();
  if (++depth_ > kMaxNesting) fail(where, "the expression is nested too deeply");
  ++at_;
  const Operand exponent = unary();
  --depth_;
  if (error_) return {};
  return {value_or_fail(power(base.value, exponent.value), where)};
}

Operand Parser::postfix() {
  Operand operand = primary();
  while (true) {
    const Token where = token();
    if (where.is("!")) {
      operand = {value_or_fail(factorial(operand.value), where)};
    } else if (where.is("%") && !is_remainder()) {
      operand = {value_or_fail(divide(operand.value, 100), where), true};
    } else if (where.is("deg")) {
      operand = {value_or_fail(multiply(operand.value, Number(Real(pi() / 180))), where)};
    } else {
      return operand;
    }
    ++at_;
  }
}

Operand Parser::primary() {
  const Token where = token();
  if (where.kind == Token::Kind::number) {
    ++at_;
    return {value_or_fail(Number::parse(where.text), where)};
  }
  if (where.is("(")) {
    if (++depth_ > kMaxNesting) fail(where, "the expression is nested too deeply");
    ++at_;
    const Operand inside = sum();
    --depth_;
    if (!token().is(")")) fail(token(), "expected ')' for the '(' at position " + std::to_string(where.position));
    ++at_;
    return {inside.value};
  }
  if (where.is("sqrt")) {
    if (++depth_ > kMaxNesting) fail(where, "the expression is nested too deeply");
    ++at_;
    const Operand inside = primary();
    --depth_;
    return {value_or_fail(square_root(inside.value), where)};
  }
  if (where.kind == Token::Kind::name) {
    ++at_;
    return call(where);
  }
  fail(where, "expected a number, a name or '(' here");
  return {};
}

Operand Parser::call(const Token& name) {
  const MathFunction* function = find_function(name.text);
  if (function == nullptr) {
    if (Result<Number> value = constant(name.text)) return {std::move(*value)};
    const std::vector<std::string> near = near_names(name.text, known_names(), 3);
    fail(name, near.empty() ? "unknown name; write numbers, operators and functions such as sqrt, round, min, max"
                            : "unknown name; did you mean " + listed(near) + "?");
    return {};
  }
  if (!token().is("(")) {
    fail(name, "a function needs its arguments in parentheses: " + name.text + "(...)");
    return {};
  }
  if (++depth_ > kMaxNesting) fail(name, "the expression is nested too deeply");
  ++at_;
  std::vector<Number> arguments;
  while (!token().is(")") && !error_) {
    arguments.push_back(sum().value);
    if (!token().is(",")) break;
    ++at_;
  }
  --depth_;
  if (!token().is(")")) fail(token(), "expected ',' or ')' in the arguments of " + name.text);
  ++at_;
  const int n = static_cast<int>(arguments.size());
  if (n < function->min_arguments || n > function->max_arguments) {
    const std::string wanted = function->max_arguments == MathFunction::kMany ? "at least " + std::to_string(function->min_arguments)
                               : function->min_arguments == function->max_arguments
                                   ? std::to_string(function->min_arguments)
                                   : std::to_string(function->min_arguments) + " or " + std::to_string(function->max_arguments);
    fail(name, "takes " + wanted + " argument(s), not " + std::to_string(n));
  }
  if (error_) return {};
  return {value_or_fail(function->apply(arguments), name)};
}

}  // namespace

Result<std::string> calculate(std::string_view expression) {
  Result<std::vector<Token>> tokens = tokens_of(expression);
  if (!tokens) return tokens.error();
  const Result<Number> value = Parser(std::move(*tokens)).run();
  if (!value) return value.error();
  return value->text();
}

}  // namespace baton::tools
