#include "wording.h"

#include <algorithm>

#include "json_value.h"

namespace baton::llm {
namespace {

constexpr std::size_t kMaxListed = 20;

std::string joined(const std::vector<std::string>& parts, const char* last) {
  std::string text;
  for (std::size_t i = 0; i < parts.size(); ++i) text += (i == 0 ? "" : i + 1 == parts.size() ? last : ", ") + parts[i];
  return text;
}

// The same letters except for case, "_" and "-": almost correct names of this kind are the commonest slip.
std::string folded(std::string_view name) {
  std::string out;
  for (const char c : name)
    if (c != '_' && c != '-' && c != ' ') out += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

}  // namespace

std::string types_in_words(int types) {
  std::vector<std::string> parts;
  if (types & kStringType) parts.push_back("a string");
  if (types & kNumberType)
    parts.push_back("a number");
  else if (types & kIntegerType)
    parts.push_back("an integer");
  if (types & kBooleanType) parts.push_back("true or false");
  if (types & kArrayType) parts.push_back("an array");
  if (types & kObjectType) parts.push_back("an object");
  if (types & kNullType) parts.push_back("null");
  return joined(parts, " or ");
}

std::string value_in_words(const Json& value) {
  if (value.is_string()) return "the string " + shown(value);
  if (value.is_number()) return "the number " + value.dump();
  if (value.is_array()) return "an array";
  if (value.is_object()) return "an object";
  return value.dump();
}

std::string list_in_words(const std::vector<Json>& values) {
  std::vector<std::string> parts;
  for (std::size_t i = 0; i < std::min(values.size(), kMaxListed); ++i) parts.push_back(shown(values[i]));
  if (values.size() > kMaxListed) parts.push_back("and " + std::to_string(values.size() - kMaxListed) + " more");
  return joined(parts, ", ");
}

std::string kind_in_words(const SchemaNode& node) {
  if (node.constant) return "is " + shown(*node.constant);
  if (node.enum_values) return "is one of " + list_in_words(*node.enum_values);
  if (node.pattern) return "matches the pattern " + node.pattern->source;
  if (node.types != kAnyType) return "is " + types_in_words(node.types);
  return "fits the schema at " + (node.pointer.empty() ? "its top" : node.pointer);
}

std::string counted(std::uint64_t n, const char* noun) { return std::to_string(n) + ' ' + noun + (n == 1 ? "" : "s"); }

std::string counted_properties(std::uint64_t n) { return std::to_string(n) + (n == 1 ? " property" : " properties"); }

std::string known_properties(const SchemaNode& node) {
  if (node.properties.empty()) return node.pattern_properties.empty() ? "; no properties are" : "";
  std::vector<Json> names;
  for (const auto& [name, child] : node.properties) names.emplace_back(name);
  return "; known are " + list_in_words(names);
}

std::string hint(const SchemaNode& node, const std::string& missing, const std::unordered_map<std::string_view, const Json*>& members) {
  const SchemaNode* child = node.property(missing);
  std::string text;
  if (child && child->types != kAnyType) text = " (" + types_in_words(child->types) + ")";
  constexpr std::size_t kFewMembers = 50;
  if (members.size() > kFewMembers) return text;
  for (const auto& [name, member] : members)
    if (folded(name) == folded(missing)) text += "; it is spelled " + shown(missing) + ", not " + shown(std::string(name));
  return text;
}

}  // namespace baton::llm
