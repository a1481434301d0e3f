#include "schema.h"

#include <baton/tools/text.h>

#include <algorithm>

#include <baton/tools/api/api_file.h>

namespace baton::tools {
namespace {

constexpr int kMaxDepth = 12;       // models do not fill in deeper arguments
constexpr int kMaxNodes = 1000;     // of one operation
constexpr int kMaxReferences = 32;  // a reference to a reference to ...
constexpr std::size_t kMaxSchemaDescription = 300;

std::string percent_decoded(std::string_view text) {
  const auto digit = [](char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
  };
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && digit(text[i + 1]) >= 0 && digit(text[i + 2]) >= 0) {
      out += static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

bool contains(std::initializer_list<const char*> names, const std::string& name) {
  return std::any_of(names.begin(), names.end(), [&](const char* n) { return name == n; });
}

bool is_true(const Json& object, const char* key) {
  const auto it = object.find(key);
  return it != object.end() && it->is_boolean() && it->get<bool>();
}

// An object with properties only, without keywords whose meaning a merge would change.
bool is_plain_object(const Json& schema) {
  if (!schema.is_object() || (schema.contains("type") && schema["type"] != "object")) return false;
  for (const auto& [key, value] : schema.items()) {
    if (!contains({"type", "properties", "required", "description"}, key)) return false;
  }
  return true;
}

void merge_object(Json& into, const Json& part) {
  into["type"] = "object";
  if (part.contains("properties")) {
    for (const auto& [name, schema] : part["properties"].items()) into["properties"][name] = schema;
  }
  if (part.contains("required")) {
    for (const Json& name : part["required"]) {
      Json& required = into["required"];
      if (std::find(required.begin(), required.end(), name) == required.end()) required.push_back(name);
    }
  }
  if (part.contains("description") && !into.contains("description")) into["description"] = part["description"];
}

}  // namespace

const Json* resolve_reference(const Json& document, std::string_view reference) {
  if (reference.empty() || reference.front() != '#') return nullptr;
  const Result<ApiPath> path = parse_api_path(percent_decoded(reference.substr(1)));
  if (!path) return nullptr;
  const Json* node = &document;
  for (const std::string& part : *path) {
    if (node->is_object() && node->contains(part)) {
      node = &(*node)[part];
    } else if (node->is_array() && !part.empty() && part.size() < 6 && part.find_first_not_of("0123456789") == std::string::npos &&
               std::stoul(part) < node->size()) {
      node = &(*node)[std::stoul(part)];
    } else {
      return nullptr;
    }
  }
  return node;
}

const Json* resolved(const Json& document, const Json& node) {
  const Json* at = &node;
  for (int i = 0; i < kMaxReferences; ++i) {
    if (!at->is_object() || !at->contains("$ref")) return at;
    const Json& reference = (*at)["$ref"];
    at = reference.is_string() ? resolve_reference(document, reference.get_ref<const std::string&>()) : nullptr;
    if (at == nullptr) return nullptr;
  }
  return nullptr;
}

std::string short_text(std::string_view text, std::size_t max_bytes) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return "";
  text.remove_prefix(first);
  std::string out;
  int line_breaks = 0;
  for (const char c : text) {
    if (c == '\n' && ++line_breaks == 2) break;
    if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
      if (!out.empty() && out.back() != ' ') out += ' ';
    } else {
      line_breaks = 0;
      out += c;
    }
  }
  while (!out.empty() && out.back() == ' ') out.pop_back();
  if (out.size() <= max_bytes) return out;
  std::size_t n = utf8_prefix(out, max_bytes - 3);
  if (const std::size_t word = out.rfind(' ', n); word != std::string::npos && word > max_bytes / 2) n = word;
  return out.substr(0, n) + "...";
}

Json SchemaConverter::convert(const Json& schema) {
  n_nodes_ = 0;
  return node(schema, 0);
}

Json SchemaConverter::reference(const Json& schema, int depth) {
  const std::string name = schema["$ref"].is_string() ? schema["$ref"].get<std::string>() : "";
  const std::string shown = name.substr(name.rfind('/') + 1);
  if (std::find(open_.begin(), open_.end(), name) != open_.end()) {
    note_("the schema " + shown + " contains itself: the inner one allows any value");
    return Json{{"description", "another " + shown}};
  }
  const Json* target = resolve_reference(document_, name);
  if (target == nullptr) {
    note_("the reference '" + name + "' does not resolve in this document: any value is allowed there");
    return Json::object();
  }
  open_.push_back(name);
  Json out = node(*target, depth);
  open_.pop_back();
  if (schema.contains("description") && schema["description"].is_string() && out.is_object()) {
    out["description"] = short_text(schema["description"].get_ref<const std::string&>(), kMaxSchemaDescription);
  }
  return out;
}

Json SchemaConverter::node(const Json& schema, int depth) {
  if (schema.is_boolean()) return schema.get<bool>() ? Json::object() : Json{{"not", Json::object()}};
  if (!schema.is_object()) {
    note_("a schema that is neither object nor boolean allows any value");
    return Json::object();
  }
  if (depth > kMaxDepth || ++n_nodes_ > kMaxNodes) {
    note_(depth > kMaxDepth ? "parts nested more than " + std::to_string(kMaxDepth) + " deep allow any value"
                            : "the schema is too large: everything beyond " + std::to_string(kMaxNodes) + " parts allows any value");
    return Json::object();
  }
  if (schema.contains("$ref")) return reference(schema, depth);
  Json out = Json::object();
  for (const auto& [key, value] : schema.items()) {
    if (contains({"type", "enum", "const", "format", "pattern", "default", "multipleOf", "minLength", "maxLength", "minItems", "maxItems",
                  "uniqueItems", "minProperties", "maxProperties", "minContains", "maxContains", "dependentRequired"},
                 key)) {
      out[key] = value;
    } else if (key == "description" && value.is_string()) {
      if (std::string text = short_text(value.get_ref<const std::string&>(), kMaxSchemaDescription); !text.empty())
        out[key] = std::move(text);
    } else if (contains({"items", "additionalProperties", "contains", "propertyNames", "not", "if", "then", "else"}, key)) {
      out[key] = key == "additionalProperties" && value.is_boolean() ? value : node(value, depth + 1);
    } else if (key == "patternProperties" && value.is_object()) {
      for (const auto& [pattern, inner] : value.items()) out[key][pattern] = node(inner, depth + 1);
    } else if (key == "prefixItems" && value.is_array()) {
      for (const Json& inner : value) out[key].push_back(node(inner, depth + 1));
    } else if (!contains({"properties",
                          "required",
                          "minimum",
                          "maximum",
                          "exclusiveMinimum",
                          "exclusiveMaximum",
                          "allOf",
                          "anyOf",
                          "oneOf",
                          "nullable",
                          "title",
                          "description",
                          "example",
                          "examples",
                          "xml",
                          "externalDocs",
                          "discriminator",
                          "deprecated",
                          "readOnly",
                          "writeOnly",
                          "contentEncoding",
                          "contentMediaType",
                          "contentSchema",
                          "$schema",
                          "$id",
                          "$anchor",
                          "$comment",
                          "$defs",
                          "definitions"},
                         key) &&
               key.rfind("x-", 0) != 0) {
      note_("the schema keyword '" + key + "' is left out");
    }
  }
  properties(schema, out, depth);
  bounds(schema, out);
  combine(schema, out, depth);
  if (is_true(schema, "nullable")) allow_null(out);
  return out;
}

void SchemaConverter::properties(const Json& schema, Json& out, int depth) {
  if (schema.contains("properties") && schema["properties"].is_object()) {
    out["properties"] = Json::object();
    if (!out.contains("type")) out["type"] = "object";
    for (const auto& [name, property] : schema["properties"].items()) {
      const Json* target = resolved(document_, property);
      if (target != nullptr && target->is_object() && is_true(*target, "readOnly")) continue;
      out["properties"][name] = node(property, depth + 1);
    }
  }
  if (!schema.contains("required") || !schema["required"].is_array()) return;
  Json required = Json::array();
  for (const Json& name : schema["required"]) {
    const bool sent = name.is_string() && (!out.contains("properties") || out["properties"].contains(name.get_ref<const std::string&>()));
    if (sent) required.push_back(name);
  }
  if (!required.empty()) out["required"] = std::move(required);
}

// 3.0 has a boolean beside the bound, 3.1 a number instead of it.
void SchemaConverter::bounds(const Json& schema, Json& out) {
  for (const auto& [bound, exclusive] : {std::pair{"minimum", "exclusiveMinimum"}, {"maximum", "exclusiveMaximum"}}) {
    const bool has = schema.contains(bound) && schema[bound].is_number();
    const bool strict = is_true(schema, exclusive);
    if (has) out[strict ? exclusive : bound] = schema[bound];
    if (schema.contains(exclusive) && schema[exclusive].is_number()) out[exclusive] = schema[exclusive];
  }
}

void SchemaConverter::combine(const Json& schema, Json& out, int depth) {
  for (const char* key : {"anyOf", "oneOf"}) {
    if (!schema.contains(key) || !schema[key].is_array() || schema[key].empty()) continue;
    for (const Json& inner : schema[key]) out[key].push_back(node(inner, depth + 1));
  }
  if (!schema.contains("allOf") || !schema["allOf"].is_array() || schema["allOf"].empty()) return;
  std::vector<Json> parts;
  for (const Json& inner : schema["allOf"]) parts.push_back(node(inner, depth + 1));
  const bool only_notes = std::all_of(out.items().begin(), out.items().end(), [](const auto& item) { return item.key() == "description"; });
  if (parts.size() == 1 && only_notes) {
    for (const auto& [key, value] : parts[0].items()) {
      if (!out.contains(key)) out[key] = value;
    }
  } else if ((only_notes || is_plain_object(out)) && std::all_of(parts.begin(), parts.end(), is_plain_object)) {
    for (const Json& part : parts) merge_object(out, part);
  } else {
    out["allOf"] = parts;
  }
}

void SchemaConverter::allow_null(Json& out) {
  if (out.contains("enum") && out["enum"].is_array() && std::find(out["enum"].begin(), out["enum"].end(), Json()) == out["enum"].end()) {
    out["enum"].push_back(nullptr);
  }
  if (out.contains("type") && out["type"].is_string()) {
    out["type"] = Json::array({out["type"], "null"});
  } else if (!out.contains("type") && (out.contains("anyOf") || out.contains("oneOf") || out.contains("allOf"))) {
    Json description = out.value("description", Json());
    out = Json{{"anyOf", Json::array({std::move(out), Json{{"type", "null"}}})}};
    if (description.is_string()) out["description"] = std::move(description);
  }
}

}  // namespace baton::tools
