#include <algorithm>

#include "operators.h"
#include "python_text.h"

namespace baton::llm::jinja {
namespace {

// -1, 0, 1; 2 if one is not a number (nan). Comparing int and float is exact up to the precision of long double (64 bits).
int order_of_numbers(const Value& left, const Value& right) {
  Integer a = 0;
  Integer b = 0;
  if (left.to_integer(a) && right.to_integer(b)) return a < b ? -1 : a > b ? 1 : 0;
  long double x = left.to_integer(a) ? static_cast<long double>(a) : static_cast<long double>(*left.floating());
  long double y = right.to_integer(b) ? static_cast<long double>(b) : static_cast<long double>(*right.floating());
  return x < y ? -1 : x > y ? 1 : x == y ? 0 : 2;
}

bool equal_dicts(Interpreter& in, const Dict& left, const Dict& right) {
  if (left.size() != right.size()) return false;
  for (const auto& [key, value] : left.items()) {
    std::string identity;
    if (!identity_of_key(in, key, identity)) return false;
    const Value* other = right.find(identity);
    if (!other || !equals(in, value, *other)) return false;
  }
  return true;
}

bool equal_sequences(Interpreter& in, const Sequence& left, const Sequence& right) {
  if (&left == &right) return true;
  if (left.type != right.type || left.items.size() != right.items.size()) return false;
  if (left.is_iterator() || left.type == Sequence::Type::dict_values) return false;
  for (std::size_t i = 0; i < left.items.size(); ++i) {
    if (!equals(in, left.items[i], right.items[i])) return false;
  }
  return true;
}

bool less_sequences(Interpreter& in, const Sequence& left, const Sequence& right, const char* op) {
  std::size_t common = std::min(left.items.size(), right.items.size());
  for (std::size_t i = 0; i < common && in.charge(); ++i) {
    if (!equals(in, left.items[i], right.items[i])) return less(in, left.items[i], right.items[i], op);
  }
  return left.items.size() < right.items.size();
}

}  // namespace

bool equals(Interpreter& in, const Value& left, const Value& right) {
  if (!in.charge()) return false;
  if (left.is_number() && right.is_number()) return order_of_numbers(left, right) == 0;
  if (left.storage().index() != right.storage().index()) return false;
  if (left.is_undefined() || left.is_none()) return true;
  if (auto* text = left.text()) return in.charge(text->size() / 64) && *text == *right.text();
  if (auto* dict = left.dict()) return equal_dicts(in, *dict, *right.dict());
  if (auto* sequence = left.sequence()) return equal_sequences(in, *sequence, *right.sequence());
  return left.same_as(right);
}

bool less(Interpreter& in, const Value& left, const Value& right, const char* op) {
  if (!in.charge()) return false;
  if (left.is_number() && right.is_number()) return order_of_numbers(left, right) == -1;
  if (left.text() && right.text()) return in.charge(left.text()->size() / 64) && left.text()->bytes() < right.text()->bytes();
  Sequence* a = left.sequence();
  Sequence* b = right.sequence();
  bool ordered = a && b && a->type == b->type && (a->type == Sequence::Type::list || a->type == Sequence::Type::tuple);
  if (ordered) return less_sequences(in, *a, *b, op);
  if (left.is_undefined()) {
    in.fail_undefined(left);
  } else if (right.is_undefined()) {
    in.fail_undefined(right);
  } else {
    in.fail(std::string("'") + op + "' not supported between instances of '" + left.type_name() + "' and '" + right.type_name() + "'");
  }
  return false;
}

bool contains(Interpreter& in, const Value& container, const Value& item) {
  if (in.failed() || container.is_undefined()) return false;
  if (const Text* text = container.text()) {
    const Text* part = item.text();
    if (!part) {
      in.fail("'in <string>' requires string as left operand, not " + item.type_name());
      return false;
    }
    return in.charge(text->size() / 16) && in.charge_search(*text, *part) && text->bytes().find(part->bytes()) != std::string::npos;
  }
  if (const Dict* dict = container.dict()) {
    std::string identity;
    return identity_of_key(in, item, identity) && dict->find(identity);
  }
  if (Sequence* sequence = container.sequence()) {
    std::size_t at = sequence->is_iterator() ? sequence->consumed : 0;
    bool found = false;
    for (; !found && at < sequence->items.size() && !in.failed(); ++at) found = equals(in, sequence->items[at], item);
    if (sequence->is_iterator()) sequence->consumed = at;
    return found;
  }
  in.fail("argument of type '" + container.type_name() + "' is not iterable");
  return false;
}

bool compare(Interpreter& in, const std::string& op, const Value& left, const Value& right) {
  if (in.failed()) return false;
  if (op == "==") return equals(in, left, right);
  if (op == "!=") return !equals(in, left, right);
  if (op == "in") return contains(in, right, left);
  if (op == "not in") return !contains(in, right, left);
  for (const Value* operand : {&left, &right}) {
    if (operand->is_undefined()) {
      in.fail_undefined(*operand);
      return false;
    }
  }
  if (op == "<") return less(in, left, right, "<");
  if (op == ">") return less(in, right, left, ">");
  // <= and >= are not the negation of > and <: neither holds for nan. Sequences are compared by their first difference all the same.
  if (left.is_number() && right.is_number()) {
    int order = order_of_numbers(left, right);
    return order == 0 || order == (op == "<=" ? -1 : 1);
  }
  return op == "<=" ? !less(in, right, left, "<=") : !less(in, left, right, ">=");
}

}  // namespace baton::llm::jinja
