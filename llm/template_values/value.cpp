#include "value.h"

#include <charconv>
#include <cmath>

#include "loop.h"

namespace baton::llm::jinja {

std::size_t Dict::size() const { return items_.size(); }

const Value* Dict::find(const std::string& key_identity) const {
  auto found = index_.find(key_identity);
  return found == index_.end() ? nullptr : &items_[found->second].second;
}

const Value* Dict::find_text(std::string_view key) const {
  std::string identity(1, 's');
  return find(identity.append(key));
}

void Dict::set(const std::string& key_identity, Value key, Value value) {
  depth = std::max({depth, key.depth() + 1, value.depth() + 1});
  auto [entry, inserted] = index_.try_emplace(key_identity, items_.size());
  if (inserted) {
    items_.emplace_back(std::move(key), std::move(value));
  } else {
    items_[entry->second].second = std::move(value);
  }
}

Value* Namespace::find(std::string_view name) {
  for (auto& [key, value] : attributes) {
    if (key == name) return &value;
  }
  return nullptr;
}

void Namespace::set(std::string_view name, Value value) {
  if (Value* found = find(name)) {
    *found = std::move(value);
  } else {
    attributes.emplace_back(name, std::move(value));
  }
}

Value Value::text(Text text) {
  bool mark = text.all_from_template();
  return {Storage(std::make_shared<const Text>(std::move(text))), mark};
}

Value Value::undefined(std::string why) { return {Storage(Undefined{std::make_shared<const std::string>(std::move(why))}), true}; }

Sequence* Value::sequence(Sequence::Type type) const {
  Sequence* found = sequence();
  return found && found->type == type ? found : nullptr;
}

bool Value::to_integer(Integer& out) const {
  if (auto* i = integer()) {
    out = *i;
  } else if (auto* b = boolean()) {
    out = *b ? 1 : 0;
  } else {
    return false;
  }
  return true;
}

bool Value::to_number(double& out) const {
  Integer i = 0;
  if (auto* d = floating()) {
    out = *d;
  } else if (to_integer(i)) {
    out = static_cast<double>(i);
  } else {
    return false;
  }
  return true;
}

bool Value::truth() const {
  if (is_undefined() || is_none()) return false;
  if (auto* b = boolean()) return *b;
  if (auto* i = integer()) return *i != 0;
  if (auto* d = floating()) return *d != 0;
  if (auto* t = text()) return !t->empty();
  if (auto* s = sequence()) return s->is_iterator() || !s->items.empty();
  if (auto* d = dict()) return d->size() != 0;
  return true;
}

int Value::depth() const {
  if (auto* s = sequence()) return s->depth;
  if (auto* d = dict()) return d->depth;
  if (auto* c = callable()) return c->depth;
  if (auto* l = loop()) return (*l)->depth();
  return 0;
}

std::string Value::type_name() const {
  if (is_undefined()) return "Undefined";
  if (is_none()) return "NoneType";
  if (boolean()) return "bool";
  if (integer()) return "int";
  if (floating()) return "float";
  if (auto* t = text()) return t->markup ? "Markup" : "str";
  if (dict()) return "dict";
  if (name_space()) return "Namespace";
  if (loop()) return "LoopContext";
  if (auto* s = sequence()) {
    switch (s->type) {
      case Sequence::Type::list:
        return "list";
      case Sequence::Type::tuple:
        return "tuple";
      case Sequence::Type::range:
        return "range";
      case Sequence::Type::dict_keys:
        return "dict_keys";
      case Sequence::Type::dict_values:
        return "dict_values";
      case Sequence::Type::dict_items:
        return "dict_items";
      case Sequence::Type::generator:
        return "generator";
      case Sequence::Type::reverse_iterator:
        return "list_reverseiterator";
    }
  }
  return "function";
}

bool Value::same_as(const Value& other) const {
  if (storage_.index() != other.storage_.index()) return false;
  if (auto* b = boolean()) return *b == *other.boolean();
  if (auto* i = integer()) return *i == *other.integer();
  if (auto* d = floating()) return *d == *other.floating();
  if (auto* t = text()) return *t == *other.text();
  if (auto* s = sequence()) return s == other.sequence();
  if (auto* d = dict()) return d == other.dict();
  if (auto* n = name_space()) return n == other.name_space();
  if (auto* c = callable()) return c == other.callable();
  if (auto* l = loop()) return *l == *other.loop();
  return is_none();
}

std::string decimal(Integer value) {
  if (value == 0) return "0";
  bool negative = value < 0;
  std::string digits;
  for (; value != 0; value /= 10) digits += static_cast<char>('0' + static_cast<int>(negative ? -(value % 10) : value % 10));
  if (negative) digits += '-';
  return {digits.rbegin(), digits.rend()};
}

std::string shortest(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  char buffer[64];
  auto end = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific).ptr;
  std::string text(buffer, end);
  std::size_t e = text.find('e');
  int exponent = std::atoi(text.c_str() + e + 1);
  // Python writes an exponent below 1e-4 and from 1e16 on.
  if (exponent < -4 || exponent >= 16) return text;
  end = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::fixed).ptr;
  text.assign(buffer, end);
  if (text.find('.') == std::string::npos) text += ".0";
  return text;
}

}  // namespace baton::llm::jinja
