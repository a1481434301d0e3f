#include <algorithm>

#include "parser.h"

namespace baton::llm::jinja {

Token Parser::take() {
  Token token = tokens_[at_];
  if (at_ + 1 < tokens_.size()) ++at_;
  return token;
}

bool Parser::skip(std::string_view symbol) {
  if (!current().is(symbol)) return false;
  take();
  return true;
}

bool Parser::skip_name(std::string_view name) {
  if (!current().is_name(name)) return false;
  take();
  return true;
}

void Parser::expect(std::string_view symbol) {
  if (!skip(symbol)) fail(current(), "expected '" + std::string(symbol) + "', got " + describe(current()));
}

void Parser::expect_name(std::string_view name) {
  if (!skip_name(name)) fail(current(), "expected '" + std::string(name) + "', got " + describe(current()));
}

std::string Parser::expect_identifier() {
  if (current().type == Token::Type::name) return take().value;
  fail(current(), "expected a name, got " + describe(current()));
  return {};
}

void Parser::expect_type(Token::Type type, std::string_view what) {
  if (current().type == type) {
    take();
  } else {
    fail(current(), "expected " + std::string(what) + ", got " + describe(current()));
  }
}

void Parser::fail(const Token& token, std::string message) {
  if (!error_) error_ = TemplateError{token.at, std::move(message)};
  at_ = tokens_.size() - 1;
}

std::unique_ptr<Stmt> Parser::make(Stmt::Type type, const Token& token) const {
  auto statement = std::make_unique<Stmt>();
  statement->type = type;
  statement->at = token.at;
  return statement;
}

Block Parser::parse() { return parse_block({}, ""); }

Block Parser::parse_block(Tags end, std::string_view opened_by) {
  Deeper deeper(*this);
  Block block;
  while (!failed()) {
    const Token token = current();
    if (token.type == Token::Type::end) {
      if (end.size() != 0) unknown_tag(token, end, opened_by);
      break;
    }
    take();
    if (token.type == Token::Type::text) {
      auto text = make(Stmt::Type::text, token);
      text->value = Value::text(token.value, true);
      block.push_back(std::move(text));
    } else if (token.type == Token::Type::print_begin) {
      auto print = make(Stmt::Type::print, token);
      print->expr = parse_tuple(false, true, false, "", false);
      expect_type(Token::Type::print_end, "end of print statement");
      block.push_back(std::move(print));
    } else if (token.type == Token::Type::block_begin) {
      bool closes = std::any_of(end.begin(), end.end(), [&](std::string_view tag) { return current().is_name(tag); });
      if (closes) return block;
      if (auto statement = parse_statement()) block.push_back(std::move(statement));
      if (!failed()) expect_type(Token::Type::block_end, "end of statement block");
    } else {
      fail(token, "unexpected " + describe(token));
    }
  }
  return block;
}

Block Parser::parse_body(Tags end, std::string_view opened_by, std::string* closed_by) {
  skip(":");
  expect_type(Token::Type::block_end, "end of statement block");
  Block block = parse_block(end, opened_by);
  std::string tag = failed() ? std::string() : take().value;
  if (closed_by) *closed_by = tag;
  return block;
}

void Parser::unknown_tag(const Token& token, Tags wanted, std::string_view opened_by) {
  std::string message = token.type == Token::Type::end ? "Unexpected end of template." : "Encountered unknown tag '" + token.value + "'.";
  for (std::string_view tag : wanted) message += (tag == *wanted.begin() ? " Expected '" : " or '") + std::string(tag) + "'";
  if (wanted.size() != 0) message += ".";
  if (!opened_by.empty()) message += " The innermost block that needs to be closed is '" + std::string(opened_by) + "'.";
  fail(token, message);
}

std::unique_ptr<Stmt> Parser::parse_statement() {
  Token token = current();
  if (token.type != Token::Type::name) {
    fail(token, "tag name expected, got " + describe(token));
    return nullptr;
  }
  take();
  const std::string& tag = token.value;
  if (tag == "for") return parse_for(token);
  if (tag == "if") return parse_if(token);
  if (tag == "set") return parse_set(token);
  if (tag == "macro") return parse_macro(token);
  if (tag == "call") return parse_call_block(token);
  if (tag == "filter") return parse_filter_block(token);
  if (tag == "with") return parse_with(token);
  if (tag == "generation") return parse_generation(token);
  if (tag == "break" || tag == "continue") return parse_loop_control(token);
  for (std::string_view known : {"autoescape", "block", "extends", "from", "import", "include", "print"}) {
    if (tag == known) {
      fail(token, "the tag '" + tag + "' is not supported in chat templates");
      return nullptr;
    }
  }
  unknown_tag(token, {}, "");
  return nullptr;
}

std::unique_ptr<Stmt> Parser::parse_for(const Token& token) {
  auto loop = make(Stmt::Type::for_loop, token);
  ++loops_;  // even the target may not be called `loop`
  loop->target = parse_target("in", false);
  expect_name("in");
  loop->expr = parse_tuple(false, false, false, "recursive", false);
  if (skip_name("if")) loop->condition = parse_expression();
  loop->recursive = skip_name("recursive");
  std::string closed_by;
  loop->body = parse_body({"endfor", "else"}, "for", &closed_by);
  --loops_;
  if (closed_by == "else") loop->otherwise = parse_body({"endfor"}, "for");
  return loop;
}

std::unique_ptr<Stmt> Parser::parse_if(const Token& token) {
  auto chain = make(Stmt::Type::if_chain, token);
  std::string closed_by = "elif";
  while (closed_by == "elif" && !failed()) {
    ExprPtr condition = parse_tuple(false, false, false, "", false);
    Block body = parse_body({"elif", "else", "endif"}, "if", &closed_by);
    chain->branches.emplace_back(std::move(condition), std::move(body));
  }
  if (closed_by == "else") chain->otherwise = parse_body({"endif"}, "if");
  return chain;
}

std::unique_ptr<Stmt> Parser::parse_set(const Token& token) {
  ExprPtr target = parse_target("", true);
  if (skip("=")) {
    auto set = make(Stmt::Type::set, token);
    set->target = std::move(target);
    set->expr = parse_tuple(false, true, false, "", false);
    return set;
  }
  auto set = make(Stmt::Type::set_block, token);
  set->target = std::move(target);
  while (current().is("|") && !failed()) {
    take();
    set->filter = parse_filter(std::move(set->filter));
  }
  set->body = parse_body({"endset"}, "set");
  return set;
}

void Parser::parse_signature(Function& function) {
  expect("(");
  while (!failed() && !current().is(")")) {
    if (!function.parameters.empty()) expect(",");
    Token name = current();
    function.parameters.push_back(expect_identifier());
    if (skip("=")) {
      function.defaults.push_back(parse_expression());
    } else if (!function.defaults.empty()) {
      fail(name, "non-default argument follows default argument");
    }
  }
  expect(")");
}

void Parser::parse_function_body(Function& function, Tags end, std::string_view opened_by) {
  int loops = std::exchange(loops_, 0);
  functions_.push_back(&function);
  function.body = parse_body(end, opened_by);
  functions_.pop_back();
  loops_ = loops;
}

std::unique_ptr<Stmt> Parser::parse_macro(const Token& token) {
  auto macro = make(Stmt::Type::macro, token);
  macro->function.name = expect_identifier();
  parse_signature(macro->function);
  parse_function_body(macro->function, {"endmacro"}, "macro");
  return macro;
}

std::unique_ptr<Stmt> Parser::parse_call_block(const Token& token) {
  auto block = make(Stmt::Type::call_block, token);
  if (current().is("(")) parse_signature(block->function);
  block->expr = parse_expression();
  if (!failed() && block->expr->type != Expr::Type::call) fail(token, "expected call");
  parse_function_body(block->function, {"endcall"}, "call");
  return block;
}

std::unique_ptr<Stmt> Parser::parse_filter_block(const Token& token) {
  auto block = make(Stmt::Type::filter, token);
  block->filter = parse_filter(nullptr);
  while (!failed() && skip("|")) block->filter = parse_filter(std::move(block->filter));
  block->body = parse_body({"endfilter"}, "filter");
  return block;
}

std::unique_ptr<Stmt> Parser::parse_with(const Token& token) {
  auto with = make(Stmt::Type::with, token);
  while (!failed() && current().type != Token::Type::block_end) {
    if (!with->bindings.empty()) expect(",");
    ExprPtr target = parse_target("", false);
    expect("=");
    with->bindings.emplace_back(std::move(target), parse_expression());
  }
  with->body = parse_body({"endwith"}, "with");
  return with;
}

std::unique_ptr<Stmt> Parser::parse_generation(const Token& token) {
  auto generation = make(Stmt::Type::generation, token);
  int loops = std::exchange(loops_, 0);  // jinja2 compiles it to a function, so `break` inside cannot refer to a loop outside
  generation->body = parse_body({"endgeneration"}, "generation");
  loops_ = loops;
  return generation;
}

std::unique_ptr<Stmt> Parser::parse_loop_control(const Token& token) {
  if (loops_ == 0) fail(token, "'" + token.value + "' outside loop");
  return make(token.value == "break" ? Stmt::Type::break_loop : Stmt::Type::continue_loop, token);
}

}  // namespace baton::llm::jinja
