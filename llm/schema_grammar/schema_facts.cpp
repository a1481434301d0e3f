#include "schema_facts.h"

#include <baton/llm/json_schema/formats.h>
#include <baton/llm/json_schema/json_value.h>
#include <baton/llm/json_schema/validator.h>

#include <algorithm>
#include <set>

namespace baton::llm {
namespace {

// The values that const or enum allow; null: any.
std::optional<std::set<std::string>> values_of(const SchemaNode& node) {
  if (node.constant) return std::set<std::string>{canonical(*node.constant)};
  if (!node.enum_values) return std::nullopt;
  std::set<std::string> all;
  for (const Json& value : *node.enum_values) all.insert(canonical(value));
  return all;
}

bool apart(const SchemaNode& a, const SchemaNode& b) {
  const auto of_a = values_of(a), of_b = values_of(b);
  if (!of_a || !of_b) return false;
  return std::none_of(of_a->begin(), of_a->end(), [&](const std::string& value) { return of_b->contains(value); });
}

bool tagged_apart(const SchemaNode& a, const SchemaNode& b) {
  if (a.types != kObjectType || b.types != kObjectType) return false;
  return std::any_of(a.required.begin(), a.required.end(), [&](const std::string& name) {
    const SchemaNode *in_a = a.property(name), *in_b = b.property(name);
    return in_a && in_b && std::find(b.required.begin(), b.required.end(), name) != b.required.end() && apart(*in_a, *in_b);
  });
}

// Whether there are no conditions besides the types and values of the node itself, $ref and allOf.
bool says_no_more(const SchemaNode& node, bool without_any_of, bool without_one_of) {
  const bool objects = node.properties.empty() && node.required.empty() && node.pattern_properties.empty() && !node.additional_properties &&
                       !node.unevaluated_properties && !node.property_names && !node.min_properties && !node.max_properties &&
                       node.dependent_required.empty() && node.dependent_schemas.empty();
  const bool arrays = node.prefix_items.empty() && !node.items && !node.unevaluated_items && !node.contains && !node.min_items &&
                      !node.max_items && !node.unique_items;
  const bool strings = !node.min_length && !node.max_length && !node.pattern && !find_format(node.format);
  const bool numbers = node.minima.empty() && node.maxima.empty() && !node.multiple_of;
  const bool combinations = (node.any_of.empty() || without_any_of) && (node.one_of.empty() || without_one_of) && !node.not_schema &&
                            !node.if_schema && node.dynamic_ref.empty();
  return objects && arrays && strings && numbers && combinations;
}
bool stands_alone(const SchemaNode& node) { return !node.never && !node.ref && node.all_of.empty() && says_no_more(node, false, false); }

}  // namespace

bool says_nothing(const SchemaNode& node, bool without_any_of, bool without_one_of) {
  const bool values = !node.never && node.types == kAnyType && !node.enum_values && !node.constant;
  return values && says_no_more(node, without_any_of, without_one_of);
}

bool says_types_only(const SchemaNode& node) {
  const bool splits_numbers = ((node.types & kIntegerType) != 0) != ((node.types & kNumberType) != 0);
  return stands_alone(node) && !node.enum_values && !node.constant && !splits_numbers;
}

bool says_values_only(const SchemaNode& node) {
  return stands_alone(node) && node.types == kAnyType && (node.enum_values || node.constant);
}

bool are_disjoint(const std::vector<SchemaNode::Child>& schemas) {
  for (std::size_t i = 0; i < schemas.size(); ++i) {
    for (std::size_t k = 0; k < i; ++k) {
      const SchemaNode &a = *schemas[i], &b = *schemas[k];
      // 1.0 is an integer, but an automaton's numbers include both.
      const auto types = [](const SchemaNode& n) { return n.types & kNumberType ? n.types | kIntegerType : n.types; };
      if ((types(a) & types(b)) != 0 && !apart(a, b) && !tagged_apart(a, b)) return false;
    }
  }
  return true;
}

bool is_valid(const SchemaNode& node, const Json& value) { return Validator().run(node, value).empty(); }

}  // namespace baton::llm
