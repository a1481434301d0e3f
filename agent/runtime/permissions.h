#pragma once
// The permissions that the user gives to tools, as they are written in options and config files.
#include <map>
#include <string>
#include <vector>

#include "agent.h"

namespace baton::agent {

// "http_request=allow", ask or deny. Errors name the entry: an unknown tool, an unknown word.
Result<std::map<std::string, Permission>> parse_permissions(const std::vector<std::string>& given, const tools::ToolSet& tools);

}  // namespace baton::agent
