#pragma once
// The wording of violations: short and concrete, so that a small model can act on it.
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "schema_node.h"

namespace baton::llm {

std::string types_in_words(int types);                       // "a string or null"
std::string value_in_words(const Json& value);               // "the string \"five\""
std::string list_in_words(const std::vector<Json>& values);  // "celsius", "fahrenheit"
std::string kind_in_words(const SchemaNode& node);           // "are strings": what a contains or not requires, if it can be said briefly
std::string counted(std::uint64_t n, const char* noun);
std::string counted_properties(std::uint64_t n);

// "; known are \"city\", \"unit\"" for a name that is not among the node's properties.
std::string known_properties(const SchemaNode& node);
// The expected value of the missing property; and, if a member of the value has a similar name, that name.
std::string hint(const SchemaNode& node, const std::string& missing, const std::unordered_map<std::string_view, const Json*>& members);

}  // namespace baton::llm
