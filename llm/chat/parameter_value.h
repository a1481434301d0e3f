#pragma once
// Values of parameters in syntaxes that write strings without quotes: only the schema tells a string from what looks like JSON.
#include <baton/llm/json_schema/schema_node.h>

#include <optional>
#include <string>
#include <vector>

namespace baton::llm {

// What a schema allows, as far as its types, values, references and combinations say so at once.
struct ParameterValues {
  bool others = false;  // something that is no string
  // Strings: nothing means any, an empty list none.
  std::optional<std::vector<std::string>> strings;
  bool no_strings() const { return strings && strings->empty(); }
};
ParameterValues parameter_values(const SchemaNode& schema);

// Of a parameter, wherever the schema of all of them describes it; null: nowhere.
const SchemaNode* parameter_schema(const SchemaNode& root, const std::string& name);

// What a text without quotes means: a string where only strings are allowed; otherwise the JSON (or Python) that it is, if the schema
// allows that; otherwise a string. schema null: unknown.
Json read_parameter(const SchemaNode* schema, std::string text);

}  // namespace baton::llm
