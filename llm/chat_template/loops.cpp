#include <algorithm>

#include "bind.h"
#include "interpreter.h"
#include "operators.h"

namespace baton::llm::jinja {

// The next item of the source that passes the loop's `if`. The condition is evaluated as late as possible, as in jinja2's generator,
// because it may read variables that the body has set.
bool Interpreter::fetch(Loop& loop, Value& item) {
  while (loop.cursor < loop.source.size() && charge()) {
    item = loop.source[loop.cursor++];
    const Expr* condition = loop.statement->condition.get();
    if (condition) {
      auto test = std::make_shared<Scope>();
      test->parent = loop.outer;
      assign(*loop.statement->target, item, test);
      bool kept = evaluate(*condition, test).truth();
      if (failed()) return false;
      if (!kept) continue;
    }
    ++loop.fetched;
    return true;
  }
  return false;
}

bool Interpreter::peek(Loop& loop) {
  if (loop.ahead_used < loop.ahead.size()) return true;
  Value item;
  if (!fetch(loop, item)) return false;
  loop.ahead.push_back(std::move(item));
  return true;
}

bool Interpreter::next_of(Loop& loop, Value& item) {
  if (loop.ahead_used < loop.ahead.size()) {
    item = std::move(loop.ahead[loop.ahead_used++]);
  } else if (!fetch(loop, item)) {
    return false;
  }
  return true;
}

std::size_t Interpreter::loop_length(Loop& loop) {
  for (Value item; fetch(loop, item);) loop.ahead.push_back(std::move(item));
  return loop.fetched;
}

void Interpreter::run_loop(const Stmt& statement, const Value& iterable, int depth0, const std::shared_ptr<Scope>& scope) {
  if (failed()) return;
  at_ = statement.expr->at;
  auto loop = std::make_shared<Loop>();
  loop->statement = &statement;
  loop->outer = scope;
  loop->depth0 = depth0;
  loop->source_depth = iterable.depth();
  if (loop->source_depth >= kMaxValueDepth) {
    fail("values are nested deeper than " + std::to_string(kMaxValueDepth));
    return;
  }
  if (!iterate(iterable, loop->source)) return;
  if (statement.recursive) closures_.push_back(scope);
  bool completed = false;  // jinja2 runs `else` unless some iteration reached the end of the body: `continue` and `break` do not count
  bool first = true;
  for (Value item; next_of(*loop, item); first = false) {
    if (!first) {
      ++loop->index0;
      loop->previous = std::move(loop->current);
    }
    loop->current = item;
    auto inner = std::make_shared<Scope>();
    inner->parent = scope;
    inner->variables.reserve(4);
    inner->variables.emplace_back("loop", Value(Value::Storage(loop), true));
    assign(*statement.target, item, inner);
    Flow flow = execute(statement.body, inner);
    completed = completed || flow == Flow::normal;
    if (flow == Flow::break_loop) break;
  }
  // An object that keeps `loop` (a namespace) must not keep the scope, or a chain of them could grow without bound.
  if (!statement.recursive) loop->outer.reset();
  if (!completed && !failed()) {
    auto inner = std::make_shared<Scope>();
    inner->parent = scope;
    execute(statement.otherwise, inner);
  }
}

Value Interpreter::loop_attribute(const std::shared_ptr<Loop>& shared, std::string_view name) {
  Loop& loop = *shared;
  auto number = [](std::size_t n) { return Value::integer(static_cast<Integer>(n)); };
  if (name == "index0") return number(loop.index0);
  if (name == "index") return number(loop.index0 + 1);
  if (name == "first") return Value::boolean(loop.index0 == 0);
  if (name == "last") return Value::boolean(!peek(loop));
  if (name == "length") return number(loop_length(loop));
  if (name == "revindex") return number(loop_length(loop) - loop.index0);
  if (name == "revindex0") return number(loop_length(loop) - loop.index0 - 1);
  if (name == "depth0") return number(static_cast<std::size_t>(loop.depth0));
  if (name == "depth") return number(static_cast<std::size_t>(loop.depth0) + 1);
  if (name == "previtem") return loop.index0 == 0 ? Value::undefined("there is no previous item") : loop.previous;
  if (name == "nextitem") return peek(loop) ? loop.ahead[loop.ahead_used] : Value::undefined("there is no next item");
  if (name == "cycle") {
    return make_function("loop.cycle", shared->depth(), [shared](Interpreter& in, Arguments& arguments) {
      if (arguments.positional.empty()) return in.fail("no items for cycling given");
      return arguments.positional[shared->index0 % arguments.positional.size()];
    });
  }
  if (name == "changed") {
    return make_function("loop.changed", shared->depth(), [shared](Interpreter& in, Arguments& arguments) {
      if (shared->last_changed) {
        const std::vector<Value>& last = *shared->last_changed;
        bool same = last.size() == arguments.positional.size();
        for (std::size_t i = 0; same && i < last.size(); ++i) same = equals(in, last[i], arguments.positional[i]);
        if (same) return Value::boolean(false);
      } else {
        in.changing_loops_.push_back(shared);
      }
      shared->last_changed = std::move(arguments.positional);
      return Value::boolean(true);
    });
  }
  return Value::undefined("'jinja2.runtime.LoopContext object' has no attribute '" + std::string(name) + "'");
}

// `loop(children)` in a recursive loop: the loop's own body over other items.
Value Interpreter::call_loop(const std::shared_ptr<Loop>& loop, Arguments& arguments) {
  if (!loop->statement->recursive) return fail("the loop must have the 'recursive' marker to be called");
  if (arguments.positional.size() != 1 || !arguments.named.empty()) return fail("loop() takes one argument");
  Text captured;
  Text* outer = std::exchange(out_, &captured);
  run_loop(*loop->statement, arguments.positional[0], loop->depth0 + 1, loop->outer);
  out_ = outer;
  return Value::text(std::move(captured));
}

}  // namespace baton::llm::jinja
