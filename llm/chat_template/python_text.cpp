#include "python_text.h"

#include <cmath>
#include <cstdio>

#include <baton/llm/template_values/unicode.h>

namespace baton::llm::jinja {
namespace {

// The escape of one character in repr(str), or empty if it is written as itself.
std::string repr_escape(const Character& c, unsigned char byte, char quote) {
  char buffer[16];
  switch (c.code) {
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    case '\t':
      return "\\t";
    case '\\':
      return "\\\\";
    case -1:
      std::snprintf(buffer, sizeof buffer, "\\x%02x", byte);
      return buffer;
    default:
      break;
  }
  if (c.code == quote) return std::string("\\") + quote;
  if (is_printable(c.code)) return {};
  std::snprintf(buffer, sizeof buffer,
                c.code < 0x100     ? "\\x%02x"
                : c.code < 0x10000 ? "\\u%04x"
                                   : "\\U%08x",
                static_cast<unsigned>(c.code));
  return buffer;
}

void write_text_repr(Builder& to, const Text& text) {
  const std::string& bytes = text.bytes();
  char quote = bytes.find('\'') != std::string::npos && bytes.find('"') == std::string::npos ? '"' : '\'';
  bool mark = text.all_from_template();
  if (text.markup) to.add("Markup(", mark);
  to.add(std::string_view(&quote, 1), mark);
  std::size_t plain = 0;  // from here on, characters are written as themselves
  for (std::size_t at = 0; at < bytes.size();) {
    Character c = character_at(bytes, at);
    std::string escape = repr_escape(c, static_cast<unsigned char>(bytes[at]), quote);
    if (!escape.empty()) {
      to.add(text, plain, at);
      if (!to.add(escape, text.from_template(at))) return;
      plain = at + c.size;
    }
    at += c.size;
  }
  to.add(text, plain, bytes.size());
  to.add(std::string_view(&quote, 1), mark);
  if (text.markup) to.add(")", mark);
}

void write_items(Builder& to, Interpreter& in, const std::vector<Value>& items, bool mark, int depth) {
  for (std::size_t i = 0; i < items.size() && !in.failed(); ++i) {
    if (i) to.add(", ", mark);
    write_repr(to, in, items[i], depth + 1);
  }
}

void write_sequence(Builder& to, Interpreter& in, const Sequence& sequence, bool mark, int depth) {
  switch (sequence.type) {
    case Sequence::Type::list:
      to.add("[", mark);
      write_items(to, in, sequence.items, mark, depth);
      to.add("]", mark);
      break;
    case Sequence::Type::tuple:
      to.add("(", mark);
      write_items(to, in, sequence.items, mark, depth);
      to.add(sequence.items.size() == 1 ? ",)" : ")", mark);
      break;
    case Sequence::Type::range:
      to.add("range(" + decimal(sequence.start) + ", " + decimal(sequence.stop), mark);
      if (sequence.step != 1) to.add(", " + decimal(sequence.step), mark);
      to.add(")", mark);
      break;
    case Sequence::Type::dict_keys:
    case Sequence::Type::dict_values:
    case Sequence::Type::dict_items:
      to.add(sequence.type == Sequence::Type::dict_keys     ? "dict_keys(["
             : sequence.type == Sequence::Type::dict_values ? "dict_values(["
                                                            : "dict_items([",
             mark);
      write_items(to, in, sequence.items, mark, depth);
      to.add("])", mark);
      break;
    case Sequence::Type::generator:
      to.add("<generator object>", mark);
      break;
    case Sequence::Type::reverse_iterator:
      to.add("<list_reverseiterator object>", mark);
      break;
  }
}

void write_dict(Builder& to, Interpreter& in, const Dict& dict, bool mark, int depth) {
  to.add("{", mark);
  bool first = true;
  for (auto& [key, value] : dict.items()) {
    if (in.failed()) return;
    if (!first) to.add(", ", mark);
    first = false;
    write_repr(to, in, key, depth + 1);
    to.add(": ", mark);
    write_repr(to, in, value, depth + 1);
  }
  to.add("}", mark);
}

void write_namespace(Builder& to, Interpreter& in, const Namespace& name_space, int depth) {
  to.add("<Namespace {", true);
  bool first = true;
  for (auto& [name, value] : name_space.attributes) {
    if (in.failed()) return;
    if (!first) to.add(", ", true);
    first = false;
    write_text_repr(to, Text(name, true));
    to.add(": ", true);
    write_repr(to, in, value, depth + 1);
  }
  to.add("}>", true);
}

}  // namespace

std::string repr_of(std::string_view name) {
  char quote = name.find('\'') != std::string_view::npos && name.find('"') == std::string_view::npos ? '"' : '\'';
  std::string result(1, quote);
  for (std::size_t at = 0; at < name.size();) {
    Character c = character_at(name, at);
    std::string escape = repr_escape(c, static_cast<unsigned char>(name[at]), quote);
    result.append(escape.empty() ? name.substr(at, c.size) : std::string_view(escape));
    at += c.size;
  }
  return result + quote;
}

void write_repr(Builder& to, Interpreter& in, const Value& value, int depth) {
  // Only namespaces can contain themselves; every other value is bounded by kMaxValueDepth on creation.
  if (depth > kMaxValueDepth) {
    in.fail("maximum recursion depth exceeded while printing an object");
    return;
  }
  if (!in.charge()) return;
  bool mark = value.from_template();
  if (auto* text = value.text()) {
    write_text_repr(to, *text);
  } else if (value.is_undefined()) {
    to.add("Undefined", mark);
  } else if (auto* sequence = value.sequence()) {
    write_sequence(to, in, *sequence, mark, depth);
  } else if (auto* dict = value.dict()) {
    write_dict(to, in, *dict, mark, depth);
  } else if (auto* name_space = value.name_space()) {
    write_namespace(to, in, *name_space, depth);
  } else if (auto* callable = value.callable()) {
    to.add(callable->name, mark);
  } else if (auto* loop = value.loop()) {
    to.add("<LoopContext " + std::to_string((*loop)->index0 + 1) + ">", mark);
  } else {
    to.add(to_str(in, value));
  }
}

Text to_str(Interpreter& in, const Value& value) {
  bool mark = value.from_template();
  if (auto* text = value.text()) {
    Text plain = *text;
    plain.markup = false;
    return plain;
  }
  if (value.is_undefined()) return Text({}, mark);
  if (value.is_none()) return Text("None", mark);
  if (auto* b = value.boolean()) return Text(*b ? "True" : "False", mark);
  if (auto* i = value.integer()) return Text(decimal(*i), mark);
  if (auto* d = value.floating()) return Text(shortest(*d), mark);
  return to_repr(in, value);
}

Text to_repr(Interpreter& in, const Value& value) {
  Builder builder(in, Text({}, value.from_template()));
  write_repr(builder, in, value);
  return builder.take();
}

bool identity_of_key(Interpreter& in, const Value& key, std::string& identity) {
  if (!in.charge()) return false;
  if (auto* text = key.text()) {
    identity += 's';
    identity += text->bytes();
    return in.charge_bytes(text->size(), text->size());
  }
  Integer number = 0;
  double real = 0;
  if (key.to_integer(number)) {
    identity += 'i' + decimal(number);
  } else if (key.to_number(real)) {
    bool whole = std::abs(real) < 1e18 && real == std::floor(real);
    identity += whole ? 'i' + decimal(static_cast<Integer>(real)) : 'f' + shortest(real);
  } else if (key.is_none()) {
    identity += 'n';
  } else if (key.is_undefined()) {
    identity += 'u';
  } else if (Sequence* tuple = key.sequence(Sequence::Type::tuple)) {
    identity += 't';
    for (const Value& item : tuple->items) {
      std::string part;
      if (!identity_of_key(in, item, part)) return false;
      identity += std::to_string(part.size()) + ':' + part;
    }
    return in.charge_bytes(identity.size(), identity.size());
  } else if (key.dict() || (key.sequence() && !key.sequence()->is_iterator() && key.sequence()->type != Sequence::Type::range)) {
    in.fail("unhashable type: '" + key.type_name() + "'");
    return false;
  } else {
    const void* address = key.callable()     ? static_cast<const void*>(key.callable())
                          : key.name_space() ? static_cast<const void*>(key.name_space())
                          : key.loop()       ? static_cast<const void*>(key.loop()->get())
                                             : static_cast<const void*>(key.sequence());
    identity += 'p' + std::to_string(reinterpret_cast<std::uintptr_t>(address));
  }
  return true;
}

}  // namespace baton::llm::jinja
