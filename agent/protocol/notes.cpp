#include "notes.h"

#include <baton/tools/near_names.h>
#include <baton/tools/text.h>

#include <algorithm>
#include <utility>

namespace baton::agent::protocol {
namespace {

// "messages[3].mood" -> "messages[].mood"
std::string without_indices(std::string_view path) {
  std::string kind;
  bool index = false;
  for (const char c : path) {
    if (c == ']') index = false;
    if (!index) kind += c;
    if (c == '[') index = true;
  }
  return kind;
}

// "maxTokens" and "max-tokens" become "maxtokens", as "max_tokens" does.
std::string letters_of(std::string_view key) {
  std::string letters;
  for (const char c : key) {
    if (c != '_' && c != '-' && c != '.') letters += static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  }
  return letters;
}

constexpr std::size_t kMostKeyBytes = 48;  // no known field is longer

}  // namespace

std::string likely_meant(std::string_view key, const std::set<std::string>& known) {
  if (key.size() > kMostKeyBytes) return "";
  const std::string letters = letters_of(key);
  std::string best;
  std::size_t least = letters.size() >= 8 ? 2 : letters.size() >= 4 ? 1 : 0;
  for (const std::string& candidate : known) {
    if (candidate.size() > kMostKeyBytes || candidate == key) continue;
    const std::size_t apart = tools::edit_distance(letters, letters_of(candidate));
    if (apart > least || (apart == least && !best.empty())) continue;
    best = candidate;
    least = apart;
  }
  return best;
}

void Notes::keep(const std::string& path, const std::function<std::string()>& meant) {
  // Fields of the same name are one kind; whole entries that were ignored are each named.
  const std::string kind = path.ends_with(']') ? path : without_indices(std::string_view(path).substr(0, 2 * kMostIgnoredBytes));
  if (kinds_.contains(kind)) return;
  if (kept_.size() >= kMostIgnored) {
    ++n_more_;
    return;
  }
  kinds_.insert(kind);
  kept_.push_back({path.size() <= kMostIgnoredBytes ? path : path.substr(0, tools::utf8_prefix(path, kMostIgnoredBytes)) + "…", meant()});
}

void Notes::ignore(const std::string& path) {
  keep(path, [] { return std::string(); });
}

void Notes::ignore_unknown(const std::string& path, const std::string& key, const std::set<std::string>& known) {
  keep(path, [&] { return likely_meant(key, known); });
}

void Notes::add(const Notes& others, const std::function<std::string(const std::string&)>& renamed) {
  for (const Ignored& one : others.kept_) keep(renamed(one.path), [&] { return one.meant; });
  n_more_ += others.n_more_;
}

std::vector<std::string> Notes::ignored() const {
  std::vector<std::string> all;
  for (const Ignored& one : kept_) all.push_back(one.path);
  if (n_more_ > 0) all.push_back("and " + std::to_string(n_more_) + " more");
  return all;
}

std::vector<std::string> Notes::kinds() const {
  std::set<std::string> all;
  for (const Ignored& one : kept_) all.insert(without_indices(one.path));
  return {all.begin(), all.end()};
}

std::vector<std::string> Notes::hints() const {
  std::vector<std::string> all;
  for (const Ignored& one : kept_) {
    if (!one.meant.empty()) all.push_back(one.path + ": did you mean '" + one.meant + "'?");
  }
  return all;
}

}  // namespace baton::agent::protocol
