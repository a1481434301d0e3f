// unevaluatedProperties and unevaluatedItems: the members and elements that no schema applied to the same object or array has evaluated.
#include <algorithm>
#include <unordered_map>

#include "validator.h"

namespace baton::llm {

// Members by their place in the object, or elements by their index.
struct Validator::Evaluated {
  std::vector<bool> seen;
  void all() { seen.assign(seen.size(), true); }
};

void Validator::check_unevaluated(const SchemaNode& node, const Json& value, const Path& path, Report& report) {
  const bool object = value.is_object() && node.unevaluated_properties;
  if (!object && !(value.is_array() && node.unevaluated_items)) return;
  Evaluated evaluated{std::vector<bool>(value.size(), false)};
  evaluate_own(node, value, path, evaluated);
  const SchemaNode& rest = object ? *node.unevaluated_properties : *node.unevaluated_items;
  const char* keyword = object ? "unevaluatedProperties" : "unevaluatedItems";
  std::size_t i = 0;
  for (auto member = value.begin(); member != value.end() && !exhausted_; ++member, ++i) {
    if (evaluated.seen[i]) continue;
    const Path at = object ? Path{&path, member.key(), 0} : Path{&path, {}, i};
    if (rest.never)
      add(report, at, keyword, object ? "is not a known property" : "is one element more than the schema describes");
    else
      visit(rest, *member, at, report);
  }
}

// A schema within another one: the parts left to its own unevaluated.. count as evaluated, too.
void Validator::evaluate(const SchemaNode& node, const Json& value, const Path& path, Evaluated& out) {
  if (exhausted_ || !spend(1)) return;
  if (value.is_object() ? node.unevaluated_properties != nullptr : node.unevaluated_items != nullptr) return out.all();
  if (!enter(node)) return;
  evaluate_own(node, value, path, out);
  leave();
}

// Marks the members that `properties` or `patternProperties` names.
void Validator::evaluate_members(const SchemaNode& node, const Json& value, Evaluated& out) {
  // ordered_json finds a member by a linear search.
  std::unordered_map<std::string_view, std::size_t> places;
  const auto& members = value.get_ref<const Json::object_t&>();
  if (!node.properties.empty()) {
    std::size_t i = 0;
    for (const auto& [name, member] : members) places.emplace(name, i++);
  }
  for (const auto& [name, schema] : node.properties) {
    if (const auto place = places.find(name); place != places.end()) out.seen[place->second] = true;
  }
  if (node.pattern_properties.empty()) return;
  std::size_t i = 0;
  for (const auto& [name, member] : members) {
    const auto fits = [&, &key = name](const auto& one) { return search(one.first, key); };
    if (!out.seen[i]) out.seen[i] = std::any_of(node.pattern_properties.begin(), node.pattern_properties.end(), fits);
    if (exhausted_) return;
    ++i;
  }
}

void Validator::evaluate_own(const SchemaNode& node, const Json& value, const Path& path, Evaluated& out) {
  // Each of the dependentSchemas is searched for among all members.
  const std::size_t looked_up = value.is_object() ? node.properties.size() + value.size() * node.dependent_schemas.size() : 0;
  if (!spend((value.size() + looked_up) / 8)) return;
  if (value.is_object()) {
    if (node.additional_properties) {
      out.all();  // those that are named, and all others
    } else {
      evaluate_members(node, value, out);
    }
  } else {
    const std::size_t n = node.items ? value.size() : std::min(node.prefix_items.size(), value.size());
    std::fill_n(out.seen.begin(), n, true);
    for (std::size_t i = n; node.contains && i < value.size(); ++i) {
      if (valid(*node.contains, value[i], Path{&path, {}, i})) out.seen[i] = true;
    }
  }
  const auto where_valid = [&](const SchemaNode& one) {
    if (valid(one, value, path)) evaluate(one, value, path, out);
  };
  if (node.ref) evaluate(*node.ref, value, path, out);
  if (!node.dynamic_ref.empty()) evaluate(dynamic_target(node), value, path, out);
  for (const SchemaNode* one : node.all_of) evaluate(*one, value, path, out);
  for (const auto* alternatives : {&node.any_of, &node.one_of}) {
    for (const SchemaNode* one : *alternatives) where_valid(*one);
  }
  if (node.if_schema) {
    const bool holds = valid(*node.if_schema, value, path);
    if (holds) evaluate(*node.if_schema, value, path, out);
    if (const SchemaNode* branch = holds ? node.then_schema : node.else_schema) evaluate(*branch, value, path, out);
  }
  for (const auto& [name, one] : node.dependent_schemas) {
    if (value.is_object() && value.contains(name)) evaluate(*one, value, path, out);
  }
}

}  // namespace baton::llm
