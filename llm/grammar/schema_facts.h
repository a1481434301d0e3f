#pragma once
// Questions about one schema that its automaton depends on.
#include <baton/llm/json_schema/schema_node.h>

#include <vector>

namespace baton::llm {

// Nothing beside $ref, allOf and the alternatives that are dealt with already.
bool says_nothing(const SchemaNode& node, bool without_any_of, bool without_one_of);
// Nothing but "type", which a mask can turn round; an integer is also written as a number, so those two only together.
bool says_types_only(const SchemaNode& node);
// Nothing but enum or const.
bool says_values_only(const SchemaNode& node);
// No value can be valid under two of them, as their types or a member's const tell.
bool are_disjoint(const std::vector<SchemaNode::Child>& schemas);
bool is_valid(const SchemaNode& node, const Json& value);

}  // namespace baton::llm
