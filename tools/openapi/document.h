#pragma once
// Reading an OpenAPI document, which may be wrong in every place: a missing member reads as empty. Internal to the folder.
#include <baton/tools/tool.h>

#include <set>
#include <string>
#include <string_view>

namespace baton::tools::openapi {

// A member, or null if there is none; never throws.
const Json& at(const Json& object, const std::string& key);
// The same for a member that should be an object: an empty one if it is missing.
const Json& members_at(const Json& object, const std::string& key);
std::string text_at(const Json& object, const std::string& key);  // "" if it is not a string
bool flag_at(const Json& object, const std::string& key, bool otherwise);
bool has_type(const Json& schema, const char* type);  // of "type", which may be a list

// "repos/list for:user" -> "repos_list_for_user"
std::string plain_name(std::string_view text, bool dashes);
// `name`, or `name` with a number after it if it is taken.
std::string unique_name(const std::string& name, std::set<std::string>& taken);
std::string upper_name(const std::string& text);
// Braces have a meaning in the file format, so they are escaped.
std::string escaped(std::string_view text);

struct Operation {
  std::string path;
  std::string method;  // upper case
  const Json* item;    // the path item
  const Json* body;    // the operation
  std::string id() const {
    const std::string own = text_at(*body, "operationId");
    return own.empty() ? method + " " + path : own;
  }
};

// The reason why an operation does not become a tool. Thrown, and caught by the importer.
struct LeftOut {
  std::string reason;
};

}  // namespace baton::tools::openapi
