#include "deeper.h"
#include "interpreter.h"
#include "python_text.h"

namespace baton::llm::jinja {
namespace {

std::shared_ptr<Scope> inside(const std::shared_ptr<Scope>& scope) {
  auto inner = std::make_shared<Scope>();
  inner->parent = scope;
  return inner;
}

}  // namespace

Interpreter::Flow Interpreter::execute(const Block& block, const std::shared_ptr<Scope>& scope) {
  for (const auto& statement : block) {
    Flow flow = execute(*statement, scope);
    if (failed()) return Flow::break_loop;
    if (flow != Flow::normal) return flow;
  }
  return Flow::normal;
}

Interpreter::Flow Interpreter::execute(const Stmt& statement, const std::shared_ptr<Scope>& scope) {
  Deeper deeper(*this);
  at_ = statement.at;
  if (!charge()) return Flow::break_loop;
  switch (statement.type) {
    case Stmt::Type::text:
      write(*statement.value.text());
      break;
    case Stmt::Type::print: {
      Value value = evaluate(*statement.expr, scope);
      at_ = statement.expr->at;
      write(value);
      break;
    }
    case Stmt::Type::set:
      assign(*statement.target, evaluate(*statement.expr, scope), scope);
      break;
    case Stmt::Type::set_block:
    case Stmt::Type::filter:
      return execute_captured(statement, scope);
    case Stmt::Type::for_loop:
      run_loop(statement, evaluate(*statement.expr, scope), 0, scope);
      break;
    case Stmt::Type::if_chain:
      return execute_if(statement, scope);
    case Stmt::Type::macro:
      scope->set(statement.function.name, make_macro(statement.function, scope));
      break;
    case Stmt::Type::call_block:
      execute_call_block(statement, scope);
      break;
    case Stmt::Type::with:
      return execute_with(statement, scope);
    case Stmt::Type::generation:
      return execute(statement.body, inside(scope));
    case Stmt::Type::break_loop:
      return Flow::break_loop;
    case Stmt::Type::continue_loop:
      return Flow::continue_loop;
  }
  return Flow::normal;
}

Interpreter::Flow Interpreter::execute_if(const Stmt& statement, const std::shared_ptr<Scope>& scope) {
  for (const auto& [condition, body] : statement.branches) {
    bool taken = evaluate(*condition, scope).truth();
    if (failed()) return Flow::break_loop;
    if (taken) return execute(body, scope);
  }
  return execute(statement.otherwise, scope);
}

Interpreter::Flow Interpreter::execute_with(const Stmt& statement, const std::shared_ptr<Scope>& scope) {
  auto inner = inside(scope);
  for (const auto& [target, expr] : statement.bindings) assign(*target, evaluate(*expr, scope), inner);
  return execute(statement.body, inner);
}

// The output of the body of `{% set x %}` or `{% filter f %}` goes to the variable, or through the filter to the output.
Interpreter::Flow Interpreter::execute_captured(const Stmt& statement, const std::shared_ptr<Scope>& scope) {
  Text captured;
  Text* outer = std::exchange(out_, &captured);
  auto inner = inside(scope);
  Flow flow = execute(statement.body, inner);
  out_ = outer;
  if (flow != Flow::normal) return flow;
  Value value = Value::text(std::move(captured));
  if (statement.filter) {
    // The head of the chain of filters has no operand of its own: its operand is the captured text.
    inner->set("", value);
    value = evaluate(*statement.filter, inner);
  }
  at_ = statement.at;
  if (statement.type == Stmt::Type::filter) {
    write(value);
  } else {
    assign(*statement.target, value, scope);
  }
  return Flow::normal;
}

void Interpreter::execute_call_block(const Stmt& statement, const std::shared_ptr<Scope>& scope) {
  const Expr& expr = *statement.expr;
  Value callee = evaluate(*expr.args[0], scope);
  Arguments arguments = evaluate_arguments(expr.call, scope);
  arguments.named.emplace_back("caller", make_macro(statement.function, scope));
  at_ = expr.at;
  Value result = call(callee, arguments);
  at_ = expr.at;
  write(result);
}

void Interpreter::assign(const Expr& target, const Value& value, const std::shared_ptr<Scope>& scope) {
  if (failed()) return;
  at_ = target.at;
  if (target.type == Expr::Type::name) {
    if (charge_names(scope->variables.size())) scope->set(target.name, value);
    return;
  }
  if (target.type == Expr::Type::namespace_attribute) {
    Value object = lookup(target.name, scope);
    Namespace* name_space = object.name_space();
    if (!name_space) {
      fail("cannot assign attribute on non-namespace object");
    } else if (target.attribute[0] == '_') {
      fail("a namespace cannot have '" + target.attribute + "': names with an underscore in front are reserved");
    } else if (charge_names(name_space->attributes.size())) {
      name_space->set(target.attribute, value);
    }
    return;
  }
  std::vector<Value> items;
  if (value.is_undefined() || value.is_none() || !iterate(value, items)) {
    if (!value.is_undefined()) {
      fail("cannot unpack non-iterable " + value.type_name() + " object");
      return;
    }
  }
  std::size_t wanted = target.args.size();
  if (items.size() < wanted) {
    fail("not enough values to unpack (expected " + std::to_string(wanted) + ", got " + std::to_string(items.size()) + ")");
  } else if (items.size() > wanted) {
    fail("too many values to unpack (expected " + std::to_string(wanted) + ")");
  }
  for (std::size_t i = 0; i < wanted && !failed(); ++i) assign(*target.args[i], items[i], scope);
}

void Interpreter::write(const Text& text) {
  if (charge_bytes(text.size(), out_->size() + text.size())) out_->append(text);
}

void Interpreter::write(const Value& value) {
  if (failed()) return;
  if (const Text* text = value.text()) return write(*text);
  write(to_str(*this, value));
}

}  // namespace baton::llm::jinja
