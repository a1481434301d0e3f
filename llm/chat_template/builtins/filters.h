#pragma once
// jinja2's filters, one table per file.
#include <string_view>

#include <baton/llm/chat_template/interpreter.h>

namespace baton::llm::jinja {

using Filter = Value (*)(Interpreter&, const Value& subject, Arguments&);

// Null if the table has no filter of that name.
Filter text_filter(std::string_view name);
Filter sequence_filter(std::string_view name);
Filter selection_filter(std::string_view name);
Filter scalar_filter(std::string_view name);

bool has_filter(std::string_view name);

// The meaning of `attribute="a.b.0"` in map, sort, join and similar filters: the steps from an item to a value.
class AttributePath {
 public:
  AttributePath() = default;                   // the item itself
  explicit AttributePath(const Value& given);  // a text of names and indices between dots, an integer, or none
  // `fallback`: replaces an undefined value on the way, unless null.
  Value get(Interpreter& in, const Value& item, const Value* fallback = nullptr) const;

 private:
  std::vector<Value> steps_;
};

// The value that sort, min, max and unique compare: a text in lower case.
Value case_folded(Interpreter& in, const Value& value);

}  // namespace baton::llm::jinja
