#pragma once
// Reads the members of a JSON value whose keys and types are known, and collects everything that is wrong with them. Internal to the
// folder.
#include <baton/tools/tool.h>

#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

#include "api_file.h"

namespace baton::tools {

// One value with its place, a JSON pointer.
struct Node {
  const Json& value;
  std::string at;

  const Json* find(const char* key) const {
    const auto it = value.find(key);
    return it == value.end() ? nullptr : &*it;
  }
  Node operator[](const std::string& key) const;
  Node operator[](std::size_t i) const { return {value.at(i), at + "/" + std::to_string(i)}; }
};

class NodeReader {
 public:
  explicit NodeReader(std::string file) : file_(std::move(file)) {}

  void wrong(const Node& node, const std::string& what);
  bool any_wrong() const { return !faults_.empty(); }
  std::string all_faults() const;  // one a line; of many, the first ones and the number of the others

  // Each reports what is wrong.
  bool is_object(const Node& node);
  void known_keys(const Node& node, std::initializer_list<const char*> keys);
  const std::string* text(const Node& node, const char* key, bool required);  // null: it is missing, or not a text
  int integer(const Node& node, const char* key, int otherwise, int min, int max);
  std::optional<ApiPath> path(const Node& node, const char* key, bool required);

 private:
  const std::string file_;
  std::vector<std::string> faults_;
};

}  // namespace baton::tools
