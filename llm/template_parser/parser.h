#pragma once
// Converts tokens to a tree: the grammar of jinja2 without inheritance and imports. After the first fault the parser moves to the end of
// the template, so that every loop over tokens stops.
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ast.h"
#include "lexer.h"

namespace baton::llm::jinja {

class Parser {
 public:
  Parser(std::vector<Token> tokens, std::set<std::string, std::less<>>& names, std::optional<TemplateError>& error)
      : tokens_(std::move(tokens)), names_(names), error_(error) {}

  Block parse();

 private:
  // Nesting of statements, brackets and operators: the depth of the C++ stack while parsing, evaluating and destroying the tree.
  static constexpr int kMaxDepth = 200;
  class Deeper;

  // ---- tokens
  const Token& current() const { return tokens_[at_]; }
  const Token& ahead() const { return tokens_[std::min(at_ + 1, tokens_.size() - 1)]; }
  Token take();
  bool skip(std::string_view symbol);
  bool skip_name(std::string_view name);
  void expect(std::string_view symbol);
  void expect_name(std::string_view name);
  std::string expect_identifier();
  void expect_type(Token::Type type, std::string_view what);
  void fail(const Token& token, std::string message);
  bool failed() const { return error_.has_value(); }

  // ---- statements (parser_statements.cpp)
  using Tags = std::initializer_list<std::string_view>;
  // Parses up to, and not including, one of the tags; with an empty list, to the end of the template.
  Block parse_block(Tags end, std::string_view opened_by);
  // Parses after a statement's head: its block_end, the block, and the closing tag's name, which is consumed.
  Block parse_body(Tags end, std::string_view opened_by, std::string* closed_by = nullptr);
  std::unique_ptr<Stmt> parse_statement();
  std::unique_ptr<Stmt> make(Stmt::Type type, const Token& token) const;
  std::unique_ptr<Stmt> parse_for(const Token& token);
  std::unique_ptr<Stmt> parse_if(const Token& token);
  std::unique_ptr<Stmt> parse_set(const Token& token);
  std::unique_ptr<Stmt> parse_macro(const Token& token);
  std::unique_ptr<Stmt> parse_call_block(const Token& token);
  std::unique_ptr<Stmt> parse_filter_block(const Token& token);
  std::unique_ptr<Stmt> parse_with(const Token& token);
  std::unique_ptr<Stmt> parse_generation(const Token& token);
  std::unique_ptr<Stmt> parse_loop_control(const Token& token);
  void unknown_tag(const Token& token, Tags wanted, std::string_view opened_by);
  void parse_signature(Function& function);
  void parse_function_body(Function& function, Tags end, std::string_view opened_by);

  // ---- expressions (parser_expressions.cpp)
  ExprPtr make(Expr::Type type, const Token& token) const;
  // Sets the node's depth from its children's, and fails beyond the limit.
  ExprPtr finished(ExprPtr node);
  ExprPtr parse_expression(bool with_conditional = true);
  ExprPtr parse_any();
  ExprPtr parse_all();
  ExprPtr parse_not();
  ExprPtr parse_compare();
  ExprPtr parse_binary(int level);
  ExprPtr parse_concat();
  ExprPtr parse_unary(bool with_filter = true);
  ExprPtr parse_primary(bool with_namespace = false);
  ExprPtr parse_constant_name(const Token& token, bool with_namespace);
  ExprPtr parse_number(const Token& token);
  ExprPtr parse_list();
  ExprPtr parse_dict();
  ExprPtr parse_postfix(ExprPtr node);
  ExprPtr parse_subscript(ExprPtr node);
  ExprPtr parse_filters_and_tests(ExprPtr node);
  ExprPtr parse_filter(ExprPtr node);
  ExprPtr parse_test(ExprPtr node);
  ExprPtr parse_call(ExprPtr node);
  Expr::Call parse_arguments();
  // Expressions between commas: a tuple if there is a comma. `target`: names only, for set and for.
  ExprPtr parse_tuple(bool target, bool with_conditional, bool in_parentheses, std::string_view end_name, bool with_namespace);
  ExprPtr parse_target(std::string_view end_name, bool with_namespace);
  void check_target(const Expr& target);

  std::vector<Token> tokens_;
  std::set<std::string, std::less<>>& names_;
  std::optional<TemplateError>& error_;
  std::size_t at_ = 0;
  int depth_ = 0;
  int loops_ = 0;                     // open ones that break and continue would refer to
  std::vector<Function*> functions_;  // open macros and call blocks
};

class Parser::Deeper {
 public:
  explicit Deeper(Parser& parser) : parser_(parser) {
    if (++parser_.depth_ > kMaxDepth) parser_.fail(parser_.current(), "the template is nested deeper than " + std::to_string(kMaxDepth));
  }
  ~Deeper() { --parser_.depth_; }
  Deeper(const Deeper&) = delete;
  Deeper& operator=(const Deeper&) = delete;

 private:
  Parser& parser_;
};

}  // namespace baton::llm::jinja
