// The keywords: the conversion of each value to a part of a node.
#include <algorithm>
#include <cmath>

#include "json_value.h"
#include "pattern.h"
#include "schema_parser.h"

namespace baton::llm {
namespace {

using Place = SchemaParser::Place;

Error wrong(const Place& place, const std::string& expected) { return invalid_schema(place.pointer, place.name + " must be " + expected); }

Result<void> annotation(SchemaParser&, const Place&, const Json&) { return {}; }
// An annotation that reads like a condition.
Result<void> unchecked(SchemaParser&, const Place& place, const Json&) {
  place.node.unchecked.push_back(place.name);
  return {};
}

template <SchemaNode::Child SchemaNode::*kMember>
Result<void> one_schema(SchemaParser& parser, const Place& place, const Json& value) {
  const auto node = parser.child(place, value);
  if (!node) return node.error();
  place.node.*kMember = *node;
  return {};
}

template <std::vector<SchemaNode::Child> SchemaNode::*kMember>
Result<void> schema_list(SchemaParser& parser, const Place& place, const Json& value) {
  auto nodes = parser.children(place, value);
  if (!nodes) return nodes.error();
  place.node.*kMember = std::move(*nodes);
  return {};
}

template <std::optional<std::uint64_t> SchemaNode::*kMember>
Result<void> count(SchemaParser&, const Place& place, const Json& value) {
  // 2.0 is an integer too (draft 6); more than 2^53 of anything is impossible.
  if (!value.is_number() || !is_integer(value) || compare_numbers(value, 0) < 0 || compare_numbers(value, std::uint64_t{1} << 53) > 0)
    return wrong(place, "a whole number of at least 0");
  place.node.*kMember = value.get<std::uint64_t>();
  return {};
}

Result<std::vector<std::string>> names(const Place& place, const Json& value) {
  if (!value.is_array()) return wrong(place, "an array of property names");
  std::vector<std::string> all;
  for (const Json& name : value) {
    if (!name.is_string()) return wrong(place, "an array of property names");
    all.push_back(name.get<std::string>());
  }
  return all;
}

Result<void> definitions(SchemaParser& parser, const Place& place, const Json& value) {
  if (!value.is_object()) return wrong(place, "an object of schemas");
  for (const auto& [key, schema] : value.items())
    if (const auto node = parser.child(place.member(key), schema); !node) return node.error();
  return {};
}

// $ref; $dynamicRef, and draft 2019-09's $recursiveRef, which is # alone.
template <bool kDynamic>
Result<void> ref(SchemaParser& parser, const Place& place, const Json& value) {
  if (!value.is_string()) return wrong(place, "a string such as \"#/$defs/name\"");
  parser.refer(place, value.get<std::string>(), kDynamic);
  return {};
}

template <bool kDynamic>
Result<void> anchor(SchemaParser& parser, const Place& place, const Json& value) {
  if (!value.is_string()) return wrong(place, "a string");
  parser.name(place.node, value.get<std::string>(), kDynamic);
  return {};
}

Result<void> type(SchemaParser& parser, const Place& place, const Json& value) {
  static const std::map<std::string, int> kTypes = {
      {"null", kNullType},     {"boolean", kBooleanType}, {"integer", kIntegerType}, {"number", kIntegerType | kNumberType},
      {"string", kStringType}, {"array", kArrayType},     {"object", kObjectType}};
  const char* expected = "null, boolean, integer, number, string, array or object, or a list of these";
  int types = 0;
  const Json list = value.is_array() ? value : Json::array({value});
  for (const Json& name : list) {
    const auto known = name.is_string() ? kTypes.find(name.get_ref<const std::string&>()) : kTypes.end();
    if (known == kTypes.end()) return wrong(place, expected);
    types |= known->second;
  }
  if (types == 0) return wrong(place, expected);
  const auto nullable = place.schema.find("nullable");
  if (nullable != place.schema.end() && *nullable == Json(true)) types |= kNullType;
  place.node.types = static_cast<std::uint8_t>(types);
  place.node.literal_integers = parser.literal_integers();
  return {};
}

// OpenAPI 3.0; `type` reads it.
Result<void> nullable(SchemaParser&, const Place& place, const Json& value) {
  return value.is_boolean() ? Result<void>() : wrong(place, "true or false");
}

Result<void> enum_values(SchemaParser&, const Place& place, const Json& value) {
  if (!value.is_array() || value.empty()) return wrong(place, "an array of at least one value");
  place.node.enum_values.emplace(value.begin(), value.end());
  for (const Json& one : value) place.node.enum_texts.insert(canonical(one));
  return {};
}

Result<void> constant(SchemaParser&, const Place& place, const Json& value) {
  place.node.constant = value;
  return {};
}

Result<void> properties(SchemaParser& parser, const Place& place, const Json& value) {
  if (!value.is_object()) return wrong(place, "an object of schemas");
  place.node.lists_properties = true;
  for (const auto& [key, schema] : value.items()) {
    const auto node = parser.child(place.member(key), schema);
    if (!node) return node.error();
    place.node.properties.emplace_back(key, *node);
  }
  return {};
}

Result<PatternString> compile(const Place& place, const std::string& source) {
  auto compiled = Pattern::compile(source);
  if (!compiled)
    return invalid_schema(place.pointer,
                          "the pattern " + shown(source) + " is not a regular expression of ECMAScript: " + compiled.error().message);
  return PatternString{source, std::move(*compiled)};
}

Result<void> pattern(SchemaParser&, const Place& place, const Json& value) {
  if (!value.is_string()) return wrong(place, "a regular expression");
  auto compiled = compile(place, value.get_ref<const std::string&>());
  if (!compiled) return compiled.error();
  if (!compiled->compiled->is_whole()) place.node.unchecked.push_back(place.name);
  place.node.pattern = std::move(*compiled);
  return {};
}

Result<void> pattern_properties(SchemaParser& parser, const Place& place, const Json& value) {
  if (!value.is_object()) return wrong(place, "an object of schemas");
  for (const auto& [key, schema] : value.items()) {
    auto compiled = compile(place.member(key), key);
    if (!compiled) return compiled.error();
    const auto node = parser.child(place.member(key), schema);
    if (!node) return node.error();
    place.node.pattern_properties.emplace_back(std::move(*compiled), *node);
  }
  return {};
}

Result<void> required(SchemaParser&, const Place& place, const Json& value) {
  auto all = names(place, value);
  if (!all) return all.error();
  place.node.required = std::move(*all);
  return {};
}

// dependentRequired, dependentSchemas, and the older `dependencies`, which was both.
template <bool kNames, bool kSchemas>
Result<void> dependent(SchemaParser& parser, const Place& place, const Json& value) {
  if (!value.is_object()) return wrong(place, kNames && !kSchemas ? "an object of arrays of property names" : "an object of schemas");
  for (const auto& [key, depends] : value.items()) {
    const Place member = place.member(key);
    if (kNames && (depends.is_array() || !kSchemas)) {
      auto all = names(member, depends);
      if (!all) return all.error();
      place.node.dependent_required.emplace_back(key, std::move(*all));
    } else {
      const auto node = parser.child(member, depends);
      if (!node) return node.error();
      place.node.dependent_schemas.emplace_back(key, *node);
    }
  }
  return {};
}

// A schema for all (further) elements, or, until draft 2019-09, an array for the first ones.
Result<void> items(SchemaParser& parser, const Place& place, const Json& value) {
  if (!value.is_array()) return one_schema<&SchemaNode::items>(parser, place, value);
  if (place.schema.contains("prefixItems")) return wrong(place, "a schema, because prefixItems is present");
  if (value.empty()) return {};
  return schema_list<&SchemaNode::prefix_items>(parser, place, value);
}

Result<void> additional_items(SchemaParser& parser, const Place& place, const Json& value) {
  const auto node = parser.child(place, value);
  if (!node) return node.error();
  const auto first = place.schema.find("items");
  if (first != place.schema.end() && first->is_array()) place.node.items = *node;
  return {};
}

Result<void> all_of(SchemaParser& parser, const Place& place, const Json& value) {
  place.node.all_of_first = !place.node.lists_properties ||
                            (value.is_array() && std::any_of(value.begin(), value.end(),
                                                             [](const Json& part) { return part.is_object() && part.contains("$ref"); }));
  return schema_list<&SchemaNode::all_of>(parser, place, value);
}

Result<void> unique_items(SchemaParser&, const Place& place, const Json& value) {
  if (!value.is_boolean()) return wrong(place, "true or false");
  place.node.unique_items = value.get<bool>();
  return {};
}

// Another dialect may give keywords another meaning, or none.
Result<void> dialect(SchemaParser&, const Place& place, const Json& value) {
  if (!value.is_string()) return wrong(place, "a string");
  const std::string& uri = value.get_ref<const std::string&>();
  for (const char* known : {"://json-schema.org/", "://spec.openapis.org/"}) {
    if (uri.find(known) != std::string::npos) return {};
  }
  return invalid_schema(place.pointer, "the dialect " + shown(value) + " is not known; those of json-schema.org and of OpenAPI are");
}

Result<void> format(SchemaParser&, const Place& place, const Json& value) {
  if (!value.is_string()) return wrong(place, "a string");
  place.node.format = value.get<std::string>();
  return {};
}

bool finite_number(const Json& value) { return value.is_number() && (!value.is_number_float() || std::isfinite(value.get<double>())); }

// minimum and maximum; draft 4 makes them exclusive by a boolean beside them.
template <std::vector<Bound> SchemaNode::*kMember>
Result<void> bound(SchemaParser&, const Place& place, const Json& value) {
  if (!finite_number(value)) return wrong(place, "a number");
  const auto flag = place.schema.find(place.name == "minimum" ? "exclusiveMinimum" : "exclusiveMaximum");
  (place.node.*kMember).push_back({value, flag != place.schema.end() && *flag == Json(true)});
  return {};
}

template <std::vector<Bound> SchemaNode::*kMember>
Result<void> exclusive_bound(SchemaParser&, const Place& place, const Json& value) {
  if (value.is_boolean()) {
    const std::string inclusive = place.name == "exclusiveMinimum" ? "minimum" : "maximum";
    if (value.get<bool>() && !place.schema.contains(inclusive)) return wrong(place, "a number, or true next to " + inclusive);
    return {};
  }
  if (!finite_number(value)) return wrong(place, "a number");
  (place.node.*kMember).push_back({value, true});
  return {};
}

Result<void> multiple_of(SchemaParser&, const Place& place, const Json& value) {
  if (!finite_number(value) || compare_numbers(value, 0) <= 0) return wrong(place, "a number above 0");
  place.node.multiple_of = value;
  return {};
}

}  // namespace

bool SchemaParser::is_annotation(const std::string& keyword) { return keywords().at(keyword) == annotation; }

const std::map<std::string, SchemaParser::Handler>& SchemaParser::keywords() {
  using Node = SchemaNode;
  static const std::map<std::string, Handler> kKeywords = {
      {"$ref", ref<false>},
      {"$dynamicRef", ref<true>},
      {"$recursiveRef", ref<false>},
      {"$anchor", anchor<false>},
      {"$dynamicAnchor", anchor<true>},
      {"$defs", definitions},
      {"definitions", definitions},
      {"type", type},
      {"nullable", nullable},
      {"enum", enum_values},
      {"const", constant},
      {"properties", properties},
      {"required", required},
      {"patternProperties", pattern_properties},
      {"additionalProperties", one_schema<&Node::additional_properties>},
      {"unevaluatedProperties", one_schema<&Node::unevaluated_properties>},
      {"unevaluatedItems", one_schema<&Node::unevaluated_items>},
      {"propertyNames", one_schema<&Node::property_names>},
      {"minProperties", count<&Node::min_properties>},
      {"maxProperties", count<&Node::max_properties>},
      {"dependentRequired", dependent<true, false>},
      {"dependentSchemas", dependent<false, true>},
      {"dependencies", dependent<true, true>},
      {"prefixItems", schema_list<&Node::prefix_items>},
      {"items", items},
      {"additionalItems", additional_items},
      {"contains", one_schema<&Node::contains>},
      {"minContains", count<&Node::min_contains>},
      {"maxContains", count<&Node::max_contains>},
      {"minItems", count<&Node::min_items>},
      {"maxItems", count<&Node::max_items>},
      {"uniqueItems", unique_items},
      {"minLength", count<&Node::min_length>},
      {"maxLength", count<&Node::max_length>},
      {"pattern", pattern},
      {"format", format},
      {"minimum", bound<&Node::minima>},
      {"maximum", bound<&Node::maxima>},
      {"exclusiveMinimum", exclusive_bound<&Node::minima>},
      {"exclusiveMaximum", exclusive_bound<&Node::maxima>},
      {"multipleOf", multiple_of},
      {"allOf", all_of},
      {"anyOf", schema_list<&Node::any_of>},
      {"oneOf", schema_list<&Node::one_of>},
      {"not", one_schema<&Node::not_schema>},
      {"if", one_schema<&Node::if_schema>},
      {"then", one_schema<&Node::then_schema>},
      {"else", one_schema<&Node::else_schema>},
      // Annotations for people and other programs, which do not restrict values.
      {"title", annotation},
      {"description", annotation},
      {"default", annotation},
      {"examples", annotation},
      {"example", annotation},
      {"deprecated", annotation},
      {"readOnly", annotation},
      {"writeOnly", annotation},
      {"discriminator", annotation},
      {"externalDocs", annotation},
      {"xml", annotation},
      {"contentEncoding", unchecked},
      {"contentMediaType", unchecked},
      {"contentSchema", unchecked},
      {"$schema", dialect},
      {"$id", annotation},
      {"id", annotation},
      {"$recursiveAnchor", annotation},
      {"$vocabulary", annotation},
      {"$comment", annotation},
  };
  return kKeywords;
}

}  // namespace baton::llm
