#pragma once
// "Did you mean ...": finds the names that a wrong name may have meant.
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace baton::tools {

// The candidates most like `name`, best first, at most `max`: equal except for case, containing it, or within a third of its letters
// (Levenshtein distance, case ignored). May be empty.
std::vector<std::string> near_names(std::string_view name, const std::vector<std::string>& candidates, std::size_t max);

// The Levenshtein distance of two byte strings. Time: the product of the lengths; memory: the length of b.
std::size_t edit_distance(std::string_view a, std::string_view b);

// "a, b or c"
std::string listed(const std::vector<std::string>& names, std::string_view last_word = "or");

}  // namespace baton::tools
