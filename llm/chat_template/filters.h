#pragma once
// jinja2's filters, one table a file.
#include <string_view>

#include "interpreter.h"

namespace baton::llm::jinja {

using Filter = Value (*)(Interpreter&, const Value& subject, Arguments&);

// Null when the table has none of that name.
Filter text_filter(std::string_view name);
Filter sequence_filter(std::string_view name);
Filter selection_filter(std::string_view name);
Filter scalar_filter(std::string_view name);

bool has_filter(std::string_view name);

// What `attribute="a.b.0"` of map, sort, join and their kin means: the steps from an item to a value.
class AttributePath {
 public:
  AttributePath() = default;                   // the item itself
  explicit AttributePath(const Value& given);  // a text of names and indices between dots, an integer, or none
  // `fallback`: instead of an undefined value on the way, where not null.
  Value get(Interpreter& in, const Value& item, const Value* fallback = nullptr) const;

 private:
  std::vector<Value> steps_;
};

// What sort, min, max and unique compare: the lower case of a text.
Value case_folded(Interpreter& in, const Value& value);

}  // namespace baton::llm::jinja
