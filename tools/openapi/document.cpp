#include "document.h"

#include <algorithm>

namespace baton::tools::openapi {
namespace {

constexpr std::size_t kMaxName = 64;

const Json kNothing;  // null

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

}  // namespace

const Json& at(const Json& object, const std::string& key) {
  if (!object.is_object()) return kNothing;
  const auto it = object.find(key);
  return it == object.end() ? kNothing : *it;
}

const Json& members_at(const Json& object, const std::string& key) {
  static const Json none = Json::object();
  const Json& value = at(object, key);
  return value.is_object() ? value : none;
}

std::string text_at(const Json& object, const std::string& key) {
  const Json& value = at(object, key);
  return value.is_string() ? value.get<std::string>() : "";
}

bool flag_at(const Json& object, const std::string& key, bool otherwise) {
  const Json& value = at(object, key);
  return value.is_boolean() ? value.get<bool>() : otherwise;
}

std::string plain_name(std::string_view text, bool dashes) {
  std::string name;
  for (const char c : text) {
    if (is_letter(c) || c == '_' || (dashes && c == '-')) {
      name += c;
    } else if (!name.empty() && name.back() != '_') {
      name += '_';
    }
  }
  while (!name.empty() && name.back() == '_' && !text.ends_with('_')) name.pop_back();
  return name.substr(0, kMaxName);
}

std::string unique_name(const std::string& name, std::set<std::string>& taken) {
  std::string unique = name;
  for (int n = 2; !taken.insert(unique).second; ++n) {
    const std::string number = "_" + std::to_string(n);
    unique = name.substr(0, kMaxName - number.size()) + number;
  }
  return unique;
}

std::string upper_name(const std::string& text) {
  std::string name = plain_name(text, false);
  std::transform(name.begin(), name.end(), name.begin(), [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  return name;
}

bool has_type(const Json& schema, const char* type) {
  const Json& types = at(schema, "type");
  return types == type || (types.is_array() && std::find(types.begin(), types.end(), type) != types.end());
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) out += c == '{' ? "{{" : c == '}' ? "}}" : std::string(1, c);
  return out;
}

}  // namespace baton::tools::openapi
