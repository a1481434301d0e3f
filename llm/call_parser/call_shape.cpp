#include "call_shape.h"

#include <baton/llm/tool_syntax/json_scanner.h>

#include <algorithm>
#include <array>

namespace baton::llm {
namespace {

constexpr std::array<std::string_view, 4> kNameKeys = {"name", "function", "tool", "tool_name"};
constexpr std::array<std::string_view, 2> kArgumentKeys = {"arguments", "parameters"};
constexpr std::array<std::string_view, 4> kOtherKeys = {"id", "type", "tool_call_id", "call_id"};

template <std::size_t N>
bool has(const std::array<std::string_view, N>& keys, std::string_view key) {
  return std::find(keys.begin(), keys.end(), key) != keys.end();
}

// A model that repeats a tool's description writes {"name": .., "parameters": {"type": "object", "properties": ..}}.
bool is_schema(const Json& value) {
  const auto type = value.find("type");
  const auto properties = value.find("properties");
  return type != value.end() && *type == "object" && properties != value.end() && properties->is_object();
}

// Arguments as a string of JSON, as in OpenAI's wire format.
Json decoded(const std::string& text) {
  if (text.find_first_not_of(" \t\r\n") == std::string::npos) return Json::object();
  JsonScanner scanner;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto state = scanner.step(text[i]);
    if (state == JsonScanner::State::error) return nullptr;
    if (state == JsonScanner::State::more) continue;
    if (text.find_first_not_of(" \t\r\n", i + 1) != std::string::npos) return nullptr;
    Json value = Json::parse(scanner.text(), nullptr, false);
    return value.is_discarded() ? Json() : value;
  }
  return nullptr;
}

}  // namespace

CallKeys::CallKeys(const ToolSyntax& syntax) : name_(syntax.name_key), arguments_(syntax.arguments_key), others_(syntax.other_keys) {
  if (!syntax.id_key.empty()) others_.push_back(syntax.id_key);
}

bool CallKeys::is_name(std::string_view key) const { return has(kNameKeys, key) || key == name_; }
bool CallKeys::is_arguments(std::string_view key) const { return has(kArgumentKeys, key) || key == arguments_; }
bool CallKeys::is_any(std::string_view key) const {
  return is_name(key) || is_arguments(key) || has(kOtherKeys, key) || std::find(others_.begin(), others_.end(), key) != others_.end();
}

CallShape read_call(const Json& value, bool may_lack_arguments, const CallKeys& keys) {
  CallShape shape;
  if (!value.is_object()) return shape;
  const Json* name = nullptr;
  const Json* arguments = nullptr;
  for (const auto& [key, field] : value.items()) {
    const Json** slot = keys.is_name(key) ? &name : keys.is_arguments(key) ? &arguments : nullptr;
    if (slot == nullptr && !keys.is_any(key)) return shape;
    if (slot == nullptr) continue;
    if (*slot != nullptr) return shape;  // two names, or arguments twice
    *slot = &field;
  }
  if (name == nullptr) return shape;
  if (name->is_object() && value.contains("function") && arguments == nullptr) {
    return name->contains("function") ? shape : read_call(*name, may_lack_arguments, keys);
  }
  if (!name->is_string() || name->get_ref<const std::string&>().empty()) return shape;
  if (arguments == nullptr && !may_lack_arguments) return shape;
  shape.name = name->get<std::string>();
  if (arguments == nullptr || arguments->is_null()) {
    shape.arguments = Json::object();
  } else {
    shape.arguments = arguments->is_string() ? decoded(arguments->get_ref<const std::string&>()) : *arguments;
  }
  if (!shape.arguments.is_object()) {
    shape.kind = CallShape::Kind::malformed;
    shape.why = "the arguments of " + shape.name + " are not a JSON object";
    return shape;
  }
  if (value.contains("parameters") && is_schema(shape.arguments)) return shape;
  shape.kind = CallShape::Kind::call;
  return shape;
}

}  // namespace baton::llm
