#include <baton/llm/template_values/numbers.h>
#include "parser.h"

namespace baton::llm::jinja {

ExprPtr Parser::parse_primary(bool with_namespace) {
  Token token = current();
  if (token.type == Token::Type::name) {
    take();
    return parse_constant_name(token, with_namespace);
  }
  if (token.type == Token::Type::string) {
    std::string value;
    while (current().type == Token::Type::string) value += take().value;
    ExprPtr node = make(Expr::Type::constant, token);
    node->value = Value::text(std::move(value), true);
    return node;
  }
  if (token.type == Token::Type::integer || token.type == Token::Type::floating) {
    take();
    return parse_number(token);
  }
  if (token.is("[")) return parse_list();
  if (token.is("{")) return parse_dict();
  if (token.is("(")) {
    take();
    ExprPtr node = parse_tuple(false, true, true, "", false);
    expect(")");
    return node;
  }
  fail(token, "unexpected " + describe(token));
  return make(Expr::Type::constant, token);
}

ExprPtr Parser::parse_constant_name(const Token& token, bool with_namespace) {
  const std::string& name = token.value;
  ExprPtr node = make(Expr::Type::constant, token);
  if (name == "true" || name == "True" || name == "false" || name == "False") {
    node->value = Value::boolean(name == "true" || name == "True");
  } else if (name == "none" || name == "None") {
    node->value = Value::none();
  } else if (with_namespace && current().is(".")) {
    take();
    node->type = Expr::Type::namespace_attribute;
    node->name = name;
    node->attribute = expect_identifier();
  } else {
    node->type = Expr::Type::name;
    node->name = name;
    names_.insert(name);
    for (Function* function : functions_) {
      function->uses_caller = function->uses_caller || name == "caller";
      function->uses_kwargs = function->uses_kwargs || name == "kwargs";
      function->uses_varargs = function->uses_varargs || name == "varargs";
    }
  }
  return node;
}

ExprPtr Parser::parse_number(const Token& token) {
  ExprPtr node = make(Expr::Type::constant, token);
  Integer integer = 0;
  double real = 0;
  if (token.type == Token::Type::integer) {
    if (parse_integer(token.value, 0, integer) != Parsed::ok) fail(token, "the number " + token.value + " does not fit 127 bits");
    node->value = Value::integer(integer);
  } else {
    if (!parse_float(token.value, real)) fail(token, token.value + " is not a number");
    node->value = Value::floating(real);
  }
  return node;
}

ExprPtr Parser::parse_list() {
  ExprPtr node = make(Expr::Type::list, take());
  while (!failed() && !current().is("]")) {
    if (!node->args.empty()) expect(",");
    if (current().is("]")) break;
    node->args.push_back(parse_expression());
  }
  expect("]");
  return finished(std::move(node));
}

ExprPtr Parser::parse_dict() {
  ExprPtr node = make(Expr::Type::dict, take());
  while (!failed() && !current().is("}")) {
    if (!node->args.empty()) expect(",");
    if (current().is("}")) break;
    node->args.push_back(parse_expression());
    expect(":");
    node->args.push_back(parse_expression());
  }
  expect("}");
  return finished(std::move(node));
}

}  // namespace baton::llm::jinja
