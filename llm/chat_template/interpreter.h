#pragma once
// Runs a parsed template once. Failing is sticky: the first fault is kept, and from then on every operation returns at once with a
// meaningless result. So code checks failed() only where it would loop or read a value that might not exist.
//
// One rendering, one thread. The work of a hostile template is bounded: steps, bytes, nesting of values, depth of evaluation.
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <baton/llm/template_parser/ast.h>
#include <baton/llm/template_values/loop.h>
#include <baton/llm/template_values/value.h>
#include "render_options.h"

namespace baton::llm::jinja {

// Variables of one block: `for`, macro and block-set bodies have a scope of their own, `if` has not.
struct Scope {
  std::shared_ptr<Scope> parent;
  std::vector<std::pair<std::string, Value>> variables;

  const Value* find_here(std::string_view name) const;
  void set(std::string_view name, Value value);
};

class Interpreter {
 public:
  Interpreter(const Template& parsed, const RenderOptions& options);
  ~Interpreter();
  Interpreter(const Interpreter&) = delete;
  Interpreter& operator=(const Interpreter&) = delete;

  Text run(std::shared_ptr<Scope> variables);

  // ---- faults and budgets
  Value fail(std::string message);  // returns undefined
  bool failed() const { return error_.has_value(); }
  const std::optional<TemplateError>& error() const { return error_; }
  bool charge(std::size_t steps = 1);                       // false: failed
  bool charge_bytes(std::size_t added, std::size_t total);  // before a text grows by `added` to `total` bytes
  // Called before a filter, test or method reads its operands, whatever it does with them.
  bool charge_reading(const Value& subject, const Arguments& arguments);
  bool charge_search(const Text& text, const Text& part);      // in the worst case, they are compared at every place of `text`
  bool charge_names(std::size_t n) { return charge(n / 32); }  // of variables that are visited one by one
  const RenderOptions& options() const { return options_; }

  // ---- creating values, within the limits
  Value make_text(Text text);
  Value make_sequence(Sequence::Type type, std::vector<Value> items, bool from_template);
  Value make_list(std::vector<Value> items, bool from_template) {
    return make_sequence(Sequence::Type::list, std::move(items), from_template);
  }
  Value make_dict(Dict dict, bool from_template);
  // Fails on a key that Python cannot hash.
  void set_item(Dict& dict, Value key, Value value);
  Value make_namespace(Namespace attributes);
  // `depth`: of the values that the function keeps.
  Value make_function(std::string name, int depth, std::function<Value(Interpreter&, Arguments&)> call);

  // ---- operations on values that need the rendering
  // Appends the items; iterators are consumed. Fails on values that cannot be iterated.
  bool iterate(const Value& value, std::vector<Value>& items);
  Value attribute(const Value& object, std::string_view name);  // object.name
  Value item(const Value& object, const Value& key);            // object[key]
  Value slice(const Value& object, const Value& start, const Value& stop, const Value& step);
  Value call(const Value& callee, Arguments& arguments);
  Value apply_filter(const std::string& name, const Value& subject, Arguments& arguments);
  bool apply_test(const std::string& name, const Value& subject, Arguments& arguments);
  // Fails because an undefined value is used, with the reason why it is undefined.
  Value fail_undefined(const Value& undefined) { return fail(*undefined.as<Undefined>()->why); }

 private:
  enum class Flow { normal, break_loop, continue_loop };
  class Deeper;  // counts the depth of evaluation

  // statements.cpp
  Flow execute(const Block& block, const std::shared_ptr<Scope>& scope);
  Flow execute(const Stmt& statement, const std::shared_ptr<Scope>& scope);
  Flow execute_if(const Stmt& statement, const std::shared_ptr<Scope>& scope);
  Flow execute_with(const Stmt& statement, const std::shared_ptr<Scope>& scope);
  Flow execute_captured(const Stmt& statement, const std::shared_ptr<Scope>& scope);
  void execute_call_block(const Stmt& statement, const std::shared_ptr<Scope>& scope);
  void assign(const Expr& target, const Value& value, const std::shared_ptr<Scope>& scope);
  void write(const Text& text);
  void write(const Value& value);

  // loops.cpp
  void run_loop(const Stmt& statement, const Value& iterable, int depth0, const std::shared_ptr<Scope>& scope);
  bool next_of(Loop& loop, Value& item);
  bool fetch(Loop& loop, Value& item);
  Value loop_attribute(const std::shared_ptr<Loop>& loop, std::string_view name);
  Value call_loop(const std::shared_ptr<Loop>& loop, Arguments& arguments);
  std::size_t loop_length(Loop& loop);
  bool peek(Loop& loop);

  // expressions.cpp
  Value evaluate(const Expr& expr, const std::shared_ptr<Scope>& scope);
  Value evaluate_here(const Expr& expr, const std::shared_ptr<Scope>& scope);
  Value evaluate_binary(const Expr& expr, const std::shared_ptr<Scope>& scope);
  Value evaluate_concat(const Expr& expr, const std::shared_ptr<Scope>& scope);
  Value evaluate_compare(const Expr& expr, const std::shared_ptr<Scope>& scope);
  Value evaluate_dict(const Expr& expr, const std::shared_ptr<Scope>& scope);
  Value evaluate_conditional(const Expr& expr, const std::shared_ptr<Scope>& scope);
  Value lookup(const std::string& name, const std::shared_ptr<Scope>& scope);
  bool evaluate_all(const std::vector<ExprPtr>& exprs, const std::shared_ptr<Scope>& scope, std::vector<Value>& values);
  Arguments evaluate_arguments(const Expr::Call& call, const std::shared_ptr<Scope>& scope);

  // macros.cpp
  Value make_macro(const Function& function, const std::shared_ptr<Scope>& scope);
  Value call_macro(const Function& function, const std::shared_ptr<Scope>& closure, Arguments& arguments);
  bool bind_parameters(const Function& function, const std::shared_ptr<Scope>& inner, Arguments& arguments);

  const Template& template_;
  const RenderOptions& options_;
  const std::size_t max_steps_;
  std::size_t steps_left_;
  int depth_ = 0;
  Position at_;
  std::optional<TemplateError> error_;
  Text* out_ = nullptr;
  // Objects that may contain themselves through a namespace or a closure. They are emptied at the end, so that nothing leaks and no long
  // chain is destroyed recursively.
  std::vector<std::shared_ptr<Namespace>> namespaces_;
  std::vector<std::shared_ptr<Scope>> closures_;
  std::vector<std::shared_ptr<Loop>> changing_loops_;
};

// Grows a text under the interpreter's limits.
class Builder {
 public:
  explicit Builder(Interpreter& in, Text start = {}) : in_(in), text_(std::move(start)) {}
  bool add(std::string_view bytes, bool from_template);
  bool add(const Text& text) { return add(text, 0, text.size()); }
  bool add(const Text& text, std::size_t begin, std::size_t end);
  const Text& text() const { return text_; }
  Text take() { return std::move(text_); }
  Value value() { return Value::text(std::move(text_)); }

 private:
  Interpreter& in_;
  Text text_;
};

}  // namespace baton::llm::jinja
