#pragma once
// What the user lets tools do, as it is written in options and config files.
#include <map>
#include <string>
#include <vector>

#include "agent.h"

namespace baton::agent {

// "http_request=allow", ask or deny. Errors name the entry: no such tool, no such word.
Result<std::map<std::string, Permission>> parse_permissions(const std::vector<std::string>& given, const tools::ToolSet& tools);

}  // namespace baton::agent
