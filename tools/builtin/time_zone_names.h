#pragma once
// Common names of time zones other than their IANA names. Internal to the folder.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace baton::tools {

// The IANA name for a well-known city or country that has no zone named after it, or for an unambiguous abbreviation; `name` in lower case
// with single spaces.
std::optional<std::string_view> zone_of_alias(std::string_view name);

// The zones that an ambiguous abbreviation (IST, CST, BST, AST) may mean; empty for others.
std::vector<std::string> zones_of_ambiguous(std::string_view name);

}  // namespace baton::tools
