#pragma once
// Values as text: Python's str() and repr(), JSON as transformers' `tojson` writes it, and the identity of dictionary keys.
#include <string>
#include <string_view>

#include "interpreter.h"

namespace baton::llm::jinja {

Text to_str(Interpreter& in, const Value& value);
Text to_repr(Interpreter& in, const Value& value);
void write_repr(Builder& to, Interpreter& in, const Value& value, int depth = 0);
// repr() of a name for an error message.
std::string repr_of(std::string_view name);

// Equal keys (1, 1.0 and True) have equal identities. False: failed, because Python cannot hash the key.
bool identity_of_key(Interpreter& in, const Value& key, std::string& identity);

struct JsonStyle {
  bool ensure_ascii = false;
  bool sort_keys = false;
  bool indented = false;
  Text indent;  // of one level
  Text item_separator{", ", false};
  Text key_separator{": ", false};
  bool own_separators = false;  // given by the template: their own marks count
};
void write_json(Builder& to, Interpreter& in, const Value& value, const JsonStyle& style, std::size_t level = 0);

}  // namespace baton::llm::jinja
