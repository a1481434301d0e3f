#include <algorithm>

#include "deeper.h"
#include "interpreter.h"

namespace baton::llm::jinja {

Value Interpreter::make_macro(const Function& function, const std::shared_ptr<Scope>& scope) {
  if (closures_.empty() || closures_.back() != scope) closures_.push_back(scope);
  // The scope is owned by closures_ and not by the value, because it may contain that value itself.
  std::weak_ptr<Scope> closure = scope;
  auto call = [&function, closure](Interpreter& in, Arguments& arguments) { return in.call_macro(function, closure.lock(), arguments); };
  return make_function("<Macro " + (function.name.empty() ? "anonymous" : "'" + function.name + "'") + ">", 0, call);
}

Value Interpreter::call_macro(const Function& function, const std::shared_ptr<Scope>& closure, Arguments& arguments) {
  Deeper deeper(*this);
  if (!charge()) return {};
  auto inner = std::make_shared<Scope>();
  inner->parent = closure;
  if (!bind_parameters(function, inner, arguments)) return {};
  Text captured({}, true);
  Text* outer = std::exchange(out_, &captured);
  execute(function.body, inner);
  out_ = outer;
  return Value::text(std::move(captured));
}

bool Interpreter::bind_parameters(const Function& function, const std::shared_ptr<Scope>& inner, Arguments& arguments) {
  std::size_t count = function.parameters.size();
  std::size_t given = std::min(count, arguments.positional.size());
  for (std::size_t i = 0; i < given; ++i) inner->set(function.parameters[i], arguments.positional[i]);
  std::size_t first_default = count - function.defaults.size();
  for (std::size_t i = given; i < count; ++i) {
    const std::string& name = function.parameters[i];
    auto named = std::find_if(arguments.named.begin(), arguments.named.end(), [&](auto& entry) { return entry.first == name; });
    if (named != arguments.named.end()) {
      inner->set(name, named->second);
      arguments.named.erase(named);
    } else if (i >= first_default) {
      inner->set(name, evaluate(*function.defaults[i - first_default], inner));
    } else {
      inner->set(name, Value::undefined("parameter '" + name + "' was not provided"));
    }
  }
  bool own_caller = std::find(function.parameters.begin(), function.parameters.end(), "caller") != function.parameters.end();
  if (function.uses_caller && !own_caller) {
    auto caller = std::find_if(arguments.named.begin(), arguments.named.end(), [](auto& entry) { return entry.first == "caller"; });
    inner->set("caller", caller == arguments.named.end() ? Value::undefined("No caller defined") : caller->second);
    if (caller != arguments.named.end()) arguments.named.erase(caller);
  }
  if (function.uses_kwargs) {
    Dict dict;
    for (auto& [name, value] : arguments.named) set_item(dict, Value::text(name, true), value);
    inner->set("kwargs", make_dict(std::move(dict), true));
  } else if (!arguments.named.empty()) {
    fail("macro '" + function.name + "' takes no keyword argument '" + arguments.named[0].first + "'");
  }
  if (function.uses_varargs) {
    std::vector<Value> rest(arguments.positional.begin() + static_cast<std::ptrdiff_t>(given), arguments.positional.end());
    inner->set("varargs", make_sequence(Sequence::Type::tuple, std::move(rest), true));
  } else if (arguments.positional.size() > count) {
    fail("macro '" + function.name + "' takes not more than " + std::to_string(count) + " argument(s)");
  }
  return !failed();
}

Value Interpreter::call(const Value& callee, Arguments& arguments) {
  if (failed()) return {};
  if (callee.is_undefined()) return fail_undefined(callee);
  if (auto* loop = callee.loop()) return call_loop(*loop, arguments);
  const Callable* callable = callee.callable();
  if (!callable) return fail("'" + callee.type_name() + "' object is not callable");
  return callable->call(*this, arguments);
}

}  // namespace baton::llm::jinja
