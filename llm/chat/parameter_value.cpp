#include "parameter_value.h"

#include <baton/llm/grammar/schema_facts.h>

#include <algorithm>

#include "literal_value.h"

namespace baton::llm {
namespace {

constexpr int kMaxVisits = 1000;  // of schemas of one parameter; with more, which combinations may multiply to, it may be anything

ParameterValues anything() { return {true, std::nullopt}; }

ParameterValues both(const ParameterValues& a, const ParameterValues& b) {
  ParameterValues out{a.others && b.others, a.strings ? a.strings : b.strings};
  if (a.strings && b.strings) {
    std::erase_if(*out.strings,
                  [&](const std::string& s) { return std::find(b.strings->begin(), b.strings->end(), s) == b.strings->end(); });
  }
  return out;
}

ParameterValues either(const ParameterValues& a, const ParameterValues& b) {
  if (!a.strings || !b.strings) return {a.others || b.others, std::nullopt};
  ParameterValues out{a.others || b.others, a.strings};
  for (const std::string& s : *b.strings) {
    if (std::find(out.strings->begin(), out.strings->end(), s) == out.strings->end()) out.strings->push_back(s);
  }
  return out;
}

ParameterValues of_node(const SchemaNode& node) {
  const std::uint8_t types = node.never ? 0 : node.types;
  ParameterValues out{(types & ~kStringType) != 0, std::nullopt};
  if (!(types & kStringType)) out.strings.emplace();
  if (!node.constant && !node.enum_values) return out;
  ParameterValues listed{false, std::vector<std::string>()};
  for (const Json& value : node.constant ? std::vector<Json>{*node.constant} : *node.enum_values) {
    if (value.is_string()) {
      listed.strings->push_back(value.get<std::string>());
    } else {
      listed.others = true;
    }
  }
  return both(out, listed);
}

ParameterValues walk(const SchemaNode& node, int& visits) {
  if (++visits > kMaxVisits) return anything();
  ParameterValues out = of_node(node);
  if (node.ref) out = both(out, walk(*node.ref, visits));
  for (const SchemaNode* one : node.all_of) out = both(out, walk(*one, visits));
  for (const auto* branches : {&node.any_of, &node.one_of}) {
    if (branches->empty()) continue;
    ParameterValues some{false, std::vector<std::string>()};
    for (const SchemaNode* branch : *branches) some = either(some, walk(*branch, visits));
    out = both(out, some);
  }
  return out;
}

const SchemaNode* find_parameter(const SchemaNode& node, const std::string& name, int& visits) {
  if (const SchemaNode* found = node.property(name)) return found;
  if (++visits > kMaxVisits) return nullptr;
  std::vector<const SchemaNode*> below = node.all_of;
  below.insert(below.end(), node.any_of.begin(), node.any_of.end());
  below.insert(below.end(), node.one_of.begin(), node.one_of.end());
  if (node.ref) below.push_back(node.ref);
  for (const SchemaNode* one : below) {
    if (const SchemaNode* found = find_parameter(*one, name, visits)) return found;
  }
  return nullptr;
}

}  // namespace

ParameterValues parameter_values(const SchemaNode& schema) {
  int visits = 0;
  ParameterValues out = walk(schema, visits);
  if (out.strings) std::erase_if(*out.strings, [&](const std::string& s) { return !is_valid(schema, s); });
  return out;
}

const SchemaNode* parameter_schema(const SchemaNode& root, const std::string& name) {
  int visits = 0;
  return find_parameter(root, name, visits);
}

Json read_parameter(const SchemaNode* schema, std::string text) {
  const ParameterValues values = schema ? parameter_values(*schema) : anything();
  if (!values.others) return text;
  auto value = read_literal(text);
  const bool fits = value && !value->is_string() && (!schema || values.no_strings() || is_valid(*schema, *value));
  return fits ? std::move(*value) : Json(std::move(text));
}

}  // namespace baton::llm
