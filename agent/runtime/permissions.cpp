#include "permissions.h"

namespace baton::agent {

Result<std::map<std::string, Permission>> parse_permissions(const std::vector<std::string>& given, const tools::ToolSet& tools) {
  std::map<std::string, Permission> permissions;
  for (const std::string& one : given) {
    const std::size_t equals = one.rfind('=');
    const std::string name = one.substr(0, equals), value = equals == std::string::npos ? "" : one.substr(equals + 1);
    if (value != "allow" && value != "ask" && value != "deny")
      return Error{errc::invalid_argument, "--permission " + one + ": write NAME=allow, NAME=ask or NAME=deny"};
    if (!tools.find(name))
      return Error{errc::not_found, "--permission " + one + ": there is no tool '" + name + "'; `baton tools` lists them"};
    permissions[name] = value == "allow" ? Permission::allow : value == "ask" ? Permission::ask : Permission::deny;
  }
  return permissions;
}

}  // namespace baton::agent
