#include "parameter_value.h"

#include <baton/llm/schema_grammar/schema_facts.h>

#include <algorithm>
#include <iterator>

#include "call_openers.h"
#include "literal_value.h"

namespace baton::llm {
namespace {

constexpr int kBudget = 1000, kStringsAUnit = 64,
              kDeepest = 200;  // for reading one parameter; combinations may multiply to any number of schemas

ParameterValues anything() { return {true, std::nullopt}; }
ParameterValues nothing() { return {false, std::set<std::string>()}; }

ParameterValues both(ParameterValues a, ParameterValues b) {
  ParameterValues out{a.others && b.others, std::nullopt};
  if (a.strings && b.strings) {
    out.strings.emplace();
    std::set_intersection(a.strings->begin(), a.strings->end(), b.strings->begin(), b.strings->end(),
                          std::inserter(*out.strings, out.strings->end()));
  } else {
    out.strings = a.strings ? std::move(a.strings) : std::move(b.strings);
  }
  return out;
}

ParameterValues either(ParameterValues a, ParameterValues b) {
  if (!a.strings || !b.strings) return {a.others || b.others, std::nullopt};
  a.strings->merge(*b.strings);
  return {a.others || b.others, std::move(a.strings)};
}

ParameterValues of_node(const SchemaNode& node) {
  const std::uint8_t types = node.never ? 0 : node.types;
  ParameterValues out{(types & ~kStringType) != 0, std::nullopt};
  if (!(types & kStringType)) out.strings.emplace();
  if (!node.constant && !node.enum_values) return out;
  ParameterValues listed = nothing();
  const auto list = [&](const Json& value) {
    if (value.is_string()) {
      listed.strings->insert(value.get<std::string>());
    } else {
      listed.others = true;
    }
  };
  if (node.constant) {
    list(*node.constant);
  } else {
    for (const Json& value : *node.enum_values) list(value);
  }
  return both(std::move(out), std::move(listed));
}

// The conditions of a schema itself, and of the schemas that hold with it or of which one does.
template <class Own>
ParameterValues walk(const SchemaNode& node, int& budget, const Own& own, int depth = 0) {
  if (--budget < 0 || depth > kDeepest) return anything();
  ParameterValues out = own(node);
  if (node.ref) out = both(std::move(out), walk(*node.ref, budget, own, depth + 1));
  for (const SchemaNode* one : node.all_of) out = both(std::move(out), walk(*one, budget, own, depth + 1));
  for (const auto* branches : {&node.any_of, &node.one_of}) {
    if (branches->empty()) continue;
    ParameterValues some = nothing();
    for (const SchemaNode* branch : *branches) some = either(std::move(some), walk(*branch, budget, own, depth + 1));
    out = both(std::move(out), std::move(some));
  }
  return out;
}

}  // namespace

ParameterValues parameter_values(const SchemaNode& schema, int& budget) {
  return walk(schema, budget, [&](const SchemaNode& node) {
    if (node.enum_values) budget -= static_cast<int>(node.enum_values->size()) / kStringsAUnit;
    return budget < 0 ? anything() : of_node(node);
  });
}

Parameter find_parameter(const SchemaNode& root, const std::string& name) {
  Parameter out;
  int budget = kBudget;
  out.values = walk(root, budget, [&](const SchemaNode& node) {
    const SchemaNode* description = node.property(name);
    if (!description && node.pattern_properties.empty()) description = node.additional_properties;
    if (!description) return anything();
    out.descriptions.push_back(description);
    return parameter_values(*description, budget);
  });
  return out;
}

std::string read_text(const Parameter& parameter, std::string text) {
  const auto& listed = parameter.values.strings;
  if (!listed || listed->empty() || listed->contains(text)) return text;
  std::string inner(trimmed(text));
  return listed->contains(inner) ? inner : text;
}

Json read_parameter(const Parameter& parameter, std::string text) {
  const ParameterValues& values = parameter.values;
  if (values.strings && !values.no_strings()) {
    std::string listed = read_text(parameter, text);
    if (listed != text) return listed;
  }
  if (!values.others) return text;
  auto value = read_literal(text);
  const auto& all = parameter.descriptions;
  const bool fits = value && !value->is_string() &&
                    (values.no_strings() || all.empty() ||
                     std::any_of(all.begin(), all.end(), [&](const SchemaNode* one) { return is_valid(*one, *value); }));
  return fits ? std::move(*value) : Json(std::move(text));
}

}  // namespace baton::llm
