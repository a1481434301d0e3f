#include "methods.h"

#include <algorithm>

#include <baton/llm/chat_template/bind.h>
#include <baton/llm/chat_template/operators.h>
#include <baton/llm/chat_template/python_text.h>
#include "text_functions.h"

namespace baton::llm::jinja {
namespace {

bool is_one_of(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

Value unsafe(const Value& object, std::string_view name) {
  return Value::undefined("access to attribute " + repr_of(name) + " of '" + object.type_name() + "' object is unsafe.");
}

Value dict_view(Interpreter& in, const Value& object, Sequence::Type type) {
  std::vector<Value> items;
  bool mark = object.from_template();
  for (const auto& [key, value] : object.dict()->items()) {
    if (in.failed()) return {};
    if (type == Sequence::Type::dict_items) {
      items.push_back(in.make_sequence(Sequence::Type::tuple, {key, value}, mark));
    } else {
      items.push_back(type == Sequence::Type::dict_keys ? key : value);
    }
  }
  return in.make_sequence(type, std::move(items), mark);
}

Value dict_get(Interpreter& in, const Value& object, Arguments& arguments) {
  Parameters given(in, "get", arguments, {"", ""}, 1);
  std::string identity;
  if (!given || !identity_of_key(in, *given[0], identity)) return {};
  if (const Value* found = object.dict()->find(identity)) return *found;
  return given[1] ? *given[1] : Value::none();
}

std::optional<Value> dict_method(Interpreter& in, const Value& object, std::string_view name) {
  if (is_one_of(name, {"clear", "pop", "popitem", "setdefault", "update"})) return unsafe(object, name);
  if (name == "get")
    return in.make_function("get", object.depth(), [object](Interpreter& run, Arguments& a) { return dict_get(run, object, a); });
  if (name == "copy") {
    return in.make_function("copy", object.depth(),
                            [object](Interpreter& run, Arguments& a) { return Parameters(run, "copy", a, {}) ? object : Value(); });
  }
  if (name == "fromkeys") return in.fail("dict.fromkeys is not supported here; use a loop over namespace attributes or literals");
  if (!is_one_of(name, {"items", "keys", "values"})) return std::nullopt;
  auto type = name == "items" ? Sequence::Type::dict_items : name == "keys" ? Sequence::Type::dict_keys : Sequence::Type::dict_values;
  return in.make_function(std::string(name), object.depth(), [object, type, label = std::string(name)](Interpreter& run, Arguments& a) {
    return Parameters(run, label, a, {}) ? dict_view(run, object, type) : Value();
  });
}

Value sequence_index(Interpreter& in, const Value& object, Arguments& arguments) {
  Parameters given(in, "index", arguments, {"", "", ""}, 1);
  const auto& items = object.sequence()->items;
  Integer start = 0;
  auto stop = static_cast<Integer>(items.size());
  if (!given.integer(1, start) || !given.integer(2, stop)) return {};
  for (std::size_t i = clamped(start, items.size()); i < clamped(stop, items.size()); ++i) {
    if (equals(in, items[i], *given[0])) return Value::integer(static_cast<Integer>(i), object.from_template());
    if (in.failed()) return {};
  }
  return in.fail(to_repr(in, *given[0]).bytes() + " is not in " + object.type_name());
}

Value sequence_count(Interpreter& in, const Value& object, Arguments& arguments) {
  Parameters given(in, "count", arguments, {""}, 1);
  if (!given) return {};
  Integer count = 0;
  for (const Value& item : object.sequence()->items) count += equals(in, item, *given[0]) ? 1 : 0;
  return Value::integer(count, object.from_template());
}

std::optional<Value> sequence_method(Interpreter& in, const Value& object, std::string_view name) {
  const Sequence& sequence = *object.sequence();
  for (std::size_t i = 0; i < sequence.field_names.size(); ++i) {
    if (sequence.field_names[i] == name) return sequence.items[i];
  }
  bool list = sequence.type == Sequence::Type::list;
  if (list && is_one_of(name, {"append", "clear", "pop", "reverse", "insert", "sort", "extend", "remove"})) return unsafe(object, name);
  if (list && name == "copy") {
    return in.make_function("copy", object.depth(),
                            [object](Interpreter& run, Arguments& a) { return Parameters(run, "copy", a, {}) ? object : Value(); });
  }
  if (!list && sequence.type != Sequence::Type::tuple && sequence.type != Sequence::Type::range) return std::nullopt;
  if (name == "index")
    return in.make_function("index", object.depth(), [object](Interpreter& run, Arguments& a) { return sequence_index(run, object, a); });
  if (name == "count")
    return in.make_function("count", object.depth(), [object](Interpreter& run, Arguments& a) { return sequence_count(run, object, a); });
  return std::nullopt;
}

}  // namespace

std::optional<Value> method_of(Interpreter& in, const Value& object, std::string_view name) {
  if (object.text()) return text_method(in, object, name);
  if (object.dict()) return dict_method(in, object, name);
  if (object.sequence()) return sequence_method(in, object, name);
  if (Namespace* name_space = object.name_space()) {
    if (!in.charge_names(name_space->attributes.size())) return std::nullopt;
    if (Value* found = name_space->find(name)) return *found;
  }
  if (const Callable* callable = object.callable(); callable && callable->attribute) {
    Value found = callable->attribute(in, name);
    if (!found.is_undefined()) return found;
  }
  return std::nullopt;
}

}  // namespace baton::llm::jinja
