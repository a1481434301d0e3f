#include <algorithm>
#include <cmath>
#include <cstdio>

#include <baton/llm/template_values/unicode.h>
#include "operators.h"
#include "python_text.h"

namespace baton::llm::jinja {
namespace {

std::string json_escape(const Character& c, bool ensure_ascii) {
  char buffer[16];
  switch (c.code) {
    case '"':
      return "\\\"";
    case '\\':
      return "\\\\";
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    case '\t':
      return "\\t";
    case '\f':
      return "\\f";
    case '\b':
      return "\\b";
    default:
      break;
  }
  if (c.code >= 0x20 && (c.code < 0x7F || !ensure_ascii)) return {};
  if (c.code < 0) return {};
  if (c.code == 0x7F) return ensure_ascii ? "\\u007f" : "";
  if (c.code < 0x10000) {
    std::snprintf(buffer, sizeof buffer, "\\u%04x", static_cast<unsigned>(c.code));
  } else {
    unsigned rest = static_cast<unsigned>(c.code) - 0x10000;
    std::snprintf(buffer, sizeof buffer, "\\u%04x\\u%04x", 0xD800 + (rest >> 10), 0xDC00 + (rest & 0x3FF));
  }
  return buffer;
}

void write_json_text(Builder& to, const Text& text, bool ensure_ascii) {
  const std::string& bytes = text.bytes();
  bool mark = text.all_from_template();
  to.add("\"", mark);
  std::size_t plain = 0;
  for (std::size_t at = 0; at < bytes.size();) {
    Character c = character_at(bytes, at);
    std::string escape = json_escape(c, ensure_ascii);
    if (!escape.empty()) {
      to.add(text, plain, at);
      if (!to.add(escape, text.from_template(at))) return;
      plain = at + c.size;
    }
    at += c.size;
  }
  to.add(text, plain, bytes.size());
  to.add("\"", mark);
}

std::string json_scalar(const Value& value) {
  if (value.is_none()) return "null";
  if (auto* b = value.boolean()) return *b ? "true" : "false";
  if (auto* i = value.integer()) return decimal(*i);
  if (auto* d = value.floating()) return std::isnan(*d) ? "NaN" : std::isinf(*d) ? (*d < 0 ? "-Infinity" : "Infinity") : shortest(*d);
  return {};
}

void write_separator(Builder& to, const Text& separator, const JsonStyle& style, bool mark) {
  if (style.own_separators) {
    to.add(separator);
  } else {
    to.add(separator.bytes(), mark);
  }
}

void write_newline(Builder& to, const JsonStyle& style, bool mark, std::size_t level) {
  if (!style.indented) return;
  to.add("\n", mark);
  for (std::size_t i = 0; i < level && to.add(style.indent.bytes(), mark && style.indent.all_from_template()); ++i) continue;
}

void write_json_key(Builder& to, Interpreter& in, const Value& key, const JsonStyle& style) {
  if (auto* text = key.text()) return write_json_text(to, *text, style.ensure_ascii);
  std::string scalar = json_scalar(key);
  if (scalar.empty()) {
    in.fail("keys must be str, int, float, bool or None, not " + key.type_name());
    return;
  }
  to.add('"' + scalar + '"', key.from_template());
}

void write_json_dict(Builder& to, Interpreter& in, const Value& value, const JsonStyle& style, std::size_t level) {
  bool mark = value.from_template();
  const auto& items = value.dict()->items();
  if (items.empty()) {
    to.add("{}", mark);
    return;
  }
  std::vector<const std::pair<Value, Value>*> order;
  for (const auto& item : items) order.push_back(&item);
  if (style.sort_keys)
    sort_values(
        in, order, [](const std::pair<Value, Value>* item) -> const Value& { return item->first; }, false);
  to.add("{", mark);
  for (std::size_t i = 0; i < order.size() && !in.failed(); ++i) {
    if (i) write_separator(to, style.item_separator, style, mark);
    write_newline(to, style, mark, level + 1);
    write_json_key(to, in, order[i]->first, style);
    write_separator(to, style.key_separator, style, mark);
    write_json(to, in, order[i]->second, style, level + 1);
  }
  write_newline(to, style, mark, level);
  to.add("}", mark);
}

}  // namespace

void write_json(Builder& to, Interpreter& in, const Value& value, const JsonStyle& style, std::size_t level) {
  if (!in.charge()) return;
  bool mark = value.from_template();
  if (auto* text = value.text()) return write_json_text(to, *text, style.ensure_ascii);
  if (std::string scalar = json_scalar(value); !scalar.empty()) {
    to.add(scalar, mark);
    return;
  }
  if (value.dict()) return write_json_dict(to, in, value, style, level);
  Sequence* sequence = value.sequence();
  if (!sequence || (sequence->type != Sequence::Type::list && sequence->type != Sequence::Type::tuple)) {
    in.fail("Object of type " + value.type_name() + " is not JSON serializable");
    return;
  }
  if (sequence->items.empty()) {
    to.add("[]", mark);
    return;
  }
  to.add("[", mark);
  for (std::size_t i = 0; i < sequence->items.size() && !in.failed(); ++i) {
    if (i) write_separator(to, style.item_separator, style, mark);
    write_newline(to, style, mark, level + 1);
    write_json(to, in, sequence->items[i], style, level + 1);
  }
  write_newline(to, style, mark, level);
  to.add("]", mark);
}

}  // namespace baton::llm::jinja
