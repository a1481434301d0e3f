#include "near_names.h"

#include <algorithm>
#include <utility>

#include "text.h"

namespace baton::tools {

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, replaced}));
    }
  }
  return row[b.size()];
}

std::vector<std::string> near_names(std::string_view name, const std::vector<std::string>& candidates, std::size_t max) {
  constexpr std::size_t kLongestName = 100;  // keeps the distances of a hostile name cheap
  const std::string wanted = ascii_lower(name.substr(0, kLongestName));
  if (wanted.empty()) return {};
  std::vector<std::pair<std::size_t, std::string>> found;  // distance, name
  for (const std::string& candidate : candidates) {
    const std::string have = ascii_lower(candidate);
    std::size_t distance = edit_distance(wanted, have);
    if (wanted.size() >= 3 && have.find(wanted) != std::string::npos) distance = std::min<std::size_t>(distance, 1);
    if (distance <= std::max<std::size_t>(1, wanted.size() / 3)) found.emplace_back(distance, candidate);
  }
  std::stable_sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  if (found.size() > max) found.resize(max);
  std::vector<std::string> names;
  for (auto& [distance, candidate] : found) names.push_back(std::move(candidate));
  return names;
}

std::string listed(const std::vector<std::string>& names, std::string_view last_word) {
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0 && i + 1 == names.size()) {
      text.append(" ").append(last_word).append(" ");
    } else if (i > 0) {
      text.append(", ");
    }
    text.append(names[i]);
  }
  return text;
}

}  // namespace baton::tools
