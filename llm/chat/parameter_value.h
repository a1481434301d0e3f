#pragma once
// Values of parameters in syntaxes that write strings without quotes: only the schema tells a string from what looks like JSON.
#include <baton/llm/json_schema/schema_node.h>

#include <optional>
#include <set>
#include <string>
#include <vector>

namespace baton::llm {

// What a schema allows, as far as its types, values, references and combinations say so at once.
struct ParameterValues {
  bool others = false;                           // something that is no string
  std::optional<std::set<std::string>> strings;  // nothing: any; empty: none
  bool no_strings() const { return strings && strings->empty(); }
};
// budget: of schemas and listed strings that are looked at; what it spends is taken off, and with none left it may be anything.
ParameterValues parameter_values(const SchemaNode& schema, int& budget);

// A parameter as the schema of all of them describes it, in however many places.
struct Parameter {
  ParameterValues values;
  std::vector<const SchemaNode*> descriptions;
};
Parameter find_parameter(const SchemaNode& root, const std::string& name);

// What a text without quotes means: a string where only strings are allowed (white space around a listed one is the syntax's); otherwise
// the JSON (or Python) that it is, if a description allows that; otherwise a string.
Json read_parameter(const Parameter& parameter, std::string text);
// The same of a text that is a string in any case.
std::string read_text(const Parameter& parameter, std::string text);

}  // namespace baton::llm
