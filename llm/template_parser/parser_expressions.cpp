#include <algorithm>

#include "parser.h"

namespace baton::llm::jinja {
namespace {

bool is_comparison(const Token& token) {
  for (std::string_view symbol : {"==", "!=", "<", "<=", ">", ">="}) {
    if (token.is(symbol)) return true;
  }
  return false;
}

}  // namespace

ExprPtr Parser::make(Expr::Type type, const Token& token) const {
  auto node = std::make_unique<Expr>();
  node->type = type;
  node->at = token.at;
  return node;
}

ExprPtr Parser::finished(ExprPtr node) {
  auto include = [&](const ExprPtr& child) {
    if (child) node->depth = std::max(node->depth, child->depth + 1);
  };
  for (const ExprPtr& child : node->args) include(child);
  for (const ExprPtr& child : node->call.positional) include(child);
  for (const auto& [name, child] : node->call.named) include(child);
  include(node->call.spread);
  include(node->call.named_spread);
  if (node->depth > kMaxDepth && !failed()) {
    Token at;
    at.at = node->at;
    fail(at, "an expression is nested deeper than " + std::to_string(kMaxDepth));
  }
  return node;
}

ExprPtr Parser::parse_expression(bool with_conditional) {
  Deeper deeper(*this);
  ExprPtr node = parse_any();
  while (with_conditional && !failed() && current().is_name("if")) {
    Token token = take();
    ExprPtr conditional = make(Expr::Type::conditional, token);
    conditional->args.push_back(std::move(node));
    conditional->args.push_back(parse_any());
    conditional->args.push_back(skip_name("else") ? parse_expression() : nullptr);
    node = finished(std::move(conditional));
  }
  return node;
}

ExprPtr Parser::parse_any() {
  Token token = current();
  ExprPtr first = parse_all();
  if (!current().is_name("or")) return first;
  ExprPtr node = make(Expr::Type::any, token);
  node->args.push_back(std::move(first));
  while (skip_name("or")) node->args.push_back(parse_all());
  return finished(std::move(node));
}

ExprPtr Parser::parse_all() {
  Token token = current();
  ExprPtr first = parse_not();
  if (!current().is_name("and")) return first;
  ExprPtr node = make(Expr::Type::all, token);
  node->args.push_back(std::move(first));
  while (skip_name("and")) node->args.push_back(parse_not());
  return finished(std::move(node));
}

ExprPtr Parser::parse_not() {
  if (!current().is_name("not")) return parse_compare();
  Deeper deeper(*this);
  ExprPtr node = make(Expr::Type::negated, take());
  node->args.push_back(parse_not());
  return finished(std::move(node));
}

ExprPtr Parser::parse_compare() {
  ExprPtr first = parse_binary(0);
  ExprPtr node;
  while (!failed()) {
    Token token = current();
    std::string op;
    if (is_comparison(token)) {
      op = take().value;
    } else if (skip_name("in")) {
      op = "in";
    } else if (token.is_name("not") && ahead().is_name("in")) {
      take();
      take();
      op = "not in";
    } else {
      break;
    }
    if (!node) {
      node = make(Expr::Type::compare, token);
      node->args.push_back(std::move(first));
    }
    node->ops.push_back(op);
    node->args.push_back(parse_binary(0));
  }
  return node ? finished(std::move(node)) : std::move(first);
}

// Level 0: + -, then ~ (parse_concat), 1: * / // %, 2: **. All of them group to the left, as in jinja2.
ExprPtr Parser::parse_binary(int level) {
  static const std::vector<std::string_view> kSymbols[] = {{"+", "-"}, {"*", "/", "//", "%"}, {"**"}};
  auto operand = [&] { return level == 0 ? parse_concat() : level == 1 ? parse_binary(2) : parse_unary(); };
  ExprPtr left = operand();
  while (!failed() && current().type == Token::Type::symbol) {
    const auto& symbols = kSymbols[level];
    if (std::find(symbols.begin(), symbols.end(), current().value) == symbols.end()) break;
    Token token = take();
    ExprPtr node = make(Expr::Type::binary, token);
    node->name = token.value;
    node->args.push_back(std::move(left));
    node->args.push_back(operand());
    left = finished(std::move(node));
  }
  return left;
}

ExprPtr Parser::parse_concat() {
  Token token = current();
  ExprPtr first = parse_binary(1);
  if (!current().is("~")) return first;
  ExprPtr node = make(Expr::Type::concat, token);
  node->args.push_back(std::move(first));
  while (!failed() && skip("~")) node->args.push_back(parse_binary(1));
  return finished(std::move(node));
}

ExprPtr Parser::parse_unary(bool with_filter) {
  ExprPtr node;
  if (current().is("-") || current().is("+")) {
    Deeper deeper(*this);
    Token token = take();
    node = make(token.value == "-" ? Expr::Type::minus : Expr::Type::plus, token);
    node->args.push_back(parse_unary(false));
    node = finished(std::move(node));
  } else {
    node = parse_primary();
  }
  node = parse_postfix(std::move(node));
  return with_filter ? parse_filters_and_tests(std::move(node)) : std::move(node);
}

ExprPtr Parser::parse_postfix(ExprPtr node) {
  while (!failed()) {
    if (current().is(".") || current().is("[")) {
      node = parse_subscript(std::move(node));
    } else if (current().is("(")) {
      node = parse_call(std::move(node));
    } else {
      break;
    }
  }
  return node;
}

ExprPtr Parser::parse_subscript(ExprPtr object) {
  Token token = take();
  ExprPtr node = make(Expr::Type::item, token);
  node->args.push_back(std::move(object));
  if (token.value == ".") {
    Token name = take();
    if (name.type == Token::Type::name) {
      node->type = Expr::Type::attribute;
      node->name = name.value;
    } else if (name.type == Token::Type::integer) {
      node->args.push_back(parse_number(name));
    } else {
      fail(name, "expected a name or a number after '.', got " + describe(name));
    }
    return finished(std::move(node));
  }
  ExprPtr first = current().is(":") ? nullptr : parse_tuple(false, true, false, "", false);
  if (skip(":")) {
    node->type = Expr::Type::slice;
    node->args.push_back(std::move(first));
    node->args.push_back(current().is(":") || current().is("]") ? nullptr : parse_expression());
    node->args.push_back(skip(":") && !current().is("]") ? parse_expression() : nullptr);
  } else {
    node->args.push_back(std::move(first));
  }
  expect("]");
  return finished(std::move(node));
}

ExprPtr Parser::parse_filters_and_tests(ExprPtr node) {
  while (!failed()) {
    if (skip("|")) {
      node = parse_filter(std::move(node));
    } else if (current().is_name("is")) {
      node = parse_test(std::move(node));
    } else if (current().is("(")) {
      node = parse_call(std::move(node));
    } else {
      break;
    }
  }
  return node;
}

ExprPtr Parser::parse_filter(ExprPtr subject) {
  Token token = current();
  ExprPtr node = make(Expr::Type::filter, token);
  node->name = expect_identifier();
  while (!failed() && skip(".")) node->name += "." + expect_identifier();
  node->args.push_back(std::move(subject));
  if (current().is("(")) node->call = parse_arguments();
  return finished(std::move(node));
}

ExprPtr Parser::parse_test(ExprPtr subject) {
  Token token = take();
  bool negated = skip_name("not");
  ExprPtr node = make(Expr::Type::test, token);
  node->name = expect_identifier();
  while (!failed() && skip(".")) node->name += "." + expect_identifier();
  node->args.push_back(std::move(subject));
  const Token& next = current();
  bool word = next.type == Token::Type::name && !next.is_name("else") && !next.is_name("or") && !next.is_name("and");
  if (next.is("(")) {
    node->call = parse_arguments();
  } else if (next.is_name("is")) {
    fail(next, "You cannot chain multiple tests with is");
  } else if (word || next.type == Token::Type::string || next.type == Token::Type::integer || next.type == Token::Type::floating ||
             next.is("[") || next.is("{")) {
    ExprPtr argument = parse_primary();
    node->call.positional.push_back(parse_postfix(std::move(argument)));
  }
  node = finished(std::move(node));
  if (!negated) return node;
  ExprPtr outer = make(Expr::Type::negated, token);
  outer->args.push_back(std::move(node));
  return finished(std::move(outer));
}

ExprPtr Parser::parse_call(ExprPtr callee) {
  ExprPtr node = make(Expr::Type::call, current());
  node->args.push_back(std::move(callee));
  node->call = parse_arguments();
  return finished(std::move(node));
}

Expr::Call Parser::parse_arguments() {
  Deeper deeper(*this);
  Expr::Call call;
  Token open = current();
  expect("(");
  bool first = true;
  while (!failed() && !current().is(")")) {
    if (!first) expect(",");
    if (!first && current().is(")")) break;
    first = false;
    bool valid = true;
    if (skip("*")) {
      valid = !call.spread && !call.named_spread;
      call.spread = parse_expression();
    } else if (skip("**")) {
      valid = !call.named_spread;
      call.named_spread = parse_expression();
    } else if (current().type == Token::Type::name && ahead().is("=")) {
      valid = !call.named_spread;
      std::string name = take().value;
      take();
      call.named.emplace_back(name, parse_expression());
    } else {
      valid = !call.spread && !call.named_spread && call.named.empty();
      call.positional.push_back(parse_expression());
    }
    if (!valid) fail(open, "invalid syntax for function call expression");
  }
  expect(")");
  return call;
}

ExprPtr Parser::parse_tuple(bool target, bool with_conditional, bool in_parentheses, std::string_view end_name, bool with_namespace) {
  Token token = current();
  auto ends = [&] {
    const Token& next = current();
    return next.type == Token::Type::print_end || next.type == Token::Type::block_end || next.type == Token::Type::end || next.is(")") ||
           next.is("]") || (!end_name.empty() && next.is_name(end_name));
  };
  std::vector<ExprPtr> items;
  bool is_tuple = false;
  while (!failed()) {
    if (!items.empty()) expect(",");
    if (ends()) break;
    items.push_back(target ? parse_primary(with_namespace) : parse_expression(with_conditional));
    if (!current().is(",")) break;
    is_tuple = true;
  }
  if (!is_tuple && items.size() == 1) return std::move(items[0]);
  if (!is_tuple && !in_parentheses && !failed()) fail(current(), "Expected an expression, got " + describe(current()));
  ExprPtr node = make(Expr::Type::tuple, token);
  node->args = std::move(items);
  return finished(std::move(node));
}

ExprPtr Parser::parse_target(std::string_view end_name, bool with_namespace) {
  ExprPtr target = parse_tuple(true, true, false, end_name, with_namespace);
  check_target(*target);
  return target;
}

void Parser::check_target(const Expr& target) {
  if (failed()) return;
  Token at;
  at.at = target.at;
  if (target.type == Expr::Type::tuple) {
    for (const ExprPtr& item : target.args) check_target(*item);
  } else if (target.type == Expr::Type::name) {
    if (target.name == "loop" && loops_ > 0) fail(at, "Can't assign to special loop variable in for-loop");
  } else if (target.type != Expr::Type::namespace_attribute) {
    fail(at, "can't assign to this expression");
  }
}

}  // namespace baton::llm::jinja
