#pragma once
// Python's operators over values. All of them fail the interpreter in the cases in which Python raises.
#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "interpreter.h"

namespace baton::llm::jinja {

Value arithmetic(Interpreter& in, const std::string& op, const Value& left, const Value& right);  // + - * / // % **
Value negate(Interpreter& in, const Value& value);
Value positive(Interpreter& in, const Value& value);
Value absolute(Interpreter& in, const Value& value);

bool equals(Interpreter& in, const Value& left, const Value& right);
bool less(Interpreter& in, const Value& left, const Value& right, const char* op = "<");
bool contains(Interpreter& in, const Value& container, const Value& item);
// == != < <= > >= in, and "not in"
bool compare(Interpreter& in, const std::string& op, const Value& left, const Value& right);

Text concatenated(Interpreter& in, const Text& left, const Text& right);
Text escaped(Interpreter& in, const Text& text);  // & < > ' " as HTML entities, marked as Markup

// A stable sort by key(item), like sorted(). The order is meaningless once the interpreter failed.
template <class Item, class Key>
void sort_values(Interpreter& in, std::vector<Item>& items, Key key, bool reverse) {
  // A hand-written merge sort, because std::stable_sort must not see a comparison that fails half-way and contradicts itself.
  if (items.size() < 2) return;
  std::vector<Item> buffer(items.size());
  for (std::size_t width = 1; width < items.size() && !in.failed(); width *= 2) {
    for (std::size_t begin = 0; begin < items.size(); begin += 2 * width) {
      std::size_t middle = std::min(begin + width, items.size());
      std::size_t end = std::min(begin + 2 * width, items.size());
      std::size_t a = begin;
      std::size_t b = middle;
      for (std::size_t to = begin; to < end; ++to) {
        bool right =
            a == middle || (b < end && (reverse ? less(in, key(items[a]), key(items[b])) : less(in, key(items[b]), key(items[a]))));
        buffer[to] = items[right ? b++ : a++];
      }
    }
    items.swap(buffer);
  }
}

}  // namespace baton::llm::jinja
