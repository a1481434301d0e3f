#pragma once
// Values of parameters in syntaxes that write strings without quotes: only the schema distinguishes a string from text that looks like
// JSON.
#include <baton/llm/json_schema/schema_node.h>

#include <optional>
#include <set>
#include <string>
#include <vector>

namespace baton::llm {

// The values that a schema allows, as far as its types, values, references and combinations tell without deeper analysis.
struct ParameterValues {
  bool others = false;                           // values other than strings
  std::optional<std::set<std::string>> strings;  // null: any; empty: none
  bool no_strings() const { return strings && strings->empty(); }
};
// budget: the number of schemas and listed strings to visit; visited ones are subtracted. If it is used up, any value counts as allowed.
ParameterValues parameter_values(const SchemaNode& schema, int& budget);

// A parameter and all places of the schema that describe it.
struct Parameter {
  ParameterValues values;
  std::vector<const SchemaNode*> descriptions;
};
Parameter find_parameter(const SchemaNode& root, const std::string& name);

// The value of a text without quotes: a string if only strings are allowed (white space around a listed one belongs to the syntax);
// otherwise the JSON (or Python) value that it spells, if a description allows that; otherwise a string.
Json read_parameter(const Parameter& parameter, std::string text);
// The same for a text that is always a string.
std::string read_text(const Parameter& parameter, std::string text);

}  // namespace baton::llm
