#include "builtins/globals.h"
#include "deeper.h"
#include "interpreter.h"
#include "operators.h"
#include "python_text.h"

namespace baton::llm::jinja {

Value Interpreter::lookup(const std::string& name, const std::shared_ptr<Scope>& scope) {
  const Value* found = nullptr;
  std::size_t n_names = 0;
  for (const Scope* at = scope.get(); at && !found; at = at->parent.get()) {
    found = at->find_here(name);
    n_names += 1 + at->variables.size();
  }
  if (!charge_names(n_names)) return {};
  if (found) return *found;
  if (Value global = global_named(*this, name); !global.is_undefined()) return global;
  return Value::undefined("'" + name + "' is undefined");
}

Value Interpreter::evaluate(const Expr& expr, const std::shared_ptr<Scope>& scope) {
  if (expr.type == Expr::Type::constant) return expr.value;
  Deeper deeper(*this);
  at_ = expr.at;
  if (!charge()) return {};
  if (expr.type == Expr::Type::name) return lookup(expr.name, scope);
  Value result = evaluate_here(expr, scope);
  if (failed()) return {};
  return result;
}

bool Interpreter::evaluate_all(const std::vector<ExprPtr>& exprs, const std::shared_ptr<Scope>& scope, std::vector<Value>& values) {
  values.reserve(values.size() + exprs.size());
  for (const auto& expr : exprs) values.push_back(evaluate(*expr, scope));
  return !failed();
}

Value Interpreter::evaluate_here(const Expr& expr, const std::shared_ptr<Scope>& scope) {
  auto operand = [&](std::size_t i) {
    const Expr* wanted = i < expr.args.size() ? expr.args[i].get() : nullptr;
    Value value = wanted ? evaluate(*wanted, scope) : Value::none();
    at_ = expr.at;
    return value;
  };
  std::vector<Value> items;
  switch (expr.type) {
    case Expr::Type::list:
    case Expr::Type::tuple:
      if (!evaluate_all(expr.args, scope, items)) return {};
      at_ = expr.at;
      return make_sequence(expr.type == Expr::Type::list ? Sequence::Type::list : Sequence::Type::tuple, std::move(items), true);
    case Expr::Type::dict:
      return evaluate_dict(expr, scope);
    case Expr::Type::attribute:
      return attribute(operand(0), expr.name);
    case Expr::Type::item: {
      Value object = operand(0);
      Value key = operand(1);
      return item(object, key);
    }
    case Expr::Type::slice: {
      Value object = operand(0);
      Value start = operand(1);
      Value stop = operand(2);
      Value step = operand(3);
      return slice(object, start, stop, step);
    }
    case Expr::Type::call: {
      Value callee = operand(0);
      Arguments arguments = evaluate_arguments(expr.call, scope);
      at_ = expr.at;
      return call(callee, arguments);
    }
    case Expr::Type::filter:
    case Expr::Type::test: {
      Value subject = expr.args[0] ? operand(0) : lookup("", scope);
      Arguments arguments = evaluate_arguments(expr.call, scope);
      at_ = expr.at;
      if (failed()) return {};
      if (expr.type == Expr::Type::filter) return apply_filter(expr.name, subject, arguments);
      return Value::boolean(apply_test(expr.name, subject, arguments));
    }
    case Expr::Type::negated:
      return Value::boolean(!operand(0).truth());
    case Expr::Type::minus:
      return negate(*this, operand(0));
    case Expr::Type::plus:
      return positive(*this, operand(0));
    case Expr::Type::binary:
      return evaluate_binary(expr, scope);
    case Expr::Type::concat:
      return evaluate_concat(expr, scope);
    case Expr::Type::compare:
      return evaluate_compare(expr, scope);
    case Expr::Type::any:
    case Expr::Type::all: {
      Value value;
      for (std::size_t i = 0; i < expr.args.size(); ++i) {
        value = operand(i);
        if (failed() || value.truth() == (expr.type == Expr::Type::any)) break;
      }
      return value;
    }
    case Expr::Type::conditional:
      return evaluate_conditional(expr, scope);
    case Expr::Type::constant:
    case Expr::Type::name:
    case Expr::Type::namespace_attribute:
      break;
  }
  return {};
}

Value Interpreter::evaluate_conditional(const Expr& expr, const std::shared_ptr<Scope>& scope) {
  bool condition = evaluate(*expr.args[1], scope).truth();
  if (failed()) return {};
  if (condition) return evaluate(*expr.args[0], scope);
  if (expr.args[2]) return evaluate(*expr.args[2], scope);
  return Value::undefined("the inline if-expression on line " + std::to_string(expr.at.line) +
                          " evaluated to false and no else section was defined.");
}

// `a + b + c ..` nests to the left, as deep as it is long, so it is not evaluated recursively.
Value Interpreter::evaluate_binary(const Expr& expr, const std::shared_ptr<Scope>& scope) {
  std::vector<const Expr*> spine;
  const Expr* leftmost = &expr;
  for (; leftmost->type == Expr::Type::binary; leftmost = leftmost->args[0].get()) spine.push_back(leftmost);
  Value left = evaluate(*leftmost, scope);
  for (auto node = spine.rbegin(); node != spine.rend() && !failed(); ++node) {
    Value right = evaluate(*(*node)->args[1], scope);
    at_ = (*node)->at;
    if (!charge()) return {};
    left = arithmetic(*this, (*node)->name, left, right);
  }
  return left;
}

Value Interpreter::evaluate_concat(const Expr& expr, const std::shared_ptr<Scope>& scope) {
  Builder builder(*this, Text({}, true));
  for (const auto& part : expr.args) {
    Value value = evaluate(*part, scope);
    at_ = expr.at;
    if (failed()) return {};
    if (const Text* text = value.text()) {
      builder.add(*text);
    } else {
      builder.add(to_str(*this, value));
    }
  }
  return builder.value();
}

Value Interpreter::evaluate_compare(const Expr& expr, const std::shared_ptr<Scope>& scope) {
  Value left = evaluate(*expr.args[0], scope);
  for (std::size_t i = 0; i < expr.ops.size(); ++i) {
    Value right = evaluate(*expr.args[i + 1], scope);
    at_ = expr.at;
    if (failed()) return {};
    if (!compare(*this, expr.ops[i], left, right)) return Value::boolean(false);
    left = std::move(right);
  }
  return Value::boolean(true);
}

Value Interpreter::evaluate_dict(const Expr& expr, const std::shared_ptr<Scope>& scope) {
  Dict dict;
  for (std::size_t i = 0; i < expr.args.size() && !failed(); i += 2) {
    Value key = evaluate(*expr.args[i], scope);
    Value value = evaluate(*expr.args[i + 1], scope);
    at_ = expr.at;
    set_item(dict, std::move(key), std::move(value));
  }
  return make_dict(std::move(dict), true);
}

Arguments Interpreter::evaluate_arguments(const Expr::Call& call, const std::shared_ptr<Scope>& scope) {
  Arguments arguments;
  evaluate_all(call.positional, scope, arguments.positional);
  for (const auto& [name, expr] : call.named) arguments.named.emplace_back(name, evaluate(*expr, scope));
  if (call.spread && !failed()) iterate(evaluate(*call.spread, scope), arguments.positional);
  if (call.named_spread && !failed()) {
    Value extra = evaluate(*call.named_spread, scope);
    if (!extra.dict()) {
      if (!failed()) fail("the argument after ** must be a mapping, not " + extra.type_name());
      return arguments;
    }
    for (const auto& [key, value] : extra.dict()->items()) {
      if (!key.text()) {
        fail("keywords must be strings");
        return arguments;
      }
      arguments.named.emplace_back(key.text()->bytes(), value);
    }
  }
  return arguments;
}

}  // namespace baton::llm::jinja
