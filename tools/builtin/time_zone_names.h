#pragma once
// What people call a time zone beside its IANA name. Internal to the folder.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace baton::tools {

// The IANA name of a well-known city or country that has no zone of its own name, or of an abbreviation that means one zone; `name` in
// lower case with single spaces.
std::optional<std::string_view> zone_of_alias(std::string_view name);

// The zones that an ambiguous abbreviation (IST, CST, BST, AST) may mean; empty for others.
std::vector<std::string> zones_of_ambiguous(std::string_view name);

}  // namespace baton::tools
