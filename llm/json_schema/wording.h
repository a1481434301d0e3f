#pragma once
// The words of violations: short, concrete, for a small model to act on.
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "schema_node.h"

namespace baton::llm {

std::string types_in_words(int types);                       // "a string or null"
std::string value_in_words(const Json& value);               // "the string \"five\""
std::string list_in_words(const std::vector<Json>& values);  // "celsius", "fahrenheit"
std::string kind_in_words(const SchemaNode& node);           // "are strings": what a contains or not asks for, as far as it is short to say
std::string counted(std::uint64_t n, const char* noun);
std::string counted_properties(std::uint64_t n);

// "; known are \"city\", \"unit\"" for a name that is none of the node's properties.
std::string known_properties(const SchemaNode& node);
// What the missing property should hold; and, where a member of the value has nearly its name, that.
std::string hint(const SchemaNode& node, const std::string& missing, const std::unordered_map<std::string_view, const Json*>& members);

}  // namespace baton::llm
