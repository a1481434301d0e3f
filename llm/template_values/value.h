#pragma once
// The values of a template: Python's types, as far as templates use them. Everything but a namespace, a consumed iterator and a loop's
// progress is immutable (transformers' sandbox forbids list.append and similar methods), so values are shared freely within a rendering.
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "text.h"

namespace baton::llm::jinja {

class Interpreter;
class Value;
struct Arguments;
struct Loop;

__extension__ typedef __int128 Integer;  // Python's are unbounded; beyond this range a template fails instead of wrapping around

// No container is nested deeper, whatever creates it, because values are visited and destroyed recursively.
inline constexpr int kMaxValueDepth = 200;

struct Undefined {
  std::shared_ptr<const std::string> why;  // the message of the error that its use raises
};
struct None {};

// All of Python's ordered types that templates use.
struct Sequence {
  enum class Type { list, tuple, range, dict_keys, dict_values, dict_items, generator, reverse_iterator };
  Type type = Type::list;
  std::vector<Value> items;
  int depth = 1;
  std::size_t consumed = 0;                   // generator, reverse_iterator: items already taken
  Integer start = 0, stop = 0, step = 1;      // range
  std::vector<std::string> field_names = {};  // of a named tuple (`groupby`)
  bool is_iterator() const { return type == Type::generator || type == Type::reverse_iterator; }
};

// Insertion order is kept; equal keys are the same key (1, 1.0 and True too).
class Dict {
 public:
  std::size_t size() const;
  const std::vector<std::pair<Value, Value>>& items() const { return items_; }
  const Value* find(const std::string& key_identity) const;  // see identity_of_key
  const Value* find_text(std::string_view key) const;
  void set(const std::string& key_identity, Value key, Value value);
  int depth = 1;

 private:
  std::vector<std::pair<Value, Value>> items_;
  std::unordered_map<std::string, std::size_t> index_;
};

struct Namespace {
  std::vector<std::pair<std::string, Value>> attributes;
  Value* find(std::string_view name);
  void set(std::string_view name, Value value);
};

struct Callable {
  std::string name;  // the name in Python's repr
  std::function<Value(Interpreter&, Arguments&)> call;
  std::function<Value(Interpreter&, std::string_view)> attribute = {};  // null: none
  int depth = 1;
};

class Value {
 public:
  using Storage =
      std::variant<Undefined, None, bool, Integer, double, std::shared_ptr<const Text>, std::shared_ptr<Sequence>,
                   std::shared_ptr<const Dict>, std::shared_ptr<Namespace>, std::shared_ptr<const Callable>, std::shared_ptr<Loop>>;

  Value() = default;  // undefined
  Value(Storage storage, bool from_template) : storage_(std::move(storage)), from_template_(from_template) {}
  static Value text(Text text);
  static Value text(std::string_view bytes, bool from_template) { return text(Text(std::string(bytes), from_template)); }
  static Value boolean(bool b, bool from_template = true) { return {Storage(b), from_template}; }
  static Value integer(Integer i, bool from_template = true) { return {Storage(i), from_template}; }
  static Value floating(double d, bool from_template = true) { return {Storage(d), from_template}; }
  static Value none(bool from_template = true) { return {Storage(None{}), from_template}; }
  static Value undefined(std::string why);

  template <class T>
  const T* as() const {
    return std::get_if<T>(&storage_);
  }
  bool is_undefined() const { return as<Undefined>() != nullptr; }
  bool is_none() const { return as<None>() != nullptr; }
  const bool* boolean() const { return as<bool>(); }
  const Integer* integer() const { return as<Integer>(); }
  const double* floating() const { return as<double>(); }
  const Text* text() const { return pointer<const Text>(); }
  Sequence* sequence() const { return pointer<Sequence>(); }
  Sequence* sequence(Sequence::Type type) const;  // null if it has another type
  const Dict* dict() const { return pointer<const Dict>(); }
  Namespace* name_space() const { return pointer<Namespace>(); }
  const Callable* callable() const { return pointer<const Callable>(); }
  const std::shared_ptr<Loop>* loop() const { return as<std::shared_ptr<Loop>>(); }
  const Storage& storage() const { return storage_; }

  // Int or bool, because Python's int operations accept either.
  bool to_integer(Integer& out) const;
  // Int, bool or float.
  bool to_number(double& out) const;
  bool is_number() const { return boolean() || integer() || floating(); }

  // Whether the characters printed for this value (digits, brackets, quotes) belong to the template. A text's own characters are marked one
  // by one.
  bool from_template() const { return text() ? text()->all_from_template() : from_template_; }
  void set_from_template(bool from_template) { from_template_ = from_template; }

  bool truth() const;
  int depth() const;              // of nested containers, 0 for a scalar
  std::string type_name() const;  // Python's: "str", "int", "dict", ..
  // Python's `is`.
  bool same_as(const Value& other) const;

 private:
  template <class T>
  T* pointer() const {
    auto* p = std::get_if<std::shared_ptr<T>>(&storage_);
    return p ? p->get() : nullptr;
  }
  Storage storage_;
  bool from_template_ = true;
};

struct Arguments {
  std::vector<Value> positional;
  std::vector<std::pair<std::string, Value>> named;
};

// The text of an integer, and of a float as Python's repr writes it.
std::string decimal(Integer value);
std::string shortest(double value);

}  // namespace baton::llm::jinja
