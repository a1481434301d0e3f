#pragma once
// The parsed form of a JSON schema, used by the validator and the grammar compiler. All drafts have the same form: the draft-4 boolean
// exclusiveMinimum, the draft-7 item arrays and OpenAPI's nullable are already translated.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

namespace baton::llm {

using Json = nlohmann::ordered_json;

class Pattern;  // pattern.h

// Bits of SchemaNode::types. A schema with "number" has both bits, number and integer.
enum TypeBit : std::uint8_t {
  kNullType = 1,
  kBooleanType = 2,
  kIntegerType = 4,  // 1.0 is an integer
  kNumberType = 8,   // numbers that are not integers
  kStringType = 16,
  kArrayType = 32,
  kObjectType = 64,
  kAnyType = 127,
};

struct Bound {
  Json value;  // a number, exactly as written
  bool exclusive = false;
};

struct PatternString {
  std::string source;                       // in the schema's ECMAScript syntax
  std::shared_ptr<const Pattern> compiled;  // never null
};

// One schema. Absent keywords are empty: null pointers, nullopt, empty vectors. Pointers lead to nodes of the same Schema, which owns
// them; because of $ref they may form cycles, but never one that stays at the same place of the instance. Order is the schema's own.
struct SchemaNode {
  using Child = const SchemaNode*;

  std::string pointer;                 // JSON pointer of this schema within its document; "" is the whole
  std::size_t resource = 0;            // the part of the document with an $id of its own that has it; 0: the document itself
  std::vector<std::string> unchecked;  // keywords that read like conditions but are annotations: contentEncoding
  std::vector<std::string> unknown;    // keywords that are not in any draft: annotations (JSON Schema 2020-12, section 6.5)
  bool never = false;                  // the schema `false`. `true` and {} are nodes without any keyword.

  // Any type
  std::uint8_t types = kAnyType;
  bool literal_integers = false;  // 1.0 is not an integer: draft 4
  std::optional<std::vector<Json>> enum_values;
  std::unordered_set<std::string> enum_texts;  // canonical(), of each of them
  std::optional<Json> constant;

  // Objects
  std::vector<std::pair<std::string, Child>> properties;
  bool lists_properties = false;  // `properties` is present, even if it is empty
  std::vector<std::string> required;
  std::vector<std::pair<PatternString, Child>> pattern_properties;
  Child additional_properties = nullptr;   // for names in neither of these two; null: anything
  Child unevaluated_properties = nullptr;  // for names that no schema applied to the same object describes
  Child property_names = nullptr;
  std::optional<std::uint64_t> min_properties, max_properties;
  std::vector<std::pair<std::string, std::vector<std::string>>> dependent_required;
  std::vector<std::pair<std::string, Child>> dependent_schemas;

  // Arrays
  std::vector<Child> prefix_items;
  Child items = nullptr;  // for the elements after prefix_items; null: anything
  Child unevaluated_items = nullptr;
  Child contains = nullptr;
  std::optional<std::uint64_t> min_contains, max_contains;  // with contains; min_contains absent means 1
  std::optional<std::uint64_t> min_items, max_items;
  bool unique_items = false;

  // Strings; lengths in code points
  std::optional<std::uint64_t> min_length, max_length;
  std::optional<PatternString> pattern;
  std::string format;  // asserted if formats.h knows it, otherwise an annotation

  // Numbers. Up to two bounds per side, because draft 2020-12 allows minimum beside exclusiveMinimum.
  std::vector<Bound> minima, maxima;
  std::optional<Json> multiple_of;

  // Of the same value
  Child ref = nullptr;  // its siblings hold too
  // $dynamicRef: the outermost listed one of the resources on the path here; otherwise the first. Empty if it is unambiguous: it is then
  // stored as `ref`.
  std::vector<std::pair<std::size_t, Child>> dynamic_ref;
  std::vector<Child> all_of, any_of, one_of;
  bool all_of_first = false;  // its parts come before the properties: they are written first, or one refers to a base
  Child not_schema = nullptr;
  Child if_schema = nullptr, then_schema = nullptr, else_schema = nullptr;

  const SchemaNode* property(const std::string& name) const {
    for (const auto& [key, node] : properties)
      if (key == name) return node;
    return nullptr;
  }
};

}  // namespace baton::llm
