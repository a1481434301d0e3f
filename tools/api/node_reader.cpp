#include "node_reader.h"

#include <baton/tools/near_names.h>

#include <algorithm>

namespace baton::tools {
namespace {

constexpr std::size_t kMaxFaults = 8;

std::string pointer_part(std::string_view key) {
  std::string part;
  for (const char c : key) part += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
  return part;
}

}  // namespace

Node Node::operator[](const std::string& key) const { return {value.at(key), at + "/" + pointer_part(key)}; }

void NodeReader::wrong(const Node& node, const std::string& what) {
  faults_.push_back(file_ + ": " + (node.at.empty() ? "/" : node.at) + ": " + what);
}

std::string NodeReader::all_faults() const {
  std::string text;
  for (std::size_t i = 0; i < std::min(faults_.size(), kMaxFaults); ++i) text += (i == 0 ? "" : "\n") + faults_[i];
  if (faults_.size() > kMaxFaults) text += "\n... and " + std::to_string(faults_.size() - kMaxFaults) + " more";
  return text;
}

bool NodeReader::is_object(const Node& node) {
  if (node.value.is_object()) return true;
  wrong(node, "must be an object");
  return false;
}

void NodeReader::known_keys(const Node& node, std::initializer_list<const char*> keys) {
  const std::vector<std::string> names(keys.begin(), keys.end());
  for (const auto& [key, value] : node.value.items()) {
    if (std::find(names.begin(), names.end(), key) != names.end()) continue;
    const std::vector<std::string> near = near_names(key, names, 1);
    wrong(node[key],
          "is not a known key here; " + (near.empty() ? "the keys are " + listed(names, "and") : "did you mean '" + near[0] + "'?"));
  }
}

const std::string* NodeReader::text(const Node& node, const char* key, bool required) {
  const Json* value = node.find(key);
  if (value != nullptr && value->is_string() && !value->get_ref<const std::string&>().empty()) {
    return &value->get_ref<const std::string&>();
  }
  if (value != nullptr) {
    wrong(node[key], "must be a text, and not empty");
  } else if (required) {
    wrong(node, std::string("lacks \"") + key + "\"");
  }
  return nullptr;
}

int NodeReader::integer(const Node& node, const char* key, int otherwise, int min, int max) {
  const Json* value = node.find(key);
  if (value == nullptr) return otherwise;
  if (value->is_number_integer() && *value >= min && *value <= max) return value->get<int>();
  wrong(node[key], "must be a whole number from " + std::to_string(min) + " to " + std::to_string(max));
  return otherwise;
}

std::optional<ApiPath> NodeReader::path(const Node& node, const char* key, bool required) {
  const Json* value = node.find(key);
  if (value == nullptr) {
    if (required) wrong(node, std::string("lacks \"") + key + "\"");
    return std::nullopt;
  }
  Result<ApiPath> parsed = parse_api_path(value->is_string() ? value->get_ref<const std::string&>() : "?");
  if (parsed) return std::move(*parsed);
  wrong(node[key], "must be a JSON pointer such as /data/items (\"\" is the whole reply; a part * means every item)");
  return std::nullopt;
}

}  // namespace baton::tools
