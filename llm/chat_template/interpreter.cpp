#include "interpreter.h"

#include <algorithm>

#include <baton/llm/template_values/unicode.h>
#include "python_text.h"

namespace baton::llm::jinja {

const Value* Scope::find_here(std::string_view name) const {
  for (const auto& [key, value] : variables) {
    if (key == name) return &value;
  }
  return nullptr;
}

void Scope::set(std::string_view name, Value value) {
  for (auto& [key, old] : variables) {
    if (key == name) {
      old = std::move(value);
      return;
    }
  }
  variables.emplace_back(name, std::move(value));
}

Interpreter::Interpreter(const Template& parsed, const RenderOptions& options)
    : template_(parsed),
      options_(options),
      max_steps_(options.shared_steps ? std::min(options.limits.max_steps, *options.shared_steps) : options.limits.max_steps),
      steps_left_(max_steps_) {}

Interpreter::~Interpreter() {
  if (options_.shared_steps) *options_.shared_steps -= max_steps_ - steps_left_;
  for (auto& name_space : namespaces_) name_space->attributes.clear();
  for (auto& scope : closures_) scope->variables.clear();
  for (auto& loop : changing_loops_) loop->last_changed.reset();
}

Text Interpreter::run(std::shared_ptr<Scope> variables) {
  Text output;
  out_ = &output;
  execute(template_.body, variables);
  return output;
}

Value Interpreter::fail(std::string message) {
  if (!error_) error_ = TemplateError{at_, std::move(message)};
  return {};
}

bool Interpreter::charge(std::size_t steps) {
  if (failed()) return false;
  if (steps > steps_left_) {
    steps_left_ = 0;
    fail("rendering takes more than " + std::to_string(max_steps_) + " steps, so it was stopped");
    return false;
  }
  steps_left_ -= steps;
  return true;
}

bool Interpreter::charge_bytes(std::size_t added, std::size_t total) {
  if (failed()) return false;
  if (total > options_.limits.max_output_bytes) {
    fail("a text grows past the limit of " + std::to_string(options_.limits.max_output_bytes) + " bytes");
    return false;
  }
  return charge(added / 16);
}

Value Interpreter::make_text(Text text) {
  if (!charge_bytes(text.size(), text.size())) return {};
  return Value::text(std::move(text));
}

bool Interpreter::charge_search(const Text& text, const Text& part) { return charge(text.size() * part.size() / 1024); }

bool Interpreter::charge_reading(const Value& subject, const Arguments& arguments) {
  const auto steps = [](const Value& value) { return value.text() ? value.text()->size() / 16 : 0; };
  std::size_t all = 1 + steps(subject);
  for (const Value& value : arguments.positional) all += steps(value);
  for (const auto& [name, value] : arguments.named) all += steps(value);
  return charge(all);
}

Value Interpreter::make_sequence(Sequence::Type type, std::vector<Value> items, bool from_template) {
  int depth = 0;
  for (const Value& item : items) depth = std::max(depth, item.depth());
  if (depth >= kMaxValueDepth) return fail("values are nested deeper than " + std::to_string(kMaxValueDepth));
  if (!charge(1 + items.size())) return {};
  auto sequence = std::make_shared<Sequence>();
  sequence->type = type;
  sequence->items = std::move(items);
  sequence->depth = depth + 1;
  return {Value::Storage(std::move(sequence)), from_template};
}

Value Interpreter::make_dict(Dict dict, bool from_template) {
  if (dict.depth > kMaxValueDepth) return fail("values are nested deeper than " + std::to_string(kMaxValueDepth));
  return {Value::Storage(std::shared_ptr<const Dict>(std::make_shared<Dict>(std::move(dict)))), from_template};
}

void Interpreter::set_item(Dict& dict, Value key, Value value) {
  std::string identity;
  if (!charge(2) || !identity_of_key(*this, key, identity)) return;
  dict.set(identity, std::move(key), std::move(value));
}

Value Interpreter::make_namespace(Namespace attributes) {
  for (auto& [name, value] : attributes.attributes) {
    if (!name.empty() && name[0] == '_')
      return fail("a namespace cannot have '" + name + "': names with an underscore in front are reserved");
  }
  namespaces_.push_back(std::make_shared<Namespace>(std::move(attributes)));
  return {Value::Storage(namespaces_.back()), true};
}

Value Interpreter::make_function(std::string name, int depth, std::function<Value(Interpreter&, Arguments&)> call) {
  if (depth >= kMaxValueDepth) return fail("values are nested deeper than " + std::to_string(kMaxValueDepth));
  if (!charge(4)) return {};
  auto function = std::make_shared<Callable>();
  function->name = std::move(name);
  function->call = std::move(call);
  function->depth = depth + 1;
  return {Value::Storage(std::shared_ptr<const Callable>(std::move(function))), true};
}

bool Interpreter::iterate(const Value& value, std::vector<Value>& items) {
  if (failed()) return false;
  if (value.is_undefined()) return true;
  if (Sequence* sequence = value.sequence()) {
    std::size_t from = sequence->is_iterator() ? sequence->consumed : 0;
    if (!charge(sequence->items.size() - from)) return false;
    items.insert(items.end(), sequence->items.begin() + static_cast<std::ptrdiff_t>(from), sequence->items.end());
    sequence->consumed = sequence->items.size();
    return true;
  }
  if (const Dict* dict = value.dict()) {
    if (!charge(dict->size())) return false;
    for (auto& [key, ignored] : dict->items()) items.push_back(key);
    return true;
  }
  if (const Text* text = value.text()) {
    if (!charge(text->size())) return false;
    for (std::size_t at = 0; at < text->size();) {
      std::size_t size = character_at(text->bytes(), at).size;
      items.push_back(Value::text(text->slice(at, at + size)));
      at += size;
    }
    return true;
  }
  if (auto* loop = value.loop()) {
    for (Value item; next_of(**loop, item);) items.push_back(make_sequence(Sequence::Type::tuple, {item, value}, true));
    return !failed();
  }
  fail("'" + value.type_name() + "' object is not iterable");
  return false;
}

bool Builder::add(std::string_view bytes, bool from_template) {
  if (!in_.charge_bytes(bytes.size(), text_.size() + bytes.size())) return false;
  text_.append(bytes, from_template);
  return true;
}

bool Builder::add(const Text& text, std::size_t begin, std::size_t end) {
  if (begin >= end) return !in_.failed();
  if (!in_.charge_bytes(end - begin, text_.size() + end - begin)) return false;
  text_.append(text, begin, end);
  return true;
}

}  // namespace baton::llm::jinja
