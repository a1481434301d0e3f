#pragma once
// Properties of one schema on which its automaton depends.
#include <baton/llm/json_schema/schema_node.h>

#include <vector>

namespace baton::llm {

// No conditions besides $ref, allOf and the alternatives that are handled already.
bool says_nothing(const SchemaNode& node, bool without_any_of, bool without_one_of);
// Only "type", which a mask can negate. An integer can also be written as a number, so these two only together.
bool says_types_only(const SchemaNode& node);
// Only enum or const.
bool says_values_only(const SchemaNode& node);
// No value can be valid under two of them, judging by their types or a member's const.
bool are_disjoint(const std::vector<SchemaNode::Child>& schemas);
bool is_valid(const SchemaNode& node, const Json& value);

}  // namespace baton::llm
