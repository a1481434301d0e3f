#pragma once
// "Did you mean ...": what a wrong name may have meant.
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace baton::tools {

// The candidates most like `name`, best first, at most `max`: equal but for case, containing it, or at most a third of its letters away
// (Levenshtein, case ignored). May be empty.
std::vector<std::string> near_names(std::string_view name, const std::vector<std::string>& candidates, std::size_t max);

// Levenshtein's, of bytes. Time and memory: the product of the lengths, and the length of b.
std::size_t edit_distance(std::string_view a, std::string_view b);

// "a, b or c"
std::string listed(const std::vector<std::string>& names, std::string_view last_word = "or");

}  // namespace baton::tools
